import { assertEquals } from "@std/assert";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs } from "../support/versions.ts";

testVersionPairs(
  "[MQTT-3.1.2-5] [MQTT-3.2.0-1] [MQTT5-3.2.0-1] what a kept session missed at QoS 1 and 2 follows its next CONNACK, in order",
  async (sender, receiver) => {
    await using test = startBroker();
    const before = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await before.subscribe(["a/#", 2]);
    await before.disconnect();
    const publisher = await test.connect({ version: sender });
    for (const [index, qos] of ([1, 2, 2, 1, 2] as const).entries()) {
      await publisher.publish(`a/${index}`, `${index}`, { qos });
    }
    const after = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    for (const [index, qos] of ([1, 2, 2, 1, 2] as const).entries()) {
      await after.expectPublish({ topic: `a/${index}`, payload: `${index}`, qos, dup: false });
    }
    await after.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-3.1.2-5] QoS 0 is not kept for who is not there, and that is counted",
  async (sender, receiver) => {
    await using test = startBroker();
    const before = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await before.subscribe(["a", 2], ["b", 0]);
    await before.disconnect();
    const publisher = await test.connect({ version: sender });
    await publisher.publish("a", "1", { qos: 0 });
    await publisher.publish("b", "2", { qos: 2 });
    assertEquals(test.broker.counters.deliveries["dropped:offline"], 2);
    const after = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await after.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-3.1.2-5] a message under way when the link is cut comes before those that were queued",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const before = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await before.subscribe(["a", 1]);
    await publisher.publish("a", "1", { qos: 1 });
    await before.expectPublish({ topic: "a", payload: "1", qos: 1 });
    before.cut();
    await publisher.publish("a", "2", { qos: 1 });
    const after = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await after.takePublish({ topic: "a", payload: "1", qos: 1, dup: true });
    await after.takePublish({ topic: "a", payload: "2", qos: 1 });
    await after.expectNothing();
  },
);

testVersionPairs("[MQTT-3.1.2-5] only subscriptions held at the time count", async (sender, receiver) => {
  await using test = startBroker();
  const publisher = await test.connect({ version: sender });
  const before = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
  await before.subscribe(["a", 1]);
  await before.unsubscribe("a");
  await before.disconnect();
  await publisher.publish("a", "1", { qos: 1 });
  const after = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
  await after.subscribe(["a", 1]);
  await after.expectNothing();
});

testVersionPairs(
  "a queued message is its own copy, whatever its publisher sends next",
  async (sender, receiver) => {
    await using test = startBroker();
    const before = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await before.subscribe(["a", 1]);
    await before.disconnect();
    const publisher = await test.connect({ version: sender });
    for (let index = 0; index < 200; index++) {
      publisher.sendPublish("a", `message ${index}`, { qos: 1, packetId: 1 });
      publisher.sendPublish("noise", "#".repeat(index));
      if (index % 7 === 0) await publisher.ping();
    }
    const after = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await publisher.ping();
    for (let index = 0; index < 200; index++) {
      await after.takePublish({ topic: "a", payload: `message ${index}`, qos: 1 });
    }
  },
);
