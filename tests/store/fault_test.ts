import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Version } from "../../broker/packet/mod.ts";
import { StoreError } from "../../broker/store/store.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { FakeDisk, FakeStore } from "../support/fake_store.ts";
import { type Fault, FaultyStore } from "../support/faulty_store.ts";
import { restart } from "../support/restart.ts";
import { openBroker, type TestBroker } from "../support/start_broker.ts";
import { StubbornClient } from "../support/stubborn_client.ts";

const CALLS_MAX = 200;
const QOS = [1, 2] as const;

/** Some clients with lasting sessions, and what they were promised. */
class Scenario {
  test: TestBroker;
  readonly disk: FakeDisk;
  readonly subscriber: StubbornClient;
  readonly publisher: StubbornClient;
  readonly leaver: StubbornClient;
  readonly acknowledged: string[] = [];
  #liveCount = 0;
  readonly #version: Version;
  readonly #isKilled: boolean;

  /** @param isKilled by the fault: then another broker goes on */
  constructor(test: TestBroker, disk: FakeDisk, { version, isKilled = false }: Play) {
    this.test = test;
    this.disk = disk;
    this.#version = version;
    this.#isKilled = isKilled;
    const recover = () => this.recover();
    this.subscriber = new StubbornClient(test, { clientId: "subscriber", version, recover });
    this.publisher = new StubbornClient(test, { clientId: "publisher", version, recover });
    const will = { topic: "q/will", payload: "will", qos: 1, delaySeconds: version === 5 ? 5 : 0 } as const;
    this.leaver = new StubbornClient(test, { clientId: "leaver", version, recover, will });
  }

  async play(): Promise<void> {
    await this.subscriber.subscribe("q/#", 2);
    await this.#publish(2);
    await this.subscriber.drain();
    await this.publisher.publish("r", "retained", { qos: 1, retain: true });
    await this.subscriber.subscribe("r", 2);
    await this.leaver.connect();
    this.subscriber.cut();
    await this.#publish(2);
    // The same client again: its connection is taken over.
    await this.subscriber.connect();
    await this.subscriber.connect();
    await this.subscriber.drain();
    this.leaver.cut();
    await this.#publish(1);
    await this.publisher.publish("r", "changed", { qos: 2, retain: true });
    this.test.clock.advance(10_000);
    await this.subscriber.drain();
    for (let tries = 0; this.test.broker.turn.failure !== undefined && tries < 5; tries++) {
      await this.recover();
    }
    await this.subscriber.drain();
  }

  /** Others have a life while the disk fails; a while later it can be written to again. */
  async recover(): Promise<void> {
    const isFailing = this.test.broker.turn.failure !== undefined;
    if (isFailing && this.#isKilled) return await this.restart();
    if (isFailing) await this.#live();
    this.test.clock.advance(1_000);
    await endOfTurn();
    await endOfTurn();
  }

  /** The process is killed: the next one knows what the disk does. */
  async restart(): Promise<void> {
    const clients = [this.subscriber, this.publisher, this.leaver];
    for (const client of clients) await client.takeWhatIsThere();
    this.test = await restart(this.test, this.disk);
    for (const client of clients) {
      client.cut();
      client.test = this.test;
    }
  }

  async #publish(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      for (const qos of QOS) {
        const payload = `qos ${qos}, ${this.acknowledged.length}`;
        await this.publisher.publish(`q/${qos}`, payload, { qos });
        this.acknowledged.push(payload);
      }
    }
  }

  /** Who reads, and who publishes at QoS 0, needs no disk. */
  async #live(): Promise<void> {
    const number = ++this.#liveCount;
    const reader = await this.test.connect({ version: this.#version, clientId: `reader-${number}` });
    await reader.subscribe(["live", 1]);
    const writer = await this.test.connect({ version: this.#version, clientId: `writer-${number}` });
    writer.sendPublish("live", `${number}`);
    await reader.expectPublish({ topic: "live", payload: `${number}` });
    writer.cut();
    reader.cut();
  }
}

/** Nothing that was acknowledged is lost, nothing at QoS 2 comes twice. */
function assertKept({ subscriber, acknowledged }: Scenario): void {
  const { received } = subscriber;
  for (const payload of acknowledged) {
    const count = received.get(payload) ?? 0;
    assert(count >= 1, `${payload} was acknowledged and is lost; received: ${JSON.stringify([...received])}`);
    if (payload.startsWith("qos 2")) assertEquals(count, 1, payload);
  }
}

/** How the scenario is played. */
interface Play extends Omit<Fault, "at"> {
  readonly version: Version;
  readonly isKilled?: boolean;
}

/** False if the scenario is over before the fault comes. */
async function play(at: number, how: Play): Promise<boolean> {
  const disk = new FakeDisk();
  const store = new FaultyStore(new FakeStore(disk), { ...how, at });
  if (at <= 2) {
    await assertRejects(() => openBroker({ store }), StoreError);
    return true;
  }
  const scenario = new Scenario(await openBroker({ store }), disk, how);
  await scenario.play();
  const { subscriber, publisher } = scenario;
  if (!how.isKilled) {
    const count = (event: string) => scenario.test.log.filter((line) => line.includes(event)).length;
    assertEquals([count("commit-failed"), count("store-recovered")], store.wasMet ? [1, 1] : [0, 0]);
  }
  assertEquals(scenario.test.broker.turn.failure, undefined);
  await scenario.restart();
  await publisher.publish("q/2", "qos 2, after the restart", { qos: 2 });
  scenario.acknowledged.push("qos 2, after the restart");
  await subscriber.drain();
  assertKept(scenario);
  // The server's end is none of a connection's.
  if (!how.isKilled) assert((subscriber.received.get("will") ?? 0) >= 1, "The will");
  const reader = await scenario.test.connect();
  await reader.subscribe(["r", 0]);
  await reader.expectPublish({ topic: "r", payload: "changed", retain: true });
  await scenario.test.close();
  const left = disk.tables().records().filter(({ kind }) =>
    kind === "delivery-put" || kind === "inbound-put"
  );
  assertEquals(left, [], "Flows that are over are on the disk still");
  return store.wasMet;
}

const PLAYS: readonly (readonly [name: string, how: Play])[] = [
  ["fails once", { version: 4 }],
  ["fails once", { version: 5 }],
  ["fails three times in a row", { version: 5, count: 3 }],
  ["fails and is on the disk all the same", { version: 5, isKept: true }],
  ["comes when the process is killed", { version: 4, isKilled: true }],
  ["is the last thing that a process does", { version: 4, isKilled: true, isKept: true }],
];

for (const [name, how] of PLAYS) {
  const protocol = how.version === 4 ? "3.1.1" : "5.0";
  Deno.test(`whichever call to the store ${name}, no promise to a client of MQTT ${protocol} is broken`, async () => {
    for (let at = 1; at < CALLS_MAX; at++) {
      let wasMet;
      try {
        wasMet = await play(at, how);
      } catch (error) {
        throw new Error(`Call ${at} failed`, { cause: error });
      }
      if (!wasMet) return void assert(at > 20, `Only ${at} calls`);
    }
    throw new Error(`The scenario makes ${CALLS_MAX} calls`);
  });
}
