import type { QoS } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

testVersionPairs(
  "[MQTT-3.8.4-6] a message is delivered at the lower of its own and the granted QoS",
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
  "[MQTT-3.3.4-1] QoS 0 is answered with nothing, QoS 1 with PUBACK, QoS 2 with PUBREC",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    client.sendHex("30 04 00 01 'a' 31");
    await client.expectNothing();
    client.sendHex("32 06 00 01 'a' 00 05 31");
    await client.expectHex("40 02 00 05");
    client.sendHex("34 06 00 01 'a' 00 06 31");
    await client.expectHex("50 02 00 06");
    await client.expectNothing();
  },
);

testVersions(
  "[MQTT-2.3.1-6] [MQTT-2.3.1-7] acknowledgements echo the identifiers 1 and 65535",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    for (const id of ["00 01", "ff ff"]) {
      client.sendHex(`32 06 00 01 'a' ${id} 31`);
      await client.expectHex(`40 02 ${id}`);
      client.sendHex(`34 06 00 01 'a' ${id} 31`, `62 02 ${id}`);
      await client.expectHex(`50 02 ${id}`, `70 02 ${id}`);
      client.sendHex(`82 06 ${id} 00 01 'b' 01`, `a2 05 ${id} 00 01 'b'`);
      await client.expectHex(`90 03 ${id} 01`, `b0 02 ${id}`);
    }
  },
);

testVersions(
  "[MQTT-2.3.1-5] [MQTT-4.3.1-1] [MQTT-3.3.1-2] QoS 0 is delivered without identifier and without DUP",
  async (version) => {
    await using test = startBroker();
    const publisher = await test.connect({ version });
    const subscriber = await test.connect({ version });
    await subscriber.subscribe(["a", 0]);
    publisher.sendHex("30 04 00 01 'a' 31", "3a 06 00 01 'a' 00 09 32", "34 06 00 01 'a' 00 09 33");
    await subscriber.expectHex("30 04 00 01 'a' 31", "30 04 00 01 'a' 32", "30 04 00 01 'a' 33");
  },
);

testVersions("[MQTT-3.3.1-3] the publisher's DUP is not passed on", async (version) => {
  await using test = startBroker();
  const publisher = await test.connect({ version });
  const subscriber = await test.connect({ version });
  await subscriber.subscribe(["a", 2]);
  publisher.sendHex("3a 06 00 01 'a' 00 09 31", "3c 06 00 01 'a' 00 0a 32");
  await subscriber.takePublish({ topic: "a", payload: "1", qos: 1, dup: false });
  await subscriber.takePublish({ topic: "a", payload: "2", qos: 2, dup: false });
});

testVersions(
  "[MQTT-2.2.2-1] [MQTT-3.6.1-1] every packet of the broker has the flags of its type",
  async (version) => {
    await using test = startBroker();
    const client = test.open();
    client.sendConnect({ version });
    await client.expectHex("20 02 00 00");
    client.sendHex("82 06 00 01 00 01 'a' 02");
    await client.expectHex("90 03 00 01 02");
    client.sendHex("34 06 00 01 'a' 00 07 31");
    await client.expectHex("34 06 00 01 'a' 00 01 31", "50 02 00 07");
    client.sendHex("62 02 00 07", "50 02 00 01");
    await client.expectHex("70 02 00 07", "62 02 00 01");
    client.sendHex("70 02 00 01", "32 06 00 01 'a' 00 08 32");
    await client.expectHex("32 06 00 01 'a' 00 02 32", "40 02 00 08");
    client.sendHex("40 02 00 02", "a2 05 00 03 00 01 'a'", "c0 00");
    await client.expectHex("b0 02 00 03", "d0 00");
  },
);

testVersions(
  "[MQTT-4.3.2-2] after PUBACK the same identifier is a new message, whatever DUP says",
  async (version) => {
    await using test = startBroker();
    const publisher = await test.connect({ version });
    const subscriber = await test.connect({ version });
    await subscriber.subscribe(["a", 0]);
    await publisher.publish("a", "1", { qos: 1, packetId: 5 });
    await publisher.publish("a", "1", { qos: 1, packetId: 5, dup: true });
    await subscriber.expectPublish({ topic: "a", payload: "1" });
    await subscriber.expectPublish({ topic: "a", payload: "1" });
  },
);

testVersions("[MQTT-4.5.0-1] every matching session has the message, connected or not", async (version) => {
  await using test = startBroker();
  const online = await test.connect({ version, cleanStart: false });
  await online.subscribe(["a/+", 1]);
  const offline = await test.connect({ version, clientId: "offline", cleanStart: false });
  await offline.subscribe(["a/b", 2]);
  await offline.disconnect();
  const publisher = await test.connect({ version });
  await publisher.publish("a/b", "1", { qos: 1 });
  await online.takePublish({ topic: "a/b", payload: "1", qos: 1 });
  const back = await test.connect({ version, clientId: "offline", cleanStart: false });
  await back.takePublish({ topic: "a/b", payload: "1", qos: 1 });
});

testVersions("an acknowledgement of nothing is counted and harms nobody", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version });
  client.sendHex("40 02 00 05", "50 02 00 06", "70 02 00 07", "62 02 00 08");
  await client.expectHex("62 02 00 06", "70 02 00 08");
  await client.expectNothing();
});
