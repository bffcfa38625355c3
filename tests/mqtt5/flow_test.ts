import { assert, assertEquals } from "@std/assert";
import { identityOf, startBroker } from "../support/start_broker.ts";
import { connect5, expectCode, expectDisconnect, LASTING, open5, sendPublish5, textOf } from "./support.ts";

Deno.test(
  "[MQTT5-3.3.4-9] [MQTT5-4.9.0-1] [MQTT5-4.9.0-2] QoS 1 under way never exceeds the client's Receive Maximum",
  async () => {
    await using test = startBroker();
    const publisher = await connect5(test);
    const subscriber = await connect5(test, { receiveMaximum: 2 });
    await subscriber.subscribe(["a", 1]);
    for (let n = 1; n <= 5; n++) await publisher.publish("a", String(n), { qos: 1 });
    const first = await subscriber.expectPublish({ topic: "a", payload: "1", qos: 1 });
    const second = await subscriber.expectPublish({ topic: "a", payload: "2", qos: 1 });
    await subscriber.expectNothing();
    subscriber.sendAck("puback", second);
    const third = await subscriber.expectPublish({ topic: "a", payload: "3", qos: 1 });
    await subscriber.expectNothing();
    subscriber.sendAck("puback", first);
    subscriber.sendAck("puback", third);
    await subscriber.takePublish({ topic: "a", payload: "4", qos: 1 });
    await subscriber.takePublish({ topic: "a", payload: "5", qos: 1 });
    await subscriber.expectNothing();
  },
);

Deno.test("[MQTT5-4.9.0-2] PUBREC alone frees no place, PUBCOMP and PUBREC from 0x80 do", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  const subscriber = await connect5(test, { receiveMaximum: 1 });
  await subscriber.subscribe(["a", 2]);
  for (const payload of ["1", "2", "3"]) await publisher.publish("a", payload, { qos: 2 });
  const first = await subscriber.expectPublish({ topic: "a", payload: "1", qos: 2 });
  subscriber.sendAck("pubrec", first);
  await subscriber.expectAck("pubrel", first);
  await subscriber.expectNothing();
  subscriber.sendAck("pubcomp", first);
  const second = await subscriber.expectPublish({ topic: "a", payload: "2", qos: 2 });
  await subscriber.expectNothing();
  subscriber.send({ type: "pubrec", packetId: second, reasonCode: 0x80 });
  await subscriber.takePublish({ topic: "a", payload: "3", qos: 2 });
  await subscriber.expectNothing();
});

Deno.test(
  "[MQTT5-4.9.0-3] [MQTT5-3.3.4-10] without quota QoS 0 and all answers still come",
  async () => {
    await using test = startBroker();
    const publisher = await connect5(test);
    const subscriber = await connect5(test, { receiveMaximum: 1 });
    await subscriber.subscribe(["a", 1]);
    for (const payload of ["1", "2"]) await publisher.publish("a", payload, { qos: 1 });
    const first = await subscriber.expectPublish({ topic: "a", payload: "1", qos: 1 });
    assertEquals(await subscriber.subscribe(["b", 1]), [1]);
    await publisher.publish("b", "3");
    await subscriber.expectPublish({ topic: "b", payload: "3" });
    const packetId = subscriber.sendPublish("nobody", "x", { qos: 1 });
    await expectCode(subscriber, "puback", packetId, 0x10);
    await subscriber.ping();
    subscriber.sendAck("puback", first);
    await subscriber.takePublish({ topic: "a", payload: "2", qos: 1 });
  },
);

Deno.test("[MQTT5-3.3.4-9] a smaller Receive Maximum after a resume bounds what is sent again", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  let subscriber = await connect5(test, { ...LASTING, clientId: "s", receiveMaximum: 4 });
  await subscriber.subscribe(["a", 1]);
  for (let n = 1; n <= 6; n++) await publisher.publish("a", String(n), { qos: 1 });
  const ids: number[] = [];
  for (let n = 1; n <= 4; n++) {
    ids.push(await subscriber.expectPublish({ topic: "a", payload: String(n), qos: 1 }));
  }
  subscriber.cut();
  const resumed = await open5(test, { ...LASTING, clientId: "s", receiveMaximum: 1 });
  assert(resumed.connack.sessionPresent);
  subscriber = resumed.client;
  for (let n = 1; n <= 6; n++) {
    const isAgain = n <= 4;
    const packetId = await subscriber.expectPublish({
      topic: "a",
      payload: String(n),
      qos: 1,
      dup: isAgain,
      ...(isAgain && { packetId: ids[n - 1]! }),
    });
    await subscriber.expectNothing();
    subscriber.sendAck("puback", packetId);
  }
  await subscriber.expectNothing();
});

Deno.test("[MQTT5-3.3.4-10] after a resume no PUBREL waits for quota", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  let subscriber = await connect5(test, { ...LASTING, clientId: "s" });
  await subscriber.subscribe(["a", 2]);
  const ids: number[] = [];
  for (const payload of ["1", "2", "3"]) {
    await publisher.publish("a", payload, { qos: 2 });
    ids.push(await subscriber.expectPublish({ topic: "a", payload, qos: 2 }));
  }
  for (const packetId of ids.slice(1)) {
    subscriber.sendAck("pubrec", packetId);
    await subscriber.expectAck("pubrel", packetId);
  }
  subscriber.cut();
  subscriber = await connect5(test, { ...LASTING, clientId: "s", receiveMaximum: 1 });
  // Both PUBRELs come though nothing was answered; the order to the PUBLISH is ours to choose.
  const seen: string[] = [];
  await subscriber.ping();
  for (let packet = subscriber.take(); packet; packet = subscriber.take()) {
    assert(packet.type === "pubrel" || packet.type === "publish", packet.type);
    seen.push(`${packet.type} ${packet.packetId}`);
  }
  assertEquals(seen.filter((text) => text.startsWith("pubrel")), [`pubrel ${ids[1]}`, `pubrel ${ids[2]}`]);
  subscriber.sendAck("pubcomp", ids[1]!);
  subscriber.sendAck("pubcomp", ids[2]!);
  if (seen.length === 2) {
    await subscriber.expectPublish({ topic: "a", payload: "1", qos: 2, dup: true, packetId: ids[0]! });
  }
  subscriber.sendAck("pubrec", ids[0]!);
  await subscriber.expectAck("pubrel", ids[0]!);
  subscriber.sendAck("pubcomp", ids[0]!);
  await subscriber.expectNothing();
  await publisher.publish("a", "4", { qos: 2 });
  await subscriber.takePublish({ topic: "a", payload: "4", qos: 2 });
});

Deno.test(
  "[MQTT5-3.3.4-7] [MQTT5-4.13.1-1] more QoS 2 messages than our Receive Maximum end the connection with 0x93",
  async () => {
    await using test = startBroker({ limits: { inboundQos2Max: 2 } });
    const { client, connack } = await open5(test);
    assertEquals(connack.receiveMaximum, 2);
    for (const packetId of [1, 2]) {
      client.sendPublish("a", "x", { qos: 2, packetId });
      await expectCode(client, "pubrec", packetId, 0x10);
    }
    // What is open already may be repeated, and other packets are no PUBLISH.
    client.sendPublish("a", "x", { qos: 2, packetId: 2, dup: true });
    await expectCode(client, "pubrec", 2, 0);
    const atQos1 = client.sendPublish("a", "x", { qos: 1 });
    await expectCode(client, "puback", atQos1, 0x10);
    client.sendPublish("a", "x", { qos: 2, packetId: 3 });
    await expectDisconnect(client, 0x93);
    assertEquals(test.broker.counters.closes["inbound-qos2-full"], 1);
  },
);

for (const qos of [0, 1, 2] as const) {
  Deno.test(
    `[MQTT5-3.1.2-24] [MQTT5-3.1.2-25] what is too large for the client is dropped and the next comes, QoS ${qos}`,
    async () => {
      await using test = startBroker();
      const publisher = await connect5(test);
      const subscriber = await connect5(test, { packetBytesMax: 40, receiveMaximum: 1 });
      await subscriber.subscribe(["a", qos]);
      await publisher.publish("a", "x".repeat(100), { qos });
      await publisher.publish("a", "small", { qos });
      await subscriber.takePublish({ topic: "a", payload: "small", qos });
      await subscriber.expectNothing();
      assertEquals(test.broker.counters.deliveries["dropped:too-large"], 1);
    },
  );
}

Deno.test("[MQTT5-3.1.2-24] the limit holds to the byte, topic alias and properties counted", async () => {
  const overhead = { 0: 2 + 2 + 1 + 1, 1: 2 + 2 + 1 + 2 + 1 };
  for (const qos of [0, 1] as const) {
    for (const topicAliasMax of [0, 5]) {
      await using test = startBroker();
      const publisher = await connect5(test);
      const subscriber = await connect5(test, { packetBytesMax: 40, topicAliasMax });
      await subscriber.subscribe(["a", qos]);
      for (let length = 40; length >= 20; length--) {
        await publisher.publish("a", "x".repeat(length), { qos });
      }
      await subscriber.ping();
      const lengths: number[] = [];
      for (let packet = subscriber.take(); packet; packet = subscriber.take()) {
        assert(packet.type === "publish");
        const { topic, payload, topicAlias } = packet;
        const bytes = overhead[qos] - 1 + topic.length + (topicAlias > 0 ? 3 : 0) + payload.length;
        assert(bytes <= 40, `${bytes} bytes`);
        lengths.push(payload.length);
      }
      assertEquals(lengths.at(0), 40 - overhead[qos], `QoS ${qos}, aliases ${topicAliasMax}`);
      assertEquals(lengths.length, 40 - overhead[qos] - 20 + 1);
    }
  }
});

Deno.test("[MQTT5-3.1.2-25] what waited and is too large for the next connection is dropped", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  let subscriber = await connect5(test, { ...LASTING, clientId: "s" });
  await subscriber.subscribe(["a", 1]);
  await publisher.publish("a", "L".repeat(100), { qos: 1 });
  await subscriber.expectPublish({ topic: "a", payload: "L".repeat(100), qos: 1 });
  subscriber.cut();
  await publisher.publish("a", "M".repeat(100), { qos: 1 });
  await publisher.publish("a", "s", { qos: 1 });
  subscriber = await connect5(test, { ...LASTING, clientId: "s", packetBytesMax: 40, receiveMaximum: 1 });
  await subscriber.takePublish({ topic: "a", payload: "s", qos: 1 });
  await subscriber.expectNothing();
  assertEquals(test.broker.counters.deliveries["dropped:too-large"], 2);
});

Deno.test("[MQTT5-3.1.2-24] a retained message that is too large is passed over", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  await publisher.publish("a/1", "x".repeat(100), { retain: true });
  await publisher.publish("a/2", "y", { retain: true });
  const subscriber = await connect5(test, { packetBytesMax: 40 });
  await subscriber.subscribe(["a/#", 1]);
  await subscriber.expectPublish({ topic: "a/2", payload: "y", retain: true });
  await subscriber.expectNothing();
});

Deno.test("[MQTT5-3.2.2-15] a packet over our Maximum Packet Size ends the connection with 0x95", async () => {
  await using test = startBroker({ limits: { packetBytesMax: 200 } });
  const { client, connack } = await open5(test);
  assertEquals(connack.packetBytesMax, 200);
  client.sendPublish("a", "x".repeat(300));
  await expectDisconnect(client, 0x95);
});

Deno.test("[MQTT5-3.4.2-1] [MQTT5-3.5.2-1] nobody who subscribes: 0x10, and somebody: 0x00", async () => {
  await using test = startBroker();
  const client = await connect5(test);
  const atQos1 = client.sendPublish("a", "x", { qos: 1 });
  await expectCode(client, "puback", atQos1, 0x10);
  const atQos2 = client.sendPublish("a", "x", { qos: 2 });
  await expectCode(client, "pubrec", atQos2, 0x10);
  client.sendAck("pubrel", atQos2); // 0x10 is a success: the flow goes on.
  await client.expectAck("pubcomp", atQos2);
  const subscriber = await connect5(test);
  await subscriber.subscribe(["a", 0]);
  await client.publish("a", "x", { qos: 1 });
  await client.publish("a", "x", { qos: 2 });
});

function startWithRights() {
  return startBroker({
    limits: { retainedMax: 1 },
    authenticators: [{
      name: "rights",
      authenticate: () => ({
        granted: true,
        identity: identityOf("x", (action, name) => action !== "publish" || name !== "denied"),
      }),
    }],
  });
}

Deno.test("[MQTT5-4.3.3-9] a refused publish says 0x87 or 0x97, and its identifier is free again", async () => {
  await using test = startWithRights();
  const watcher = await connect5(test);
  await watcher.subscribe(["#", 2]);
  const client = await connect5(test);
  await client.publish("first", "kept", { qos: 1, retain: true });
  await watcher.expectPublish({ topic: "first", payload: "kept", qos: 1 });
  const refused = [["denied", false, 0x87], ["$x", false, 0x87], ["second", true, 0x97]] as const;
  for (const [topic, retain, code] of refused) {
    client.sendPublish(topic, "x", { qos: 1, packetId: 7, retain });
    await expectCode(client, "puback", 7, code);
    client.sendPublish(topic, "x", { qos: 2, packetId: 7, retain });
    await expectCode(client, "pubrec", 7, code);
    client.sendPublish(topic, "x", { retain }); // QoS 0 has no answer, and the connection goes on.
    await watcher.expectNothing();
    client.sendPublish("ok", topic, { qos: 2, packetId: 7 });
    await expectCode(client, "pubrec", 7, 0);
    await watcher.expectPublish({ topic: "ok", payload: topic, qos: 2 });
    client.sendAck("pubrel", 7);
    await client.expectAck("pubcomp", 7);
  }
  assertEquals(test.broker.retained.size, 1);
});

Deno.test("[MQTT5-4.3.3-9] PUBREL for a refused message finds no identifier", async () => {
  await using test = startWithRights();
  const client = await connect5(test);
  client.sendPublish("denied", "x", { qos: 2, packetId: 7 });
  await expectCode(client, "pubrec", 7, 0x87);
  client.sendAck("pubrel", 7);
  await expectCode(client, "pubcomp", 7, 0x92);
});

Deno.test("[MQTT5-3.7.2-1] [MQTT5-3.6.2-1] identifiers that nobody knows are answered with 0x92", async () => {
  await using test = startBroker();
  const client = await connect5(test);
  client.sendAck("pubrel", 11);
  await expectCode(client, "pubcomp", 11, 0x92);
  client.sendAck("pubrec", 12);
  await expectCode(client, "pubrel", 12, 0x92);
  client.sendAck("pubcomp", 12);
  client.sendAck("puback", 13);
  client.send({ type: "pubrec", packetId: 14, reasonCode: 0x80 });
  client.send({ type: "pubcomp", packetId: 15, reasonCode: 0x92 });
  await client.expectNothing();
});

Deno.test("[MQTT5-4.3.3-4] [MQTT5-4.4.0-2] PUBREC from 0x80 on ends the flow, also over a resume", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  let subscriber = await connect5(test, { ...LASTING, clientId: "s" });
  await subscriber.subscribe(["a", 2]);
  await publisher.publish("a", "1", { qos: 2 });
  const packetId = await subscriber.expectPublish({ topic: "a", payload: "1", qos: 2 });
  subscriber.send({ type: "pubrec", packetId, reasonCode: 0x97 });
  await subscriber.expectNothing();
  assertEquals(test.broker.sessions.get("s")!.outbound.pendingCount, 0);
  subscriber.cut();
  subscriber = await connect5(test, { ...LASTING, clientId: "s" });
  await subscriber.expectNothing();
});

Deno.test("[MQTT5-4.4.0-2] PUBACK from 0x80 on ends the flow as well", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  let subscriber = await connect5(test, { ...LASTING, clientId: "s", receiveMaximum: 1 });
  await subscriber.subscribe(["a", 1]);
  await publisher.publish("a", "1", { qos: 1 });
  await publisher.publish("a", "2", { qos: 1 });
  const packetId = await subscriber.expectPublish({ topic: "a", payload: "1", qos: 1 });
  subscriber.send({ type: "puback", packetId, reasonCode: 0x99 });
  await subscriber.takePublish({ topic: "a", payload: "2", qos: 1 });
  await subscriber.ping();
  subscriber.cut();
  subscriber = await connect5(test, { ...LASTING, clientId: "s" });
  await subscriber.expectNothing();
});

Deno.test("[MQTT5-4.3.3-7] what was sent goes on after a resume though it expired meanwhile", async () => {
  for (const qos of [1, 2] as const) {
    await using test = startBroker();
    const publisher = await connect5(test);
    let subscriber = await connect5(test, { ...LASTING, clientId: "s" });
    await subscriber.subscribe(["a", qos]);
    sendPublish5(publisher, "a", "1", { properties: { expirySeconds: 1 }, qos });
    const sent = await subscriber.receivePublish();
    assertEquals(textOf(sent), "1");
    subscriber.cut();
    test.clock.advance(2_000);
    subscriber = await connect5(test, { ...LASTING, clientId: "s" });
    await subscriber.takePublish({ topic: "a", payload: "1", qos, dup: true, packetId: sent.packetId });
    await subscriber.expectNothing();
  }
});
