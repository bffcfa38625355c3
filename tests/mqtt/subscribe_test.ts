import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { subscribeFailure, testVersionPairs, testVersions } from "../support/versions.ts";

testVersions(
  "[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT5-3.8.4-1] [MQTT5-3.8.4-2] SUBSCRIBE is answered with one SUBACK of its identifier",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    client.sendHex("82 [12 34 {00} 00 01 'a' 01]");
    await client.expectHex("90 [12 34 {00} 01]");
    await client.expectNothing();
  },
);

testVersions(
  "[MQTT-3.8.4-4] [MQTT5-3.8.4-5] several filters are granted at once, each as if it came alone",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    assertEquals(await client.subscribe(["a", 2], ["b/+", 0], ["c/#", 1]), [2, 0, 1]);
    await client.publish("a", "1", { qos: 0 });
    await client.expectPublish({ topic: "a", payload: "1" });
    await client.publish("b/x", "2", { qos: 0 });
    await client.expectPublish({ topic: "b/x", payload: "2" });
    await client.publish("c", "3", { qos: 0 });
    await client.expectPublish({ topic: "c", payload: "3" });
  },
);

testVersions(
  "[MQTT-3.8.4-5] [MQTT-3.9.3-1] [MQTT-3.9.3-2] [MQTT5-3.8.4-6] [MQTT5-3.8.4-7] [MQTT5-3.9.3-1] [MQTT5-3.9.3-2] granted and refused filters have their codes in order",
  async (version) => {
    const identity = {
      name: "x",
      can: (action: string, name: string) => action !== "subscribe" || name !== "secret",
    };
    await using test = startBroker({
      authenticators: [{ name: "x", authenticate: () => ({ granted: true, identity }) }],
    });
    const client = await test.connect({ version });
    const codes = await client.subscribe(["a", 2], ["b#", 0], ["b", 0], ["secret", 1], ["$share/g", 2], [
      "c",
      1,
    ]);
    const invalid = subscribeFailure(version, ReasonCode.topicFilterInvalid);
    const denied = subscribeFailure(version, ReasonCode.notAuthorized);
    assertEquals(codes, [2, invalid, 0, denied, invalid, 1]);
    assertEquals(test.broker.counters.subscriptionsRefused, 3);
    assertEquals(test.broker.subscriptionCount, 3);
    await client.publish("secret", "x");
    await client.publish("b", "y");
    await client.expectPublish({ topic: "b", payload: "y" });
    await client.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-3.8.4-3] [MQTT5-3.8.4-3] the same filter again takes the place of the first: one copy, at the new QoS",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const client = await test.connect({ version: receiver });
    for (const qos of [1, 0, 2, 0] as const) {
      assertEquals(await client.subscribe(["a/+", qos]), [qos]);
      await publisher.publish("a/b", "x", { qos: 2 });
      await client.takePublish({ topic: "a/b", payload: "x", qos });
      await client.expectNothing();
    }
    assertEquals(test.broker.subscriptionCount, 1);
  },
);

testVersionPairs(
  "[MQTT-3.8.4-3] [MQTT5-3.8.4-3] the same filter twice in one SUBSCRIBE counts as given last",
  async (sender, receiver) => {
    await using test = startBroker();
    const client = await test.connect({ version: receiver });
    assertEquals(await client.subscribe(["a", 2], ["a", 0]), [2, 0]);
    const publisher = await test.connect({ version: sender });
    await publisher.publish("a", "x", { qos: 1 });
    await client.expectPublish({ topic: "a", payload: "x" });
    await client.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-3.8.4-3] [MQTT5-3.8.4-3] messages under way are not disturbed by a repeated subscription",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const client = await test.connect({ version: receiver });
    await client.subscribe(["a", 2]);
    await publisher.publish("a", "1", { qos: 2 });
    const packetId = await client.expectPublish({ topic: "a", payload: "1", qos: 2 });
    await client.subscribe(["a", 0]);
    client.sendAck("pubrec", packetId);
    await client.expectAck("pubrel", packetId);
    client.sendAck("pubcomp", packetId);
    await client.expectNothing();
  },
);

testVersions(
  "[MQTT-3.8.3-3] [MQTT-3.8.3-4] [MQTT-3.8.3-1] [MQTT-3.8.1-1] [MQTT-4.7.3-1] [MQTT5-3.8.3-2] [MQTT5-3.8.3-1] [MQTT5-3.8.1-1] [MQTT5-4.7.3-1] a malformed SUBSCRIBE is closed, with no SUBACK and no effect",
  async (version) => {
    const packets: Record<string, readonly [string, number]> = {
      "no filter": ["82 [00 01 {00}]", 0x82],
      "QoS 3": ["82 [00 01 {00} 00 01 'a' 03]", 0x82],
      "reserved bits of the QoS": ["82 [00 01 {00} 00 01 'a' 40]", 0x81],
      ...version !== 5 && { "bits that only 5.0 knows": ["82 [00 01 00 01 'a' 04]", 0] },
      "flags 0": ["80 [00 01 {00} 00 01 'a' 00]", 0x81],
      "no QoS": ["82 [00 01 {00} 00 01 'a']", 0x81],
      "a filter that is not UTF-8": ["82 [00 01 {00} 00 02 c3 28 00]", 0x81],
      "a filter with U+0000": ["82 [00 01 {00} 00 02 'a' 00 00]", 0x81],
      "an empty filter": ["82 [00 01 {00} 00 00 00]", 0x8f],
    };
    for (const [name, [packet, reasonCode]] of Object.entries(packets)) {
      await using test = startBroker();
      const client = await test.connect({ version });
      client.sendHex(packet);
      await client.expectEnded(reasonCode);
      assertEquals(test.broker.subscriptionCount, 0, name);
    }
  },
);

testVersions("[MQTT-3.8.3-2] wildcards are always supported", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version });
  assertEquals(await client.subscribe(["a/+", 0], ["#", 1]), [0, 1]);
});
