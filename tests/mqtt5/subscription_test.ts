import { assert, assertEquals } from "@std/assert";
import type { PublishPacket, RetainHandling } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { connect5, disconnect5, expectDisconnect, open5, subscribe5, textOf } from "./support.ts";

/** In ascending order: a broker may say them in any. */
function identifiersOf(packet: PublishPacket): number[] {
  return packet.subscriptionIds.toSorted((one, other) => one - other);
}

Deno.test("[MQTT5-3.8.3-3] No Local: a client does not get what it published, others do", async () => {
  await using test = startBroker();
  const client = await connect5(test, { clientId: "c" });
  assertEquals(await subscribe5(client, [{ filter: "a/#", qos: 1, noLocal: true }]), [1]);
  const other = await test.connect({ version: 4 });
  await other.subscribe(["a/b", 0]);
  await client.publish("a/b", "own", { qos: 1 });
  await other.expectPublish({ topic: "a/b", payload: "own" });
  await client.expectNothing();
  await other.publish("a/b", "other");
  await client.expectPublish({ topic: "a/b", payload: "other" });
});

Deno.test("[MQTT5-3.8.3-3] No Local also holds for the retained message of a new subscription", async () => {
  await using test = startBroker();
  const client = await connect5(test, { clientId: "c" });
  await client.publish("a", "own", { retain: true });
  await (await test.connect()).publish("b", "other", { retain: true });
  await subscribe5(client, [{ filter: "+", qos: 1, noLocal: true }]);
  await client.expectPublish({ topic: "b", payload: "other", retain: true });
  await client.expectNothing();
});

Deno.test("[MQTT5-3.8.3-3] [MQTT5-3.3.4-4] an overlapping subscription without No Local counts alone for a client's own messages", async () => {
  await using test = startBroker();
  const client = await connect5(test, { clientId: "c" });
  await subscribe5(client, [{ filter: "a/#", qos: 2, noLocal: true, retainAsPublished: true }], 1);
  await subscribe5(client, [{ filter: "a/+", qos: 0 }], 2);
  await client.ping();
  client.sendPublish("a/b", "own", { qos: 1, retain: true });
  const seen = [await client.receive(), await client.receive()];
  assertEquals(seen.map((packet) => packet?.type).sort(), ["puback", "publish"]);
  const own = seen.find((packet) => packet?.type === "publish") as PublishPacket;
  assertEquals([own.qos, own.retain, identifiersOf(own)], [0, false, [2]]);

  const other = await test.connect();
  await other.publish("a/b", "other", { qos: 1 });
  const packet = await client.receivePublish();
  assertEquals([textOf(packet), packet.qos, identifiersOf(packet)], ["other", 1, [1, 2]]);
  client.sendAck("puback", packet.packetId);
  await client.unsubscribe("a/+");
  await client.publish("a/b", "own again");
  await client.expectNothing();
});

Deno.test("[MQTT5-3.8.3-4] No Local for a shared subscription is a protocol error", async () => {
  await using test = startBroker();
  const client = await connect5(test, { clientId: "c" });
  client.send({
    type: "subscribe",
    packetId: 1,
    requests: [{ filter: "$share/g/a", qos: 0, noLocal: true }],
  });
  await expectDisconnect(client, 0x82);
  assertEquals(test.broker.subscriptionCount, 0);
});

for (const retainAsPublished of [false, true]) {
  const tag = retainAsPublished ? "[MQTT5-3.3.1-13]" : "[MQTT5-3.3.1-12]";
  Deno.test(`${tag} Retain As Published ${retainAsPublished}`, async () => {
    await using test = startBroker();
    const client = await connect5(test, { clientId: "c" });
    await subscribe5(client, [{ filter: "a", qos: 0, retainAsPublished }]);
    const publisher = await test.connect({ version: 4 });
    await publisher.publish("a", "1", { retain: true });
    await publisher.publish("a", "2");
    await client.expectPublish({ topic: "a", payload: "1", retain: retainAsPublished });
    await client.expectPublish({ topic: "a", payload: "2", retain: false });
    const { client: late } = await open5(test, { clientId: "late" });
    await subscribe5(late, [{ filter: "a", qos: 0, retainAsPublished }]);
    await late.expectPublish({ topic: "a", payload: "1", retain: true });
  });
}

Deno.test("[MQTT5-3.3.1-13] a message that waited for the client keeps its RETAIN and its identifiers", async () => {
  await using test = startBroker();
  const options = { clientId: "c", cleanStart: false, sessionExpirySeconds: 60 };
  const client = await connect5(test, options);
  await subscribe5(client, [{ filter: "a", qos: 1, retainAsPublished: true }], 7);
  await disconnect5(client);
  await (await test.connect()).publish("a", "1", { qos: 1, retain: true });
  const back = await open5(test, options);
  const packet = await back.client.receivePublish();
  assertEquals([textOf(packet), packet.retain, identifiersOf(packet)], ["1", true, [7]]);
});

const HANDLING: readonly (readonly [RetainHandling, string, boolean, boolean])[] = [
  [0, "[MQTT5-3.3.1-9] [MQTT5-3.8.4-4]", true, true],
  [1, "[MQTT5-3.3.1-10]", true, false],
  [2, "[MQTT5-3.3.1-11]", false, false],
];
for (const [retainHandling, tags, isFirst, isAgain] of HANDLING) {
  Deno.test(`${tags} Retain Handling ${retainHandling}`, async () => {
    await using test = startBroker();
    await (await test.connect()).publish("a", "1", { retain: true });
    const options = { clientId: "c", cleanStart: false, sessionExpirySeconds: 60 };
    const client = await connect5(test, options);
    const request = { filter: "a", qos: 0, retainHandling } as const;
    for (const isSent of [isFirst, isAgain]) {
      await subscribe5(client, [request]);
      if (isSent) await client.expectPublish({ topic: "a", payload: "1", retain: true });
      await client.expectNothing();
    }
    await disconnect5(client);
    const { client: back } = await open5(test, options);
    await subscribe5(back, [request]); // The session still has it.
    if (isAgain) await back.expectPublish({ topic: "a", payload: "1", retain: true });
    await back.expectNothing();
    await back.unsubscribe("a");
    await subscribe5(back, [request]);
    if (isFirst) await back.expectPublish({ topic: "a", payload: "1", retain: true });
    await back.expectNothing();
  });
}

Deno.test("[MQTT5-3.3.1-10] each filter of one SUBSCRIBE has its own Retain Handling", async () => {
  await using test = startBroker();
  const publisher = await test.connect();
  for (const topic of ["a", "b", "c"]) await publisher.publish(topic, topic, { retain: true });
  const client = await connect5(test, { clientId: "c" });
  await subscribe5(client, [{ filter: "b", qos: 0, retainHandling: 2 }]);
  const codes = await subscribe5(client, [
    { filter: "a", qos: 0, retainHandling: 2 },
    { filter: "b", qos: 1, retainHandling: 1 },
    { filter: "c", qos: 2, retainHandling: 1 },
  ]);
  assertEquals(codes, [0, 1, 2]);
  await client.expectPublish({ topic: "c", payload: "c", retain: true });
  await client.expectNothing();
});

Deno.test("[MQTT5-3.8.4-4] subscribing again in a stream of messages loses none and repeats what is retained", async () => {
  await using test = startBroker({ limits: { inflightMax: 3 } });
  const publisher = await test.connect();
  await publisher.publish("a/kept", "kept", { retain: true });
  const client = await connect5(test, { clientId: "c" });
  const requests = [{ filter: "a/+", qos: 1 }] as const;
  await subscribe5(client, requests);
  await client.expectPublish({ topic: "a/kept", payload: "kept", retain: true });
  for (let number = 0; number < 10; number++) {
    for (const part of [0, 1]) publisher.sendPublish("a/live", `${2 * number + part}`, { qos: 1 });
    client.send({ type: "subscribe", packetId: 100 + number, requests });
  }
  const seen = { live: [] as number[], kept: 0, suback: 0 };
  while (seen.live.length < 20 || seen.kept < 1 || seen.suback < 10) {
    const packet = await client.receive();
    assert(packet?.type === "publish" || packet?.type === "suback", packet?.type);
    if (packet.type === "suback") seen.suback++;
    else if (packet.topic === "a/kept") seen.kept++;
    else {
      seen.live.push(Number(textOf(packet)));
      client.sendAck("puback", packet.packetId);
    }
  }
  assertEquals(seen.live, Array.from({ length: 20 }, (_, number) => number));
});

Deno.test("[MQTT5-3.3.4-3] [MQTT5-3.8.4-3] a subscription identifier comes with each message, until it is replaced", async () => {
  await using test = startBroker();
  const client = await connect5(test, { clientId: "c" });
  const publisher = await test.connect({ version: 4 });
  for (const identifier of [1, 268_435_455, 0]) {
    await subscribe5(client, [{ filter: "a", qos: 0 }], identifier);
    await publisher.publish("a", "x");
    assertEquals((await client.receivePublish()).subscriptionIds, identifier ? [identifier] : []);
  }
  await client.expectNothing();
});

Deno.test("[MQTT5-3.3.4-2] [MQTT5-3.3.4-4] one copy has the identifiers of all that match, at the highest QoS", async () => {
  await using test = startBroker();
  const client = await connect5(test, { clientId: "c" });
  await subscribe5(client, [{ filter: "a/b", qos: 0 }], 1);
  await subscribe5(client, [{ filter: "a/+", qos: 2 }], 2);
  await subscribe5(client, [{ filter: "#", qos: 1 }]);
  await subscribe5(client, [{ filter: "x", qos: 1 }], 4);
  const { client: other } = await open5(test, { clientId: "other" });
  await subscribe5(other, [{ filter: "a/b", qos: 1 }], 9);
  const publisher = await test.connect({ version: 4 });
  await publisher.publish("a/b", "1", { qos: 2 });
  const packet = await client.receivePublish();
  assertEquals([packet.qos, identifiersOf(packet)], [2, [1, 2]]);
  const others = await other.receivePublish();
  assertEquals([others.qos, identifiersOf(others)], [1, [9]]);
  await client.expectNothing();
});

Deno.test("[MQTT5-3.3.4-3] retained messages have the identifier of their subscription", async () => {
  await using test = startBroker();
  await (await test.connect()).publish("a", "1", { retain: true });
  const client = await connect5(test, { clientId: "c" });
  await subscribe5(client, [{ filter: "#", qos: 0, retainHandling: 2 }], 1);
  await subscribe5(client, [{ filter: "a", qos: 0 }], 2);
  const packet = await client.receivePublish();
  assertEquals([packet.retain, packet.subscriptionIds], [true, [2]]);
});

Deno.test("[MQTT5-3.3.4-3] a shared subscription has an identifier too", async () => {
  await using test = startBroker();
  const client = await connect5(test, { clientId: "c" });
  await subscribe5(client, [{ filter: "$share/g/a", qos: 0 }], 3);
  await (await test.connect()).publish("a", "1");
  assertEquals((await client.receivePublish()).subscriptionIds, [3]);
});

Deno.test("[MQTT5-3.8.4-6] [MQTT5-3.8.4-7] [MQTT5-3.9.3-1] [MQTT5-3.9.3-2] SUBACK has a reason for each filter, in order", async () => {
  await using test = startBroker({ limits: { subscriptionsPerSessionMax: 3 } });
  const client = await connect5(test, { clientId: "c" });
  const filters = ["a", "a/#/b", "b", "a+", "$share//x", "c", "d"];
  const codes = await subscribe5(
    client,
    filters.map((filter, index) => ({ filter, qos: index === 2 ? 2 : 1 })),
  );
  assertEquals(codes, [1, 0x8f, 2, 0x8f, 0x8f, 1, 0x97]);
});

Deno.test("[MQTT5-3.10.4-5] [MQTT5-3.10.4-6] [MQTT5-3.11.3-1] [MQTT5-3.11.3-2] UNSUBACK has a reason for each filter, in order", async () => {
  await using test = startBroker();
  const client = await connect5(test, { clientId: "c" });
  await client.subscribe(["a/+", 0], ["b", 0], ["$share/g/c", 0]);
  const codes = await client.unsubscribe("a/b", "a/+", "a/+", "$share/g/c", "$share/h/c", "a/#/b");
  assertEquals(codes, [0x11, 0, 0x11, 0, 0x11, 0x11]);
  assertEquals(test.broker.subscriptionCount, 1);
});

Deno.test("a message of 3.1.1 reaches 5.0, and one of 5.0 reaches 3.1.1 without its properties", async () => {
  await using test = startBroker();
  const four = await test.connect({ version: 4 });
  const { client: five } = await open5(test, { clientId: "five" });
  await four.subscribe(["to4", 2]);
  await subscribe5(five, [{ filter: "to5", qos: 2 }], 5);
  for (const qos of [0, 1, 2] as const) {
    await four.publish("to5", `${qos}`, { qos });
    const packet = await five.receivePublish();
    assertEquals([textOf(packet), packet.qos, packet.properties, packet.subscriptionIds], [
      `${qos}`,
      qos,
      undefined,
      [5],
    ]);
    if (qos === 1) five.sendAck("puback", packet.packetId);
    if (qos === 2) {
      five.sendAck("pubrec", packet.packetId);
      await five.expectAck("pubrel", packet.packetId);
      five.sendAck("pubcomp", packet.packetId);
    }
    const payload = new TextEncoder().encode(`${qos}`);
    const properties = { contentType: "x", userProperties: [["k", "v"]] as const };
    const packetId = qos === 0 ? 0 : 100 + qos;
    five.send({
      type: "publish",
      topic: "to4",
      payload,
      qos,
      retain: false,
      dup: false,
      packetId,
      properties,
    });
    await four.takePublish({ topic: "to4", payload: `${qos}`, qos });
    if (qos === 1) await five.expectAck("puback", packetId);
    if (qos === 2) {
      await five.expectAck("pubrec", packetId);
      five.sendAck("pubrel", packetId);
      await five.expectAck("pubcomp", packetId);
    }
  }
});

Deno.test("a retained message of 5.0 keeps its properties for 5.0, and comes plain to 3.1.1", async () => {
  await using test = startBroker();
  const client = await connect5(test, { clientId: "c" });
  const properties = { contentType: "x" };
  const payload = new TextEncoder().encode("1");
  client.send({
    type: "publish",
    topic: "a",
    payload,
    qos: 0,
    retain: true,
    dup: false,
    packetId: 0,
    properties,
  });
  await client.ping();
  const four = await test.connect({ version: 4 });
  await four.subscribe(["a", 0]);
  await four.expectPublish({ topic: "a", payload: "1", retain: true });
  const { client: five } = await open5(test, { clientId: "five" });
  await subscribe5(five, [{ filter: "a", qos: 0 }]);
  assertEquals((await five.receivePublish()).properties, properties);
});
