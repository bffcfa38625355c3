import { assertEquals, assertLessOrEqual } from "@std/assert";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs } from "../support/versions.ts";

testVersionPairs(
  "[MQTT-3.3.1-1] [MQTT-4.4.0-1] [MQTT-2.3.1-4] [MQTT-4.6.0-1] [MQTT5-3.3.1-1] [MQTT5-4.4.0-1] [MQTT5-2.2.1-4] [MQTT5-4.3.2-1] [MQTT5-4.3.3-1] [MQTT5-4.3.2-2] [MQTT5-4.3.3-2] [MQTT5-4.6.0-1] unacknowledged messages come back with DUP, in order, under their identifiers",
  async (before, after) => {
    await using test = startBroker();
    const publisher = await test.connect();
    const first = await test.connect({ version: before, clientId: "s", cleanStart: false });
    await first.subscribe(["a", 2]);
    const ids: number[] = [];
    for (let number = 0; number < 6; number++) {
      const qos = number % 2 === 0 ? 1 : 2;
      await publisher.publish("a", `${number}`, { qos });
      ids.push(await first.expectPublish({ topic: "a", payload: `${number}`, qos, dup: false }));
    }
    assertEquals(new Set(ids).size, 6);
    for (let round = 0; round < 2; round++) {
      const again = await test.connect({ version: after, clientId: "s", cleanStart: false });
      for (let number = 0; number < 6; number++) {
        const qos = number % 2 === 0 ? 1 : 2;
        await again.expectPublish({
          topic: "a",
          payload: `${number}`,
          qos,
          dup: true,
          packetId: ids[number]!,
        });
      }
      await again.expectNothing();
    }
  },
);

testVersionPairs(
  "[MQTT-4.3.2-1] [MQTT5-4.3.2-3] a message is under way until its own PUBACK",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const first = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await first.subscribe(["a", 1]);
    const ids: number[] = [];
    for (const payload of ["0", "1", "2"]) {
      await publisher.publish("a", payload, { qos: 1 });
      ids.push(await first.expectPublish({ topic: "a", payload, qos: 1 }));
    }
    first.sendAck("puback", ids[1]!);
    await first.ping();
    first.cut();
    const again = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await again.expectPublish({ topic: "a", payload: "0", qos: 1, dup: true, packetId: ids[0]! });
    await again.expectPublish({ topic: "a", payload: "2", qos: 1, dup: true, packetId: ids[2]! });
    await again.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-4.6.0-4] [MQTT5-4.6.0-4] PUBRELs are sent, and sent again, in the order of the PUBRECs",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const first = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await first.subscribe(["a", 2]);
    const ids: number[] = [];
    for (const payload of ["0", "1", "2", "3"]) {
      await publisher.publish("a", payload, { qos: 2 });
      ids.push(await first.expectPublish({ topic: "a", payload, qos: 2 }));
    }
    for (const index of [2, 0, 3]) first.sendAck("pubrec", ids[index]!);
    for (const index of [2, 0, 3]) await first.expectAck("pubrel", ids[index]!);
    first.cut();
    const again = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await again.expectPublish({ topic: "a", payload: "1", qos: 2, dup: true, packetId: ids[1]! });
    for (const index of [2, 0, 3]) await again.expectAck("pubrel", ids[index]!);
    await again.expectNothing();
  },
);

testVersionPairs(
  "a live connection is never sent a message twice, however long it waits",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["a", 1]);
    await publisher.publish("a", "1", { qos: 1 });
    await subscriber.expectPublish({ topic: "a", payload: "1", qos: 1 });
    test.clock.advance(3_600_000);
    await subscriber.expectNothing();
  },
);

testVersionPairs(
  "a window that is re-sent stays within the outbox's bound, then new messages follow in order",
  async (sender, receiver) => {
    const outboxBytesMax = 64 * 1024;
    await using test = startBroker({ limits: { outboxBytesMax, inflightMax: 32 } });
    const publisher = await test.connect({ version: sender });
    const payload = "x".repeat(20_000);
    const first = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await first.subscribe(["a", 1]);
    for (let number = 0; number < 32; number++) {
      await publisher.publish("a", `${number} ${payload}`, { qos: 1 });
      await first.expectPublish({ topic: "a", payload: `${number} ${payload}`, qos: 1 });
    }
    first.cut();
    await publisher.publish("a", "new", { qos: 1 });
    const again = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await publisher.publish("a", "newest", { qos: 1 });
    assertLessOrEqual(test.server.outboxBytes, outboxBytesMax);
    for (let number = 0; number < 32; number++) {
      await again.takePublish({ topic: "a", payload: `${number} ${payload}`, qos: 1, dup: true });
    }
    await again.takePublish({ topic: "a", payload: "new", qos: 1 });
    await again.takePublish({ topic: "a", payload: "newest", qos: 1 });
    await again.expectNothing();
  },
);
