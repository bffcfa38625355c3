import type { QoS } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

testVersionPairs(
  "[MQTT-3.3.1-5] [MQTT-3.8.4-6] [MQTT5-3.8.4-8] a retained message is delivered at the lower of its own and the granted QoS",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    for (const qos of [0, 1, 2] as const) {
      await publisher.publish("a", "kept", { retain: true, qos, packetId: 77 });
      for (const granted of [0, 1, 2] as const) {
        const subscriber = await test.connect({ version: receiver });
        await subscriber.subscribe(["a", granted]);
        const least = Math.min(qos, granted) as QoS;
        await subscriber.takePublish({ topic: "a", payload: "kept", retain: true, qos: least });
        await subscriber.expectNothing();
        await subscriber.disconnect();
      }
    }
  },
);

testVersions(
  "[MQTT-3.8.4-3] [MQTT5-3.8.4-4] a repeated subscription is sent what is retained again, at its new QoS",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    await client.publish("a", "kept", { retain: true, qos: 2 });
    for (const qos of [0, 1, 2] as const) {
      await client.subscribe(["a", qos]);
      await client.takePublish({ topic: "a", payload: "kept", retain: true, qos });
    }
  },
);

testVersionPairs(
  "[MQTT-4.4.0-1] [MQTT5-4.4.0-1] a retained message that was not acknowledged is sent again as a retained one",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    await publisher.publish("a", "kept", { retain: true, qos: 1 });
    const before = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await before.subscribe(["a", 1]);
    const packetId = await before.expectPublish({ topic: "a", payload: "kept", retain: true, qos: 1 });
    before.cut();
    const after = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await after.takePublish({ topic: "a", payload: "kept", retain: true, qos: 1, dup: true, packetId });
  },
);
