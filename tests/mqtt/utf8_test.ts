import { assertEquals } from "@std/assert";
import { startBroker } from "../support/start_broker.ts";
import { testVersions } from "../support/versions.ts";

testVersions("[MQTT-1.5.3-3] U+FEFF is a character like any other", async (version) => {
  await using test = startBroker();
  const publisher = await test.connect({ version });
  const marked = await test.connect({ version });
  await marked.subscribe(["\ufeffa", 0]);
  const plain = await test.connect({ version });
  await plain.subscribe(["a", 0]);
  publisher.sendHex("30 07 00 04 ef bb bf 61 31");
  await marked.expectHex("30 07 00 04 ef bb bf 61 31");
  await plain.expectNothing();
});

testVersions("[MQTT-4.7.3-3] a topic of 65535 bytes is routed whole", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version });
  const topic = "t".repeat(65_535);
  assertEquals(await client.subscribe([topic, 1], ["+", 1]), [1, 1]);
  const publisher = await test.connect({ version });
  await publisher.publish(topic, "x", { qos: 1, retain: true });
  await client.takePublish({ topic, payload: "x", qos: 1 });
  await client.expectNothing();
  const other = await test.connect({ version });
  await other.subscribe([topic, 0]);
  await other.expectPublish({ topic, payload: "x", retain: true });
});

testVersions("a payload is bytes: none are changed", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version });
  await client.subscribe(["a", 0]);
  client.sendHex("30 08 00 01 'a' 00 ff c3 28 0a");
  await client.expectHex("30 08 00 01 'a' 00 ff c3 28 0a");
});
