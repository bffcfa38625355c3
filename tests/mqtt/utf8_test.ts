import { assertEquals } from "@std/assert";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

testVersionPairs(
  "[MQTT-1.5.3-3] [MQTT5-1.5.4-3] U+FEFF is a character like any other",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const marked = await test.connect({ version: receiver });
    await marked.subscribe(["\ufeffa", 0]);
    const plain = await test.connect({ version: receiver });
    await plain.subscribe(["a", 0]);
    publisher.sendHex("30 [00 04 ef bb bf 61 {00} 31]");
    await marked.expectHex("30 [00 04 ef bb bf 61 {00} 31]");
    await plain.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-4.7.3-3] [MQTT5-4.7.3-3] a topic of 65535 bytes is routed whole",
  async (sender, receiver) => {
    await using test = startBroker();
    const client = await test.connect({ version: receiver });
    const topic = "t".repeat(65_535);
    assertEquals(await client.subscribe([topic, 1], ["+", 1]), [1, 1]);
    const publisher = await test.connect({ version: sender });
    await publisher.publish(topic, "x", { qos: 1, retain: true });
    await client.takePublish({ topic, payload: "x", qos: 1 });
    await client.expectNothing();
    const other = await test.connect({ version: receiver });
    await other.subscribe([topic, 0]);
    await other.expectPublish({ topic, payload: "x", retain: true });
  },
);

testVersions("a payload is bytes: none are changed", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version });
  await client.subscribe(["a", 0]);
  client.sendHex("30 [00 01 'a' {00} 00 ff c3 28 0a]");
  await client.expectHex("30 [00 01 'a' {00} 00 ff c3 28 0a]");
});
