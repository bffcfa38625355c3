import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { identityOf, startBroker } from "../support/start_broker.ts";
import { subscribeFailure, testVersionPairs, testVersions } from "../support/versions.ts";

testVersionPairs(
  "[MQTT-3.3.1-6] [MQTT-3.3.1-8] [MQTT5-3.3.1-5] a new subscription is sent the last retained message of each topic, with RETAIN",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    await publisher.publish("a/1", "old", { retain: true });
    await publisher.publish("a/1", "one", { retain: true });
    await publisher.publish("a/2", "two", { retain: true });
    await publisher.publish("b/1", "elsewhere", { retain: true });
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["a/+", 0]);
    await subscriber.expectPublish({ topic: "a/1", payload: "one", retain: true });
    await subscriber.expectPublish({ topic: "a/2", payload: "two", retain: true });
    await subscriber.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-3.3.1-9] [MQTT5-3.3.1-12] a subscription that is there already gets RETAIN 0, whatever the publisher set",
  async (sender, receiver) => {
    await using test = startBroker();
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["a", 2]);
    const publisher = await test.connect({ version: sender });
    for (const qos of [0, 1, 2] as const) {
      await publisher.publish("a", "x", { retain: true, qos });
      await subscriber.takePublish({ topic: "a", payload: "x", qos, retain: false });
    }
    await subscriber.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-3.3.1-10] [MQTT5-3.3.1-6] an empty retained message clears the topic and goes to who is subscribed",
  async (sender, receiver) => {
    await using test = startBroker();
    const live = await test.connect({ version: receiver });
    await live.subscribe(["a", 1]);
    const publisher = await test.connect({ version: sender });
    await publisher.publish("a", "kept", { retain: true, qos: 1 });
    await live.takePublish({ topic: "a", payload: "kept", qos: 1 });
    await publisher.publish("a", "", { retain: true, qos: 1 });
    await live.takePublish({ topic: "a", payload: "", qos: 1, retain: false });
    const late = await test.connect({ version: receiver });
    await late.subscribe(["#", 0]);
    await late.expectNothing();
    assertEquals(test.broker.retained.size, 0);
    assertEquals(test.broker.retained.bytes, 0);
  },
);

testVersions("[MQTT-3.3.1-11] [MQTT5-3.3.1-7] an empty retained message is never stored", async (version) => {
  await using test = startBroker();
  const publisher = await test.connect({ version });
  await publisher.publish("fresh", "", { retain: true });
  assertEquals(test.broker.retained.size, 0);
  await publisher.subscribe(["fresh", 0]);
  await publisher.expectNothing();
});

testVersions(
  "[MQTT-3.3.1-12] [MQTT5-3.3.1-8] a message without RETAIN leaves what is retained alone",
  async (version) => {
    await using test = startBroker();
    const publisher = await test.connect({ version });
    await publisher.publish("a", "kept", { retain: true });
    await publisher.publish("a", "passing", { qos: 1 });
    await publisher.publish("a", "", { qos: 1 });
    await publisher.subscribe(["a", 0]);
    await publisher.expectPublish({ topic: "a", payload: "kept", retain: true });
    await publisher.expectNothing();
  },
);

testVersions(
  "[MQTT-3.3.1-7] a retained message of QoS 0 takes the place of an older one",
  async (version) => {
    await using test = startBroker();
    const publisher = await test.connect({ version });
    await publisher.publish("a", "old", { retain: true, qos: 1 });
    await publisher.publish("a", "new", { retain: true, qos: 0 });
    await publisher.subscribe(["a", 2]);
    await publisher.expectPublish({ topic: "a", payload: "new", retain: true });
    await publisher.expectNothing();
  },
);

testVersions("[MQTT-3.3.1-6] a refused filter gets nothing that is retained", async (version) => {
  await using test = startBroker();
  const publisher = await test.connect({ version });
  await publisher.publish("a", "kept", { retain: true });
  const invalid = subscribeFailure(version, ReasonCode.topicFilterInvalid);
  assertEquals(await publisher.subscribe(["a#", 0], ["$share/a", 0]), [invalid, invalid]);
  await publisher.expectNothing();
});

testVersionPairs(
  "[MQTT-3.3.1-6] a thousand retained messages reach a client with a window of eight, each once",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { inflightMax: 8 } });
    const publisher = await test.connect({ version: sender });
    for (let index = 0; index < 1000; index++) {
      publisher.sendPublish(`r/${index}`, `${index}`, { retain: true, qos: 1, packetId: 1 });
    }
    await publisher.ping();
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["r/#", 1]);
    const seen = new Set<string>();
    for (let index = 0; index < 1000; index++) {
      const packet = await subscriber.receivePublish();
      assertEquals(packet.retain, true);
      seen.add(packet.topic);
      subscriber.sendAck("puback", packet.packetId);
    }
    assertEquals(seen.size, 1000);
    await subscriber.expectNothing();
  },
);

testVersionPairs(
  "a retained message that waits for the window is not sent once a newer one took its place",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { inflightMax: 1 } });
    const publisher = await test.connect({ version: sender });
    for (const topic of ["r/1", "r/2", "r/3"]) {
      await publisher.publish(topic, "old", {
        retain: true,
        qos: 1,
      });
    }
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["r/+", 1]);
    const first = await subscriber.expectPublish({ topic: "r/1", payload: "old", qos: 1, retain: true });
    await publisher.publish("r/2", "new", { retain: true, qos: 0 });
    await publisher.publish("r/3", "", { retain: true, qos: 0 });
    await subscriber.expectPublish({ topic: "r/2", payload: "new" });
    await subscriber.expectPublish({ topic: "r/3", payload: "" });
    subscriber.sendAck("puback", first);
    await subscriber.expectNothing();
  },
);

testVersionPairs("UNSUBSCRIBE ends a backlog of retained messages", async (sender, receiver) => {
  await using test = startBroker({ limits: { inflightMax: 1 } });
  const publisher = await test.connect({ version: sender });
  for (const topic of ["r/1", "r/2", "s/1"]) await publisher.publish(topic, "kept", { retain: true, qos: 1 });
  const subscriber = await test.connect({ version: receiver });
  await subscriber.subscribe(["r/+", 1], ["s/+", 1]);
  const first = await subscriber.expectPublish({ topic: "r/1", payload: "kept", qos: 1, retain: true });
  await subscriber.unsubscribe("r/+");
  subscriber.sendAck("puback", first);
  await subscriber.expectPublish({ topic: "s/1", payload: "kept", qos: 1, retain: true });
});

testVersionPairs(
  "a retained message that came after the subscription is delivered once, however long the backlog waits",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { inflightMax: 1 } });
    const publisher = await test.connect({ version: sender });
    await publisher.publish("r/1", "before", { retain: true, qos: 1 });
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["other", 1]);
    await publisher.publish("other", "1", { qos: 1 });
    const first = await subscriber.expectPublish({ topic: "other", payload: "1", qos: 1 });
    await publisher.publish("other", "2", { qos: 1 });
    await subscriber.subscribe(["r/+", 1]);
    await publisher.publish("r/2", "after", { retain: true, qos: 1 });
    subscriber.sendAck("puback", first);
    await subscriber.takePublish({ topic: "other", payload: "2", qos: 1 });
    await subscriber.takePublish({ topic: "r/2", payload: "after", qos: 1 });
    await subscriber.takePublish({ topic: "r/1", payload: "before", qos: 1, retain: true });
    await subscriber.expectNothing();
  },
);

Deno.test("a broker that closes leaves no timer of a retained message behind", async () => {
  const test = startBroker();
  const properties = { expirySeconds: 1_000 };
  const draft = { topic: "a", payload: new Uint8Array(1), qos: 0, retain: true, properties } as const;
  test.broker.publish(identityOf("x"), draft);
  await test.close();
});

testVersions(
  "a filter that looks at many topics in vain lets others have their turn meanwhile",
  async (version) => {
    await using test = startBroker();
    const everybody = { name: "test", can: () => true };
    const payload = new Uint8Array([1]);
    for (let index = 0; index < 10_000; index++) {
      test.broker.publish(everybody, { topic: `${index}/a`, payload, qos: 0, retain: true });
    }
    test.broker.publish(everybody, {
      topic: "last/b",
      payload: new TextEncoder().encode("x"),
      qos: 0,
      retain: true,
    });
    const other = await test.connect({ version });
    const searcher = await test.connect({ version });
    await searcher.subscribe(["+/b", 0]);
    await other.ping();
    assertEquals(test.broker.counters.messagesSent, 0);
    await searcher.takePublish({ topic: "last/b", payload: "x", retain: true });
    await searcher.expectNothing();
  },
);
