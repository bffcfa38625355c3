import { assertEquals } from "@std/assert";
import { HeldStore } from "../support/held_store.ts";
import type { RawClient } from "../support/raw_client.ts";
import { startBroker, type TestBroker } from "../support/start_broker.ts";
import { testVersions } from "../support/versions.ts";

const WINDOW = { limits: { inflightMax: 1 } };

/** A broker whose commits a test makes, with a lasting session that is connected. */
async function startHeld(options: { limits?: { inflightMax: number } } = {}) {
  const store = new HeldStore();
  const test = startBroker({ ...options, store });
  const reader = await test.connect({ clientId: "reader", cleanStart: false });
  await reader.subscribe(["a", 2]);
  const publisher = await test.connect();
  return { test, store, reader, publisher };
}

/** The next commit fails; what the store is told from now on waits for a later one. */
async function failNextCommit(test: TestBroker, store: HeldStore, anyone: RawClient): Promise<void> {
  store.hold();
  const victim = await test.connect();
  victim.isConnected = false;
  victim.sendPublish("r", "x", { qos: 1, retain: true, packetId: 1 });
  await store.commitCalled(1);
  store.reject();
  await victim.expectClosed();
  await anyone.expectNothing();
}

/** The disk can be written to again. */
function recover(test: TestBroker, store: HeldStore): void {
  store.release();
  test.clock.advance(1_000);
}

testVersions(
  "[MQTT-4.3.3-1] a QoS 2 message leaves after its commit, one of QoS 1 before it",
  async (version) => {
    const { test, store, reader } = await startHeld();
    const publisher = await test.connect({ version });
    store.hold();
    publisher.isConnected = reader.isConnected = false;
    publisher.sendPublish("a", "early", { qos: 1, packetId: 1 });
    await store.commitCalled(1);
    await reader.expectPublish({ topic: "a", payload: "early", qos: 1 });
    store.resolve();
    await publisher.expectAck("puback", 1);
    publisher.sendPublish("a", "late", { qos: 2, packetId: 2 });
    await store.commitCalled(2);
    const witness = await test.connect();
    await witness.ping();
    assertEquals(test.server.outboxBytes, 4 + 11, "PUBREC and PUBLISH");
    store.release();
    await reader.expectPublish({ topic: "a", payload: "late", qos: 2 });
    await publisher.expectAck("pubrec", 2);
    await test.close();
  },
);

Deno.test("while the store fails a QoS 2 message waits in its queue, and the client stays", async () => {
  const { test, store, reader, publisher } = await startHeld(WINDOW);
  await publisher.publish("a", "1", { qos: 1 });
  await publisher.publish("a", "2", { qos: 2 });
  const first = await reader.expectPublish({ topic: "a", payload: "1", qos: 1 });
  await failNextCommit(test, store, reader);
  reader.sendAck("puback", first);
  await reader.ping();
  await reader.expectNothing();
  recover(test, store);
  await reader.takePublish({ topic: "a", payload: "2", qos: 2 });
  await reader.ping();
  await test.close();
});

Deno.test("while the store fails a QoS 1 message goes on from its queue", async () => {
  const { test, store, reader, publisher } = await startHeld(WINDOW);
  await publisher.publish("a", "1", { qos: 1 });
  await publisher.publish("a", "2", { qos: 1 });
  const first = await reader.expectPublish({ topic: "a", payload: "1", qos: 1 });
  await failNextCommit(test, store, reader);
  reader.sendAck("puback", first);
  await reader.takePublish({ topic: "a", payload: "2", qos: 1 });
  await reader.ping();
  recover(test, store);
  await reader.expectNothing();
  await test.close();
});

Deno.test(
  "[MQTT-4.6.0-4] while the store fails PUBREL waits, and comes in the order of the PUBRECs",
  async () => {
    const { test, store, reader, publisher } = await startHeld();
    const packetIds: number[] = [];
    for (const payload of ["1", "2", "3"]) {
      await publisher.publish("a", payload, { qos: 2 });
      packetIds.push(await reader.expectPublish({ topic: "a", payload, qos: 2 }));
    }
    await failNextCommit(test, store, reader);
    const [first, second, third] = packetIds as [number, number, number];
    for (const packetId of [second, first]) reader.sendAck("pubrec", packetId);
    await reader.ping();
    await reader.expectNothing();
    recover(test, store);
    await reader.expectAck("pubrel", second);
    await reader.expectAck("pubrel", first);
    reader.sendAck("pubrec", third);
    await reader.expectAck("pubrel", third);
    await test.close();
  },
);
