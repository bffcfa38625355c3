import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { showsNothing } from "../../broker/auth/authenticator.ts";
import { expectConnack, sendConnect, SteppedMethod } from "../mqtt5/auth_support.ts";
import { eventually } from "../support/eventually.ts";
import { HeldStore } from "../support/held_store.ts";
import { identityOf, startBroker, type StartOptions, type TestBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

/** A broker whose commits a test makes, and an absent session that makes each publish on a/# a record. */
async function startHeld(options: StartOptions = {}): Promise<{ test: TestBroker; store: HeldStore }> {
  const store = new HeldStore();
  const test = startBroker({ ...options, store });
  const absent = await test.connect({ clientId: "absent", cleanStart: false });
  await absent.subscribe(["a/#", 2]);
  await absent.disconnect();
  store.hold();
  return { test, store };
}

testVersionPairs(
  "PUBACK leaves after the commit, while others go on without it",
  async (sender, receiver) => {
    const { test, store } = await startHeld();
    const publisher = await test.connect({ version: sender });
    const others = [
      await test.connect({ version: sender }),
      await test.connect({ version: receiver }),
    ] as const;
    await others[1].subscribe(["b", 0]);
    publisher.sendPublish("a/1", "x", { qos: 1, packetId: 1 });
    publisher.isConnected = false;
    await store.commitCalled(1);
    others[0].sendPublish("b", "meanwhile");
    await others[1].expectPublish({ topic: "b", payload: "meanwhile" });
    assertEquals(test.server.outboxBytes, 4);
    store.resolve();
    await publisher.expectAck("puback", 1);
    assertEquals(store.kinds, ["message-put", "delivery-put"]);
    store.release();
    await test.close();
  },
);

testVersionPairs(
  "PUBREC, PINGRESP behind it, and SUBACK, UNSUBACK and CONNACK of lasting sessions wait for the commit",
  async (sender, receiver) => {
    const { test, store } = await startHeld();
    const publisher = await test.connect({ version: sender });
    store.release();
    const other = await test.connect({ version: receiver, cleanStart: false });
    await other.subscribe(["c", 0]);
    store.hold();
    publisher.isConnected = other.isConnected = false;
    publisher.sendPublish("a/1", "x", { qos: 2, packetId: 1 });
    publisher.sendHex("c0 00");
    await store.commitCalled(1);
    other.sendHex("82 [00 01 {00} 00 01 'b' 00]", "a2 [00 02 {00} 00 01 'c']");
    const late = test.open();
    late.sendConnect({ version: receiver, clientId: "late", cleanStart: false });
    const witness = test.open();
    witness.sendHex("c0 00");
    await witness.expectClosed();
    assertGreaterOrEqual(test.server.outboxBytes, 4 + 2 + 5 + 4 + 4); // At 5.0 they say more.
    store.release();
    await publisher.expectHex("50 02 00 01", "d0 00");
    await other.expectHex("90 [00 01 {00} 00]", "b0 [00 02 {00} {00}]");
    await late.expectConnack();
    await test.close();
  },
);

testVersions("CONNACK, SUBACK and PUBACK of clean sessions wait for no disk", async (version) => {
  const { test, store } = await startHeld();
  const publisher = await test.connect({ version });
  publisher.isConnected = false;
  publisher.sendPublish("a/1", "x", { qos: 1, packetId: 1 });
  await store.commitCalled(1);
  const clean = await test.connect({ version });
  await clean.subscribe(["b", 1]);
  const other = await test.connect({ version });
  await other.publish("b", "y", { qos: 1 });
  await clean.takePublish({ topic: "b", payload: "y", qos: 1 });
  store.release();
  await publisher.expectAck("puback", 1);
  await test.close();
});

testVersions(
  "CONNACK of a clean session waits for no disk, whatever was promised while it was found out who comes",
  async (version) => {
    const known = Promise.withResolvers<void>();
    const { test, store } = await startHeld({
      authenticators: [{
        name: "slow",
        authenticate: async (credentials) => {
          if (!showsNothing(credentials)) await known.promise;
          return { granted: true, identity: identityOf("somebody") };
        },
      }],
    });
    const publisher = await test.connect({ version });
    publisher.isConnected = false;
    const clean = test.open();
    clean.sendConnect({ version, clientId: "clean", username: "slow" });
    await test.settle();
    publisher.sendPublish("a/1", "x", { qos: 1, packetId: 1 });
    await store.commitCalled(1);
    known.resolve();
    await clean.expectConnack();
    store.release();
    await publisher.expectAck("puback", 1);
    await test.close();
  },
);

Deno.test("CONNACK of a clean session waits for no disk where its authentication takes more than one packet", async () => {
  const method = new SteppedMethod();
  const { test, store } = await startHeld({ enhancedAuthenticators: [method], allowAnonymous: true });
  const publisher = await test.connect();
  publisher.isConnected = false;
  const clean = sendConnect(test, { clientId: "clean" });
  await eventually(() => assertEquals(method.isAsked, true));
  publisher.sendPublish("a/1", "x", { qos: 1, packetId: 1 });
  await store.commitCalled(1);
  await method.answer({ step: "granted", identity: identityOf("somebody") });
  await expectConnack(clean, 0);
  store.release();
  await publisher.expectAck("puback", 1);
  await test.close();
});

testVersions("what comes while a commit is under way waits for the next one", async (version) => {
  const { test, store } = await startHeld();
  const one = await test.connect({ version });
  const two = await test.connect({ version });
  one.isConnected = two.isConnected = false;
  one.sendPublish("a/1", "x", { qos: 1, packetId: 1 });
  await store.commitCalled(1);
  two.sendPublish("a/2", "y", { qos: 1, packetId: 2 });
  await store.recorded(4);
  store.resolve();
  await one.expectAck("puback", 1);
  await store.commitCalled(2);
  assertEquals(test.server.outboxBytes, 4);
  store.resolve();
  await two.expectAck("puback", 2);
  store.release();
  await test.close();
});

testVersions(
  "a publisher that never pauses still gets the acknowledgements of what is kept",
  async (version) => {
    const { test, store } = await startHeld();
    const publisher = await test.connect({ version });
    publisher.isConnected = false;
    publisher.sendPublish("a/1", "x", { qos: 1, packetId: 1 });
    for (let number = 1; number <= 20; number++) {
      await store.commitCalled(number);
      publisher.sendPublish("a/1", "x", { qos: 1, packetId: number + 1 });
      await store.recorded(2 * (number + 1));
      assertEquals(test.server.outboxBytes, 8, "Neither may leave yet");
      store.resolve();
      await publisher.expectAck("puback", number);
    }
    await store.commitCalled(21);
    store.resolve();
    await publisher.expectAck("puback", 21);
    store.release();
    await test.close();
  },
);

testVersionPairs(
  "[MQTT-4.8.0-2] a commit that fails closes the connections that rest on it, unacknowledged, and no other",
  async (sender, receiver) => {
    const { test, store } = await startHeld();
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["will", 0]);
    const publisher = await test.connect({ version: sender, will: { topic: "will" } });
    publisher.isConnected = false;
    publisher.sendPublish("a/1", "x", { qos: 1, packetId: 1 });
    await store.commitCalled(1);
    store.reject();
    await publisher.expectClosed(); // Not even DISCONNECT passes what waits.
    await watcher.expectPublish({ topic: "will", payload: "gone" });
    await watcher.expectNothing();
    assertEquals(test.broker.counters.closes["store-failed"], 1);
    assertEquals(test.log.filter((line) => line.includes("commit-failed")).length, 1);
    store.release();
    await test.close();
  },
);

testVersions("the retained message of a PUBLISH is committed before its PUBACK", async (version) => {
  const { test, store } = await startHeld();
  const publisher = await test.connect({ version });
  publisher.isConnected = false;
  publisher.sendPublish("r", "x", { qos: 1, packetId: 1, retain: true });
  await store.commitCalled(1);
  assertEquals(test.server.outboxBytes, version === 5 ? 5 : 4);
  store.resolve();
  await publisher.expectAck("puback", 1);
  publisher.sendPublish("r", "", { qos: 1, packetId: 2, retain: true });
  await store.commitCalled(2);
  store.resolve();
  await publisher.expectAck("puback", 2);
  assertEquals(store.kinds, ["message-put", "retained-put", "retained-deleted", "message-deleted"]);
  store.release();
  await test.close();
});

testVersions(
  "a connection that closes while its acknowledgement waits sends it when the commit is done",
  async (version) => {
    const { test, store } = await startHeld();
    const publisher = await test.connect({ version });
    publisher.isConnected = false;
    publisher.sendPublish("a/1", "x", { qos: 1, packetId: 1 });
    publisher.sendHex("e0 00");
    await store.commitCalled(1);
    store.resolve();
    await publisher.expectAck("puback", 1);
    await publisher.expectClosed();
    store.release();
    await test.close();
  },
);

testVersions(
  "who clears a topic that was cleared a moment ago waits for that to be committed",
  async (version) => {
    const { test, store } = await startHeld();
    const one = await test.connect({ version });
    const two = await test.connect({ version });
    store.release();
    await one.publish("r", "x", { qos: 1, retain: true });
    store.hold();
    one.isConnected = two.isConnected = false;
    one.sendPublish("r", "", { qos: 1, packetId: 2, retain: true });
    await store.commitCalled(1);
    two.sendPublish("r", "", { qos: 1, packetId: 3, retain: true });
    two.sendHex("c0 00");
    const bytes = 4 + 4 + 2 + (version === 5 ? 2 : 0); // Nobody matches, which 5.0 is told.
    await eventually(() => assertEquals(test.server.outboxBytes, bytes));
    store.resolve();
    await one.expectAck("puback", 2);
    await two.expectAck("puback", 3);
    await two.expectHex("d0 00");
    store.release();
    await test.close();
  },
);

testVersions(
  "who comes back while the store fails stays, and gets its QoS 2 flows when it recovers",
  async (version) => {
    const { test, store } = await startHeld();
    store.release();
    const subscriber = await test.connect({ version, clientId: "s", cleanStart: false });
    await subscriber.subscribe(["a/2", 2]);
    const publisher = await test.connect({ version });
    await publisher.publish("a/2", "x", { qos: 2 });
    await publisher.publish("a/2", "y", { qos: 2 });
    const first = await subscriber.expectPublish({ topic: "a/2", payload: "x", qos: 2 });
    const second = await subscriber.expectPublish({ topic: "a/2", payload: "y", qos: 2 });
    subscriber.sendAck("pubrec", first);
    await subscriber.expectAck("pubrel", first);
    subscriber.cut();
    await test.settle();
    store.hold();
    publisher.isConnected = false;
    publisher.sendPublish("a/2", "z", { qos: 1, packetId: 9 });
    await store.commitCalled(1);
    store.reject();
    await publisher.expectClosed();
    const again = test.open();
    await again.connect({ version, clientId: "s", cleanStart: false });
    await again.expectNothing();
    store.release();
    test.clock.advance(1_000);
    await again.expectPublish({ topic: "a/2", payload: "y", qos: 2, dup: true, packetId: second });
    await again.expectAck("pubrel", first);
    await again.expectPublish({ topic: "a/2", payload: "z", qos: 1 });
    await test.close();
  },
);

testVersions("who waits for the disk is not taken for one that does not read", async (version) => {
  const { test, store } = await startHeld();
  const late = test.open();
  late.sendConnect({ version, clientId: "late", cleanStart: false, keepAliveSeconds: 0 });
  await store.commitCalled(1);
  test.clock.advance(1_000);
  test.clock.advance(120_000);
  store.release();
  await late.expectConnack();
  await test.close();
});
