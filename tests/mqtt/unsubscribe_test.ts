import { assertEquals } from "@std/assert";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

testVersionPairs(
  "[MQTT-3.10.4-2] [MQTT-3.10.4-4] [MQTT5-3.10.4-2] [MQTT5-3.10.4-4] unsubscribe stops delivery before UNSUBACK is sent",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const client = await test.connect({ version: receiver });
    await client.subscribe(["a", 2]);
    client.sendHex("a2 [ab cd {00} 00 01 'a']");
    await client.expectHex("b0 [ab cd {00 00}]");
    for (const qos of [0, 1, 2] as const) await publisher.publish("a", "x", { qos });
    await client.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-3.10.4-1] [MQTT5-3.10.4-1] only the filter of the same characters is deleted",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const client = await test.connect({ version: receiver });
    await client.subscribe(["a/b", 0], ["a/+", 0], ["a/#", 0], ["A/b", 0]);
    await client.unsubscribe("a/b");
    assertEquals(test.broker.subscriptionCount, 3);
    await client.unsubscribe("a/c");
    assertEquals(test.broker.subscriptionCount, 3);
    await client.unsubscribe("a/+");
    await publisher.publish("a/b", "x");
    await client.expectPublish({ topic: "a/b", payload: "x" });
    await client.unsubscribe("a/#");
    await publisher.publish("a/b", "y");
    await publisher.publish("A/b", "z");
    await client.expectPublish({ topic: "A/b", payload: "z" });
    await client.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-3.10.4-1] [MQTT5-3.10.4-1] a filter that nobody may have deletes nothing",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const client = await test.connect({ version: receiver });
    await client.subscribe(["a/#", 0], ["#", 0], ["b/+", 0]);
    await client.unsubscribe("a/#/b", "#/a", "a#", "b/+/", "+b", "$share/g/a/#", "__proto__");
    assertEquals(test.broker.subscriptionCount, 3);
    await publisher.publish("a/b", "x");
    await client.expectPublish({ topic: "a/b", payload: "x" });
  },
);

testVersions(
  "[MQTT-3.10.4-5] [MQTT5-3.10.4-5] UNSUBSCRIBE of what was never subscribed is acknowledged",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    client.sendHex("a2 [00 07 {00} 00 01 'a']");
    await client.expectHex("b0 [00 07 {00 11}]");
  },
);

testVersionPairs(
  "[MQTT-3.10.4-6] [MQTT5-3.10.4-6] several filters are deleted at once and acknowledged once",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const client = await test.connect({ version: receiver });
    await client.subscribe(["a", 0], ["b", 0], ["c/#", 0], ["d", 0]);
    await client.unsubscribe("a", "b", "c/#");
    for (const topic of ["a", "b", "c/x", "d"]) await publisher.publish(topic, "x");
    await client.expectPublish({ topic: "d", payload: "x" });
    await client.expectNothing();
  },
);

testVersions(
  "[MQTT-3.10.3-1] [MQTT-3.10.3-2] [MQTT-3.10.1-1] [MQTT-4.7.3-1] [MQTT5-3.10.3-1] [MQTT5-3.10.3-2] [MQTT5-3.10.1-1] [MQTT5-4.7.3-1] a malformed UNSUBSCRIBE is closed",
  async (version) => {
    const packets: Record<string, readonly [string, number]> = {
      "no filter": ["a2 [00 01 {00}]", 0x82],
      "flags 0": ["a0 [00 01 {00} 00 01 'a']", 0x81],
      "a filter that is not UTF-8": ["a2 [00 01 {00} 00 02 c3 28]", 0x81],
      "a filter that ends early": ["a2 [00 01 {00} 00 02 'a']", 0x81],
      "an empty filter": ["a2 [00 01 {00} 00 00]", 0x8f],
    };
    for (const [name, [packet, reasonCode]] of Object.entries(packets)) {
      await using test = startBroker();
      const client = await test.connect({ version });
      client.sendHex(packet);
      await client.expectEnded(reasonCode);
      const { closes } = test.broker.counters;
      assertEquals(closes["malformed-packet"] + closes["protocol-error"], 1, name);
    }
  },
);

testVersionPairs("other subscribers of the same filter keep it", async (sender, receiver) => {
  await using test = startBroker();
  const one = await test.connect({ version: sender });
  const two = await test.connect({ version: receiver });
  await one.subscribe(["a/+", 0], ["b", 0]);
  await two.subscribe(["a/+", 0], ["b", 0]);
  await one.unsubscribe("a/+", "b");
  await one.publish("a/1", "x");
  await one.publish("b", "y");
  await two.expectPublish({ topic: "a/1", payload: "x" });
  await two.expectPublish({ topic: "b", payload: "y" });
  await one.expectNothing();
});
