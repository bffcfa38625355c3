import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

testVersionPairs(
  "[MQTT-3.3.5-1] [MQTT5-3.3.4-2] overlapping filters are one delivery, at the highest QoS of them",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const client = await test.connect({ version: receiver });
    await client.subscribe(["a/b", 1], ["a/#", 2], ["+/b", 0]);
    for (const qos of [0, 1, 2] as const) {
      await publisher.publish("a/b", "x", { qos });
      await client.takePublish({ topic: "a/b", payload: "x", qos });
      await client.expectNothing();
    }
    await client.unsubscribe("a/#");
    await publisher.publish("a/b", "y", { qos: 2 });
    await client.takePublish({ topic: "a/b", payload: "y", qos: 1 });
    await client.unsubscribe("a/b");
    await publisher.publish("a/b", "z", { qos: 2 });
    await client.takePublish({ topic: "a/b", payload: "z", qos: 0 });
    await client.unsubscribe("+/b");
    await publisher.publish("a/b", "-", { qos: 2 });
    await client.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-3.3.5-1] [MQTT5-3.3.4-2] the order of subscribing does not matter",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const filters = [["#", 2], ["a", 0], ["+", 1]] as const;
    for (let first = 0; first < filters.length; first++) {
      const client = await test.connect({ version: receiver });
      for (let step = 0; step < filters.length; step++) {
        await client.subscribe(filters[(first + step) % filters.length]!);
      }
      await publisher.publish("a", "x", { qos: 2 });
      await client.takePublish({ topic: "a", payload: "x", qos: 2 });
      await client.expectNothing();
      await client.disconnect();
    }
  },
);

testVersions(
  "[MQTT-3.3.1-6] each new subscription is sent what is retained, overlapping or not",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    await client.publish("a", "kept", { retain: true });
    await client.subscribe(["a", 0], ["+", 0]);
    await client.expectPublish({ topic: "a", payload: "kept", retain: true });
    await client.expectPublish({ topic: "a", payload: "kept", retain: true });
    await client.expectNothing();
  },
);
