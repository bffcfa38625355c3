import { assert, assertEquals } from "@std/assert";
import { ANONYMOUS_NAME } from "../../broker/core/identity.ts";
import type { Credentials, Grant } from "../../broker/auth/authenticator.ts";
import { sizeOf } from "../../broker/core/message.ts";
import type { ConnectOptions } from "../support/raw_client.ts";
import { HeldStore } from "../support/held_store.ts";
import { identityOf, startBroker, type StartOptions, type TestBroker } from "../support/start_broker.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

const WILL = { topic: "will", payload: "gone" };
/** The absent session has it. */
const KEPT_WILL = { topic: "a/will", payload: "gone" };

/** A broker whose disk fails when the test says so, and an absent session that makes each publish on a/# a record. */
class FailingBroker {
  readonly store = new HeldStore();
  readonly test: TestBroker;

  constructor(options: StartOptions) {
    this.test = startBroker({ ...options, store: this.store });
  }

  static async start(options: StartOptions = {}): Promise<FailingBroker> {
    const failing = new FailingBroker(options);
    const absent = await failing.test.connect({ clientId: "absent", cleanStart: false });
    await absent.subscribe(["a/#", 2]);
    await absent.disconnect();
    await failing.test.connect({ clientId: "bystander" }); // For whom `settle` waits, who else may be gone.
    return failing;
  }

  /** @param options of the client that rests on the commit which fails */
  async fail(options: ConnectOptions = {}): Promise<void> {
    const publisher = await this.test.connect(options);
    publisher.isConnected = false;
    // The sweep of each half second and the next try are not to come at the same moment.
    this.test.clock.advance(250);
    this.store.hold();
    publisher.sendPublish("a/1", "x", { qos: 1, packetId: 1 });
    await this.store.commitCalled(1);
    this.store.reject();
    await publisher.expectClosed();
    assertEquals(this.test.broker.storeRefusal, "store-full");
  }

  /** The next try, a second after the last, succeeds. */
  recover(): void {
    this.store.release();
    this.test.clock.advance(1_000);
    assertEquals(this.test.broker.storeRefusal, undefined);
  }

  /** What waits for the absent session, by topic. */
  get waiting(): readonly string[] {
    const deliveries = [...this.test.broker.sessions.get("absent")!.outbound.deliveries()];
    return deliveries.map((delivery) => "message" in delivery ? delivery.message.topic : "");
  }
}

testVersionPairs(
  "a retained will that is due while the store fails is published, once, when it recovers [MQTT-3.1.2-8] [MQTT5-3.1.2-8]",
  async (sender, receiver) => {
    const failing = await FailingBroker.start();
    const { test } = failing;
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["will", 0]);
    const mortal = await test.connect({ version: sender, will: { ...WILL, qos: 1, retain: true } });
    await failing.fail();
    const { bytes } = test.broker.sessions.queueBudget;
    mortal.cut();
    await test.settle();
    await watcher.expectNothing();
    failing.recover();
    await watcher.expectPublish(WILL);
    await watcher.expectNothing();
    assertEquals([test.broker.retained.size, test.broker.counters.willsFailed], [1, 0]);
    assertEquals(test.broker.sessions.queueBudget.bytes, bytes, "It waits no more");
    await test.close();
  },
);

testVersions(
  "the will of a client that a failed commit ends waits for the next that succeeds",
  async (version) => {
    const failing = await FailingBroker.start();
    await failing.fail({ version, will: { ...KEPT_WILL, qos: 1 } });
    assertEquals(failing.waiting, ["a/1"]);
    failing.recover();
    assertEquals(failing.waiting, ["a/1", "a/will"]);
    await failing.test.close();
  },
);

Deno.test("a delayed will that falls due while the store fails stays on the disk until it recovers [MQTT5-3.1.3-9]", async () => {
  const failing = await FailingBroker.start();
  const { test, store } = failing;
  const options = { version: 5, clientId: "w", cleanStart: false, sessionExpirySeconds: 1000 } as const;
  const mortal = await test.connect({ ...options, will: { ...KEPT_WILL, qos: 1, delaySeconds: 3 } });
  mortal.cut();
  await test.settle();
  await failing.fail();
  for (let second = 0; second < 5; second++) {
    test.clock.advance(1_000);
    store.reject();
    await test.settle();
  }
  assertEquals([failing.waiting, store.kinds.includes("will-deleted")], [["a/1"], false]);
  failing.recover();
  assertEquals([failing.waiting, store.kinds.includes("will-deleted")], [["a/1", "a/will"], true]);
  await test.close();
});

Deno.test("who comes back while the store fails calls off a will whose delay runs, and none that is overdue", async () => {
  for (const [delaySeconds, expected] of [[3, ["a/1", "a/will"]], [100, ["a/1"]]] as const) {
    const failing = await FailingBroker.start();
    const { test, store } = failing;
    const options = { version: 5, clientId: "w", cleanStart: false, sessionExpirySeconds: 1000 } as const;
    const mortal = await test.connect({ ...options, will: { ...KEPT_WILL, qos: 1, delaySeconds } });
    mortal.cut();
    await test.settle();
    await failing.fail();
    for (let second = 0; second < 5; second++) {
      test.clock.advance(1_000);
      store.reject();
      await test.settle();
    }
    await test.connect(options);
    failing.recover();
    assertEquals<readonly string[]>(failing.waiting, expected);
    await test.close();
  }
});

testVersions(
  "wills that wait for the store take no more than queueTotalBytesMax leaves: one more is lost, and said so",
  async (version) => {
    const size = (topic: string, payload: string) =>
      sizeOf({ topic, payload: new TextEncoder().encode(payload) });
    const roomForTwo = size("a/1", "x") + 2 * size("a/will", "gone");
    for (
      const [queueTotalBytesMax, kept] of [[roomForTwo - 1, 1], [roomForTwo, 2], [roomForTwo + 1, 2]] as const
    ) {
      const failing = await FailingBroker.start({ limits: { queueTotalBytesMax } });
      const { test } = failing;
      const mortals = [];
      for (let count = 0; count < 3; count++) {
        mortals.push(await test.connect({ version, will: { ...KEPT_WILL, qos: 1 } }));
      }
      await failing.fail();
      for (const mortal of mortals) mortal.cut();
      await test.settle();
      assertEquals(test.broker.counters.willsFailed, 3 - kept);
      const lines = test.log.filter((line) => line.includes("will-refused"));
      assertEquals([lines.length, lines.every((line) => line.includes("a/will"))], [3 - kept, true]);
      failing.recover();
      assertEquals(failing.waiting, ["a/1", ...Array(kept).fill("a/will")]);
      await test.close();
    }
  },
);

testVersions(
  "wills that still wait for the store when the broker ends are counted as lost",
  async (version) => {
    const failing = await FailingBroker.start();
    const { test, store } = failing;
    await test.connect({ version, will: { ...KEPT_WILL, qos: 1 } });
    await failing.fail();
    await test.server.close();
    assertEquals(test.broker.counters.willsFailed, 1);
    assertEquals(test.log.filter((line) => line.includes("wills-lost")).length, 1);
    store.release();
    await test.close();
  },
);

testVersions(
  "a lasting session that subscribes while the store fails is refused in SUBACK, and stays as it was",
  async (version) => {
    const failing = await FailingBroker.start();
    const { test, store } = failing;
    const lasting = await test.connect({ version, clientId: "lasting", cleanStart: false });
    await lasting.subscribe(["b", 0]);
    await failing.fail();
    store.kinds.length = 0;
    for (const filter of ["b", "c"]) {
      lasting.send({
        type: "subscribe",
        packetId: 7,
        subscriptionId: 0,
        requests: [{ filter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
      });
      const suback = await lasting.receive();
      assert(suback?.type === "suback");
      assertEquals([suback.packetId, suback.reasonCodes], [7, [version === 5 ? 0x97 : 0x80]]);
    }
    assertEquals(test.broker.matchCount("c"), 0);
    assertEquals([...test.broker.sessions.get("lasting")!.subscriptions.values()].map(({ qos }) => qos), [0]);
    assertEquals(store.kinds, []);
    const clean = await test.connect({ version });
    await clean.subscribe(["c", 1]);
    failing.recover();
    await lasting.subscribe(["c", 1]);
    await test.close();
  },
);

Deno.test("while the store fails no session begins in the place of one whose time is over", async () => {
  // A quarter of a second after the full one, at which sessions end: they do before anybody looks.
  const failing = await FailingBroker.start({ clock: new SimulatedClock(Date.UTC(2026, 0, 1) + 250) });
  const { test, store } = failing;
  const options = { version: 5, clientId: "old", cleanStart: false } as const;
  const old = await test.connect({ ...options, sessionExpirySeconds: 1 });
  await old.disconnect();
  await failing.fail();
  test.clock.advance(1_000);
  store.reject();
  await test.settle();
  test.clock.advance(500);
  store.kinds.length = 0;
  for (const sessionExpirySeconds of [100, 0]) {
    const client = test.open();
    client.sendConnect({ ...options, sessionExpirySeconds });
    await client.expectRefused(3, 0x88);
  }
  assertEquals([store.kinds, test.broker.counters.sessionsExpired], [[], 0]);
  failing.recover();
  const client = test.open();
  assertEquals(await client.connect({ ...options, sessionExpirySeconds: 100 }), false);
  await test.close();
});

testVersions(
  "while the store fails no named user begins a lasting session in the place of anybody's",
  async (version) => {
    const authenticate = ({ username = ANONYMOUS_NAME }: Credentials): Grant => (
      { granted: true, identity: identityOf(username) }
    );
    const failing = await FailingBroker.start({ authenticators: [{ name: "names", authenticate }] });
    const { test, store } = failing;
    const options = { version, clientId: "c", cleanStart: false };
    const anybody = await test.connect(options);
    await anybody.subscribe(["b", 0]);
    await anybody.disconnect();
    await failing.fail();
    store.kinds.length = 0;
    const named = test.open();
    named.sendConnect({ ...options, username: "ana" });
    await named.expectRefused(3, 0x88);
    assertEquals([store.kinds, test.broker.matchCount("b")], [[], 1]);
    await test.connect(options);
    failing.recover();
    await test.close();
  },
);
