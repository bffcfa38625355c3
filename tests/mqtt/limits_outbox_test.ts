import { assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import type { Version } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs } from "../support/versions.ts";

/** What a link in memory takes before its reader reads. */
const PIPE_BYTES = 64 * 1024;
const KIB = 1024;

const PAYLOAD = "x".repeat(KIB - 6);

/** The payload of a PUBLISH of exactly 1024 bytes on the topic a: at 5.0 one byte says that there are no properties. */
function payloadAt(version: Version): string {
  return version === 5 ? PAYLOAD.slice(1) : PAYLOAD;
}

/** How much larger than it is a PUBLISH is taken to be before it is encoded. */
const ROUGHNESS = 4;

for (const [waiting, received] of [[9, 9], [10, 10], [11, 10]] as const) {
  testVersionPairs(
    `outboxBytesMax of 10 KiB: of ${waiting} KiB that a frozen reader would get, ${received} wait`,
    async (sender, receiver) => {
      const payload = payloadAt(receiver);
      await using test = startBroker({ limits: { outboxBytesMax: 10 * KIB + ROUGHNESS } });
      const publisher = await test.connect({ version: sender });
      const frozen = await test.connect({ version: receiver });
      await frozen.subscribe(["a", 0]);
      frozen.isConnected = false;
      for (let count = 0; count < PIPE_BYTES / KIB; count++) await publisher.publish("a", payload);
      assertEquals(test.server.outboxBytes, 0);
      for (let count = 0; count < waiting; count++) await publisher.publish("a", payload);
      assertEquals(test.server.outboxBytes, received * KIB);
      assertEquals(test.broker.counters.deliveries["dropped:full"], waiting - received);
      assertEquals(test.broker.counters.limitsMet.outboxBytesMax, waiting - received);
      for (let count = 0; count < PIPE_BYTES / KIB + received; count++) await frozen.receivePublish();
      await publisher.publish("a", "after");
      await frozen.expectPublish({ topic: "a", payload: "after" });
    },
  );
}

testVersionPairs(
  "outboxBytesMax: QoS 1 waits in the queue instead, and nothing is lost",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { outboxBytesMax: 4 * KIB } });
    const publisher = await test.connect({ version: sender });
    const frozen = await test.connect({ version: receiver });
    await frozen.subscribe(["a", 1]);
    frozen.isConnected = false;
    for (let number = 0; number < 100; number++) {
      await publisher.publish("a", `${number} ${PAYLOAD}`, { qos: 1 });
      assertLessOrEqual(test.server.outboxBytes, 4 * KIB + 8);
    }
    assertGreater(test.broker.sessions.queueBudget.bytes, 0);
    for (let number = 0; number < 100; number++) {
      await frozen.takePublish({ topic: "a", payload: `${number} ${PAYLOAD}`, qos: 1 });
    }
    assertEquals(test.broker.counters.deliveries["dropped:full"], 0);
  },
);

testVersionPairs(
  "a message larger than outboxBytesMax is sent alone, and holds nobody up",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { outboxBytesMax: 4 * KIB } });
    const publisher = await test.connect({ version: sender });
    const client = await test.connect({ version: receiver });
    await client.subscribe(["a", 1]);
    const large = "y".repeat(200 * KIB);
    for (const payload of ["1", large, "2", large, "3"]) publisher.sendPublish("a", payload, { qos: 1 });
    for (const payload of ["1", large, "2", large, "3"]) {
      await client.takePublish({ topic: "a", payload, qos: 1 });
    }
  },
);

testVersionPairs(
  "outboxTotalBytesMax: full for one is full for all, and room for one is room for all",
  async (sender, receiver) => {
    const payload = payloadAt(receiver);
    await using test = startBroker({ limits: { outboxTotalBytesMax: 10 * KIB + ROUGHNESS } });
    const publisher = await test.connect({ version: sender });
    const frozen = await test.connect({ version: receiver });
    await frozen.subscribe(["a", 0]);
    frozen.isConnected = false;
    for (let count = 0; count < PIPE_BYTES / KIB + 20; count++) await publisher.publish("a", payload);
    assertEquals(test.broker.counters.deliveries["dropped:full"], 10);
    const { limitsMet } = test.broker.counters;
    assertEquals(
      [limitsMet.outboxTotalBytesMax, limitsMet.outboxBytesMax],
      [1, 0],
      "Full once, however long",
    );
    const other = await test.connect({ version: receiver });
    await other.subscribe(["b", 1]);
    await publisher.publish("b", payload, { qos: 1 });
    await other.expectNothing();
    frozen.cut();
    await other.ping();
    assertEquals(test.server.outboxBytes, 0);
    test.clock.advance(1_000);
    await other.takePublish({ topic: "b", payload, qos: 1 });
  },
);

testVersionPairs(
  "stallSeconds 30: a reader that takes nothing for so long is closed, with its will",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { stallSeconds: 30 } });
    const publisher = await test.connect({ version: sender });
    const frozen = await test.connect({ version: receiver, will: { topic: "will" } });
    await frozen.subscribe(["a", 0]);
    frozen.isConnected = false;
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["will", 0]);
    for (let count = 0; count < PIPE_BYTES / KIB + 1; count++) await publisher.publish("a", PAYLOAD);
    test.clock.advance(29_000);
    await watcher.expectNothing();
    // It takes a little: that is progress.
    await frozen.receivePublish();
    await publisher.publish("a", PAYLOAD);
    test.clock.advance(29_000);
    await watcher.expectNothing();
    for (let count = 0; count < PIPE_BYTES / KIB; count++) await publisher.publish("a", PAYLOAD);
    test.clock.advance(2_000);
    await watcher.expectPublish({ topic: "will", payload: "gone" });
    assertEquals(test.broker.counters.closes["slow-consumer"], 1);
    assertEquals(test.broker.counters.limitsMet.stallSeconds, 1);
    await publisher.ping();
    assertEquals(test.server.outboxBytes, 0);
  },
);

testVersionPairs(
  "a client that asks and never reads is closed before its answers fill the memory",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { outboxBytesMax: 4 * KIB, packetBytesMax: 4 * KIB } });
    const neighbour = await test.connect({ version: receiver });
    const client = await test.connect({ version: sender });
    client.isConnected = false;
    const pings = new Uint8Array(KIB);
    for (let index = 0; index < pings.length; index += 2) pings[index] = 0xc0;
    for (let count = 0; count < 100; count++) {
      client.sendBytes(pings);
      await neighbour.ping();
    }
    assertEquals(test.broker.counters.closes["slow-consumer"], 1);
    await neighbour.ping();
    assertEquals(test.server.connectionCount, 1);
  },
);

testVersionPairs(
  "lingerSeconds 2: a closing connection whose peer does not read is let go then",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { lingerSeconds: 2 } });
    const publisher = await test.connect({ version: sender });
    const frozen = await test.connect({ version: receiver });
    await frozen.subscribe(["a", 0]);
    frozen.isConnected = false;
    for (let count = 0; count < PIPE_BYTES / KIB + 1; count++) await publisher.publish("a", PAYLOAD);
    frozen.sendHex("e0 00");
    await publisher.ping();
    assertEquals(test.broker.sessions.size, 1);
    test.clock.advance(1_500);
    await publisher.ping();
    assertEquals(test.server.connectionCount, 2);
    test.clock.advance(500);
    await publisher.ping();
    assertEquals(test.server.connectionCount, 1);
    assertEquals(test.server.outboxBytes, 0);
    assertEquals(test.broker.counters.limitsMet.lingerSeconds, 1);
  },
);

testVersionPairs("a closing connection whose peer reads gets every byte", async (sender, receiver) => {
  await using test = startBroker();
  const publisher = await test.connect({ version: sender });
  const client = await test.connect({ version: receiver });
  await client.subscribe(["a", 0]);
  client.isConnected = false;
  for (let count = 0; count < PIPE_BYTES / KIB + 50; count++) await publisher.publish("a", PAYLOAD);
  client.sendHex("e0 00");
  await publisher.ping();
  for (let count = 0; count < PIPE_BYTES / KIB + 50; count++) {
    await client.expectPublish({ topic: "a", payload: PAYLOAD });
  }
  await client.expectClosed();
});
