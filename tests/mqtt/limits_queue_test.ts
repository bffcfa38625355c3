import { assertEquals } from "@std/assert";
import { sizeOf } from "../../broker/core/message.ts";
import { ReasonCode, type Version } from "../../broker/packet/mod.ts";
import { HeldStore } from "../support/held_store.ts";
import { publishFields, type RawClient } from "../support/raw_client.ts";
import { startBroker, type TestBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

const ONE_SIZE = sizeOf(publishFields("a", "1"));

/** A persistent session that is not there. */
async function leaveSession(test: TestBroker, version: Version): Promise<void> {
  const client = await test.connect({ version, clientId: "s", cleanStart: false });
  await client.subscribe(["a", 2]);
  await client.disconnect();
}

async function publishEach(publisher: RawClient, count: number): Promise<void> {
  for (let number = 1; number <= count; number++) await publisher.publish("a", `${number}`, { qos: 1 });
}

/** Expects the first so many, and no more. */
async function expectFirst(test: TestBroker, version: Version, count: number): Promise<void> {
  const client = await test.connect({ version, clientId: "s", cleanStart: false });
  for (let number = 1; number <= count; number++) {
    await client.takePublish({ topic: "a", payload: `${number}`, qos: 1 });
  }
  await client.expectNothing();
}

for (const [count, kept] of [[2, 2], [3, 3], [4, 3]] as const) {
  testVersionPairs(
    `queueMessagesMax 3: of ${count} messages ${kept} wait, the first ones`,
    async (sender, receiver) => {
      await using test = startBroker({ limits: { queueMessagesMax: 3 } });
      await leaveSession(test, receiver);
      await publishEach(await test.connect({ version: sender }), count);
      assertEquals(test.broker.counters.deliveries["dropped:full"], count - kept);
      assertEquals(test.broker.counters.limitsMet.queueMessagesMax, count - kept);
      await expectFirst(test, receiver, kept);
    },
  );

  testVersionPairs(
    `queueBytesMax of 3 messages: of ${count} messages ${kept} wait`,
    async (sender, receiver) => {
      await using test = startBroker({ limits: { queueBytesMax: 3 * ONE_SIZE } });
      await leaveSession(test, receiver);
      await publishEach(await test.connect({ version: sender }), count);
      assertEquals(test.broker.counters.deliveries["dropped:full"], count - kept);
      assertEquals(test.broker.counters.limitsMet.queueBytesMax, count - kept);
      assertEquals(test.broker.sessions.queueBudget.bytes, kept * ONE_SIZE);
      await expectFirst(test, receiver, kept);
      assertEquals(test.broker.sessions.queueBudget.bytes, 0);
    },
  );

  testVersionPairs(
    `queueTotalBytesMax of 3 messages: of ${count} messages ${kept} wait in all sessions together`,
    async (sender, receiver) => {
      await using test = startBroker({ limits: { queueTotalBytesMax: 3 * ONE_SIZE } });
      for (const clientId of ["one", "two"]) {
        const client = await test.connect({ version: receiver, clientId, cleanStart: false });
        await client.subscribe([clientId, 2]);
        await client.disconnect();
      }
      const publisher = await test.connect({ version: sender });
      const topics = ["one", "two", "one", "two"].slice(0, count);
      for (const topic of topics) await publisher.publish(topic, "", { qos: 1 });
      const size = sizeOf(publishFields("one", ""));
      const waiting = Math.min(count, Math.floor(3 * ONE_SIZE / size));
      assertEquals(test.broker.sessions.queueBudget.bytes, waiting * size);
      assertEquals(test.broker.counters.deliveries["dropped:full"], count - waiting);
      assertEquals(test.broker.counters.limitsMet.queueTotalBytesMax, count - waiting);
    },
  );
}

testVersionPairs(
  "a full queue neither slows nor changes anything for other subscribers",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { queueMessagesMax: 1 } });
    await leaveSession(test, receiver);
    const other = await test.connect({ version: receiver });
    await other.subscribe(["a", 1]);
    await publishEach(await test.connect({ version: sender }), 5);
    for (let number = 1; number <= 5; number++) {
      await other.takePublish({ topic: "a", payload: `${number}`, qos: 1 });
    }
    assertEquals(test.broker.counters.deliveries["dropped:full"], 4);
  },
);

for (const [count, sent] of [[2, 2], [3, 3], [4, 3]] as const) {
  testVersionPairs(
    `inflightMax 3: of ${count} messages ${sent} are sent before an acknowledgement`,
    async (sender, receiver) => {
      await using test = startBroker({ limits: { inflightMax: 3 } });
      const client = await test.connect({ version: receiver });
      await client.subscribe(["a", 2]);
      const publisher = await test.connect({ version: sender });
      for (let number = 1; number <= count; number++) await publisher.publish("a", `${number}`, { qos: 2 });
      const ids: number[] = [];
      for (let number = 1; number <= sent; number++) {
        ids.push(await client.expectPublish({ topic: "a", payload: `${number}`, qos: 2 }));
      }
      await client.expectNothing();
      assertEquals(test.broker.counters.limitsMet.inflightMax, count - sent);
      // PUBREC makes no room, PUBCOMP does.
      client.sendAck("pubrec", ids[0]!);
      await client.expectAck("pubrel", ids[0]!);
      await client.expectNothing();
      client.sendAck("pubcomp", ids[0]!);
      if (count > sent) await client.expectPublish({ topic: "a", payload: `${count}`, qos: 2 });
      await client.expectNothing();
      assertEquals(test.broker.counters.deliveries["dropped:full"], 0);
    },
  );

  testVersions(
    `inflightBytesMax of 3 messages: of ${count} messages ${sent} are sent before an acknowledgement`,
    async (version) => {
      await using test = startBroker({ limits: { inflightBytesMax: 3 * ONE_SIZE } });
      const client = await test.connect({ version });
      await client.subscribe(["a", 1]);
      await publishEach(await test.connect(), count);
      const first = await client.expectPublish({ topic: "a", payload: "1", qos: 1 });
      for (let number = 2; number <= sent; number++) await client.receivePublish();
      await client.expectNothing();
      assertEquals(test.broker.counters.limitsMet.inflightBytesMax, count - sent);
      client.sendAck("puback", first);
      if (count > sent) await client.expectPublish({ topic: "a", payload: `${count}`, qos: 1 });
      await client.expectNothing();
    },
  );
}

testVersionPairs(
  "inboundQos2Max 3: the fourth unreleased QoS 2 message closes the connection",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { inboundQos2Max: 3 } });
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["a", 0]);
    const client = await test.connect({ version: sender });
    for (const packetId of [1, 2, 3]) {
      client.sendPublish("a", "x", { qos: 2, packetId });
      await client.expectAck("pubrec", packetId);
    }
    client.sendPublish("a", "again", { qos: 2, packetId: 3, dup: true });
    await client.expectAck("pubrec", 3);
    client.sendAck("pubrel", 2);
    await client.expectAck("pubcomp", 2);
    client.sendPublish("a", "x", { qos: 2, packetId: 4 });
    await client.expectAck("pubrec", 4);
    client.sendPublish("a", "one too many", { qos: 2, packetId: 5 });
    await client.expectEnded(ReasonCode.receiveMaximumExceeded);
    for (let copy = 0; copy < 4; copy++) await watcher.expectPublish({ topic: "a", payload: "x" });
    await watcher.expectNothing();
    assertEquals(test.broker.counters.closes["inbound-qos2-full"], 1);
  },
);

for (const [bytes, isTaken] of [[999, true], [1000, true], [1001, false]] as const) {
  testVersions(
    `storePendingBytesMax 1000: with ${bytes} bytes that wait for the disk, a publish that adds to them is ${
      isTaken ? "taken" : "refused"
    }`,
    async (version) => {
      const store = new HeldStore();
      await using test = startBroker({ store, limits: { storePendingBytesMax: 1000 } });
      await leaveSession(test, 5);
      const publisher = await test.connect({ version });
      // What waits is looked at when something is added: the first finds out.
      store.pendingBytes = bytes;
      await publisher.publish("a", "1", { qos: 1 });
      publisher.sendPublish("a", "2", { qos: 1, packetId: 9 });
      if (isTaken) await publisher.expectAck("puback", 9);
      else if (version === 5) await publisher.expectAck("puback", 9, ReasonCode.quotaExceeded);
      else await publisher.expectClosed();
      assertEquals(test.broker.counters.refusals["store-busy"], isTaken ? 0 : 1);
      store.pendingBytes = 0;
      const again = await test.connect({ version });
      await again.publish("a", "3", { qos: 1 });
    },
  );
}
