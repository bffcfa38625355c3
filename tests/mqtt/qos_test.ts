import type { QoS } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

testVersionPairs(
  "[MQTT-3.8.4-6] [MQTT5-3.8.4-8] a message is delivered at the lower of its own and the granted QoS",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    for (const granted of [0, 1, 2] as const) {
      const subscriber = await test.connect({ version: receiver });
      await subscriber.subscribe(["t", granted]);
      for (const qos of [0, 1, 2] as const) {
        await publisher.publish("t", `${qos}`, { qos });
        await subscriber.takePublish({ topic: "t", payload: `${qos}`, qos: Math.min(qos, granted) as QoS });
      }
      await subscriber.expectNothing();
      await subscriber.disconnect();
    }
  },
);

testVersions(
  "[MQTT-3.3.4-1] [MQTT5-3.3.4-1] [MQTT5-4.3.2-4] [MQTT5-4.3.3-8] QoS 0 is answered with nothing, QoS 1 with PUBACK, QoS 2 with PUBREC",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    client.sendHex("30 [00 01 'a' {00} 31]");
    await client.expectNothing();
    client.sendHex("32 [00 01 'a' 00 05 {00} 31]");
    await client.expectHex("40 [00 05 {10}]");
    client.sendHex("34 [00 01 'a' 00 06 {00} 31]");
    await client.expectHex("50 [00 06 {10}]");
    await client.expectNothing();
  },
);

testVersions(
  "[MQTT-2.3.1-6] [MQTT-2.3.1-7] [MQTT5-2.2.1-5] [MQTT5-2.2.1-6] acknowledgements echo the identifiers 1 and 65535",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    for (const id of ["00 01", "ff ff"]) {
      client.sendHex(`32 [00 01 'a' ${id} {00} 31]`);
      await client.expectHex(`40 [${id} {10}]`);
      client.sendHex(`34 [00 01 'a' ${id} {00} 31]`, `62 02 ${id}`);
      await client.expectHex(`50 [${id} {10}]`, `70 02 ${id}`);
      client.sendHex(`82 [${id} {00} 00 01 'b' 01]`, `a2 [${id} {00} 00 01 'b']`);
      await client.expectHex(`90 [${id} {00} 01]`, `b0 [${id} {00 00}]`);
    }
  },
);

testVersionPairs(
  "[MQTT-2.3.1-5] [MQTT-4.3.1-1] [MQTT-3.3.1-2] [MQTT5-2.2.1-2] [MQTT5-4.3.1-1] [MQTT5-3.3.1-2] QoS 0 is delivered without identifier and without DUP",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["a", 0]);
    publisher.sendHex(
      "30 [00 01 'a' {00} 31]",
      "3a [00 01 'a' 00 09 {00} 32]",
      "34 [00 01 'a' 00 09 {00} 33]",
    );
    await subscriber.expectHex("30 [00 01 'a' {00} 31]", "30 [00 01 'a' {00} 32]", "30 [00 01 'a' {00} 33]");
  },
);

testVersionPairs(
  "[MQTT-3.3.1-3] [MQTT5-3.3.1-3] the publisher's DUP is not passed on",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["a", 2]);
    publisher.sendHex("3a [00 01 'a' 00 09 {00} 31]", "3c [00 01 'a' 00 0a {00} 32]");
    await subscriber.takePublish({ topic: "a", payload: "1", qos: 1, dup: false });
    await subscriber.takePublish({ topic: "a", payload: "2", qos: 2, dup: false });
  },
);

testVersions(
  "[MQTT-2.2.2-1] [MQTT-3.6.1-1] [MQTT5-2.1.3-1] [MQTT5-3.6.1-1] [MQTT5-2.2.2-1] every packet of the broker has the flags of its type",
  async (version) => {
    await using test = startBroker();
    const client = test.open();
    client.sendConnect({ version });
    await client.expectConnack();
    client.sendHex("82 [00 01 {00} 00 01 'a' 02]");
    await client.expectHex("90 [00 01 {00} 02]");
    client.sendHex("34 [00 01 'a' 00 07 {00} 31]");
    await client.expectHex("34 [00 01 'a' 00 01 {00} 31]", "50 02 00 07");
    client.sendHex("62 02 00 07", "50 02 00 01");
    await client.expectHex("70 02 00 07", "62 02 00 01");
    client.sendHex("70 02 00 01", "32 [00 01 'a' 00 08 {00} 32]");
    await client.expectHex("32 [00 01 'a' 00 02 {00} 32]", "40 02 00 08");
    client.sendHex("40 02 00 02", "a2 [00 03 {00} 00 01 'a']", "c0 00");
    await client.expectHex("b0 [00 03 {00 00}]", "d0 00");
  },
);

testVersionPairs(
  "[MQTT-4.3.2-2] [MQTT5-4.3.2-5] after PUBACK the same identifier is a new message, whatever DUP says",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["a", 0]);
    await publisher.publish("a", "1", { qos: 1, packetId: 5 });
    await publisher.publish("a", "1", { qos: 1, packetId: 5, dup: true });
    await subscriber.expectPublish({ topic: "a", payload: "1" });
    await subscriber.expectPublish({ topic: "a", payload: "1" });
  },
);

testVersionPairs(
  "[MQTT-4.5.0-1] [MQTT5-4.5.0-1] every matching session has the message, connected or not",
  async (sender, receiver) => {
    await using test = startBroker();
    const online = await test.connect({ version: receiver, cleanStart: false });
    await online.subscribe(["a/+", 1]);
    const offline = await test.connect({ version: receiver, clientId: "offline", cleanStart: false });
    await offline.subscribe(["a/b", 2]);
    await offline.disconnect();
    const publisher = await test.connect({ version: sender });
    await publisher.publish("a/b", "1", { qos: 1 });
    await online.takePublish({ topic: "a/b", payload: "1", qos: 1 });
    const back = await test.connect({ version: receiver, clientId: "offline", cleanStart: false });
    await back.takePublish({ topic: "a/b", payload: "1", qos: 1 });
  },
);

testVersions("an acknowledgement of nothing is counted and harms nobody", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version });
  client.sendHex("40 02 00 05", "50 02 00 06", "70 02 00 07", "62 02 00 08");
  await client.expectHex("62 [00 06 {92}]", "70 [00 08 {92}]");
  await client.expectNothing();
});
