import { assert, assertEquals } from "@std/assert";
import type { RecordOf, StoreRecord } from "../../broker/store/records.ts";
import { open5, subscribe5, textOf } from "../mqtt5/support.ts";
import { eventually } from "../support/eventually.ts";
import { FakeDisk } from "../support/fake_store.ts";
import { restart, startOn } from "../support/restart.ts";
import { identityOf, type TestBroker } from "../support/start_broker.ts";

const WILL = {
  topic: "will",
  payload: "gone",
  qos: 1,
  retain: true,
  delaySeconds: 60,
  properties: { contentType: "text/plain", expirySeconds: 500, userProperties: [["b", "1"], ["a", "2"]] },
} as const;

/** A client that is cut off and leaves a will which waits for a minute. */
async function leaveWill(test: TestBroker, disk: FakeDisk, sessionExpirySeconds = 1_000): Promise<void> {
  const properties = { sessionExpirySeconds };
  const { client } = await open5(test, { clientId: "leaver", cleanStart: false, will: WILL, ...properties });
  client.cut();
  await kept(disk, "will-put");
}

async function kept(disk: FakeDisk, kind: StoreRecord["kind"]): Promise<void> {
  await eventually(() => assert(disk.tables().records().some((record) => record.kind === kind), kind));
}

async function watch(test: TestBroker) {
  const { client } = await open5(test, { clientId: "watcher" });
  await subscribe5(client, [{ filter: "will", qos: 1, retainAsPublished: true }]);
  return client;
}

Deno.test("[MQTT5-3.1.3-9] the delay of a will goes on through a restart, and it comes whole", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  await leaveWill(test, disk);
  test.clock.advance(20_000);
  test = await restart(test, disk, { seconds: 20 });
  const watcher = await watch(test);
  test.clock.advance(19_000);
  await watcher.expectNothing();
  test.clock.advance(2_000);
  const packet = await watcher.receivePublish();
  assertEquals([packet.topic, textOf(packet), packet.qos, packet.retain], ["will", "gone", 1, true]);
  assertEquals(packet.properties, WILL.properties);
  await kept(disk, "retained-put");
  test = await restart(test, disk);
  test.clock.advance(100_000);
  assertEquals(disk.tables().records().filter((record) => record.kind === "will-put"), [], "Once");
  assertEquals(test.broker.retained.size, 1);
  await test.close();
});

Deno.test("a will whose time came while no broker ran is published soon after the start", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  await leaveWill(test, disk);
  test = await restart(test, disk, { seconds: 600 });
  const watcher = await watch(test);
  await watcher.expectNothing();
  test.clock.advance(1_000);
  assertEquals(textOf(await watcher.receivePublish()), "gone");
  await test.close();
});

Deno.test("[MQTT5-3.1.3-9] a client that comes back in time calls off its will, before and after a restart", async () => {
  for (const comesBackFirst of [true, false]) {
    const disk = new FakeDisk();
    let test = await startOn(disk);
    await leaveWill(test, disk);
    const comeBack = async () => {
      const { client, connack } = await open5(test, {
        clientId: "leaver",
        cleanStart: false,
        sessionExpirySeconds: 1_000,
      });
      assert(connack.sessionPresent);
      await client.disconnect();
    };
    if (comesBackFirst) await comeBack();
    test = await restart(test, disk, { seconds: 30 });
    if (!comesBackFirst) await comeBack();
    const watcher = await watch(test);
    test.clock.advance(100_000);
    await watcher.expectNothing();
    await test.close();
  }
});

Deno.test("[MQTT5-3.1.2-8] a session that ends before the delay of its will publishes it then", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  await leaveWill(test, disk, 40);
  test = await restart(test, disk, { seconds: 30 });
  const watcher = await watch(test);
  await watcher.expectNothing();
  test.clock.advance(11_000);
  assertEquals(textOf(await watcher.receivePublish()), "gone");
  assertEquals(test.broker.sessions.get("leaver"), undefined);
  await test.close();
});

Deno.test("a will that waits when the broker is stopped is kept, not published", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  await leaveWill(test, disk);
  test = await restart(test, disk, { isOrderly: true });
  assertEquals(test.broker.retained.size, 0);
  const watcher = await watch(test);
  test.clock.advance(61_000);
  assertEquals(textOf(await watcher.receivePublish()), "gone");
  await test.close();
});

Deno.test("who left a session is asked for by name; without an answer it may do nothing until it shows credentials", async () => {
  const alice = identityOf("alice");
  const bob = identityOf("bob");
  const authenticator = (recalled: boolean) => ({
    name: "test",
    authenticate: ({ username }: { username: string | undefined }) =>
      ({ granted: true, identity: username === "alice" ? alice : bob }) as const,
    recall: (name: string) => recalled && name === "alice" ? alice : undefined,
  });
  for (const recalled of [true, false]) {
    const disk = new FakeDisk();
    let test = await startOn(disk, { authenticators: [authenticator(recalled)] });
    const options = { clientId: "c", cleanStart: false, username: "alice", password: "" };
    const properties = { sessionExpirySeconds: 1_000 };
    const { client } = await open5(test, { ...options, will: WILL, ...properties });
    await subscribe5(client, [{ filter: "a", qos: 1 }]);
    client.cut();
    await kept(disk, "will-put");
    const record = disk.tables().records().find((record) => record.kind === "session-put");
    assertEquals((record as RecordOf<"session-put">).identity, "alice");
    test = await restart(test, disk, { options: { authenticators: [authenticator(recalled)] } });
    const session = test.broker.sessions.get("c")!;
    assertEquals(session.identity.name, "alice");
    assertEquals(session.identity.can("receive", "a"), recalled);
    const publisher = await test.connect({ username: "bob", password: "" });
    await publisher.publish("a", "x", { qos: 1 });
    test.clock.advance(61_000);
    assertEquals(test.broker.retained.size, recalled ? 1 : 0, "Its will");
    const { client: back } = await open5(test, { ...options, ...properties });
    if (recalled) assertEquals(textOf(await back.receivePublish()), "x");
    await publisher.publish("a", "y", { qos: 1 });
    assertEquals(textOf(await back.receivePublish()), "y");
    await test.close();
  }
});
