import { assertEquals, assertRejects } from "@std/assert";
import { LimitError, RefusedError } from "../../broker/client/mod.ts";
import type { MessageProperties } from "../../broker/packet/mod.ts";
import { connectedPair, end, idle, isSettled, pairOf, textOf } from "./scripted_peer.ts";

const FULL: MessageProperties = {
  expirySeconds: 60,
  payloadIsText: true,
  contentType: "text/plain",
  responseTopic: "reply/1",
  correlationData: Uint8Array.of(0, 255),
  userProperties: [["b", "1"], ["a", "2"], ["b", "1"]],
};

Deno.test("a message takes its properties along", async () => {
  const pair = await connectedPair({ version: 5 });
  assertEquals(await pair.client.publish("a", "x", { properties: FULL }), {
    reasonCode: 0,
    reasonString: undefined,
    userProperties: [],
  });
  assertEquals((await pair.peer.expect("publish")).properties, FULL);
  await end(pair);
});

Deno.test("[MQTT5-3.3.2-14] a response topic with wildcards is not sent, nor in a will", async () => {
  const properties = { responseTopic: "reply/+" };
  const pair = await connectedPair({ version: 5 });
  await assertRejects(() => pair.client.publish("a", "x", { properties }), TypeError, "reply/+");
  await end(pair);
  const { connecting } = pairOf({ version: 5, will: { topic: "a", payload: "", properties } });
  await assertRejects(() => connecting, TypeError, "reply/+");
  const empty = pairOf({ will: { topic: "", payload: "" } });
  await assertRejects(() => empty.connecting, TypeError, "must not be empty");
});

Deno.test("a publish resolves with what the broker says of it", async () => {
  const { client, peer } = await connectedPair({ version: 5 });
  const once = client.publish("a", "x", { qos: 1 });
  await peer.ack("puback", (await peer.expect("publish")).packetId, 0x10, "nobody");
  assertEquals(await once, { reasonCode: 0x10, reasonString: "nobody", userProperties: [] });
  const exactly = client.publish("a", "x", { qos: 2 });
  const { packetId } = await peer.expect("publish");
  await peer.ack("pubrec", packetId, 0x10);
  await peer.expect("pubrel");
  assertEquals(await isSettled(exactly), false);
  await peer.ack("pubcomp", packetId);
  assertEquals((await exactly).reasonCode, 0x10);
  await end({ client, peer });
});

Deno.test("[MQTT5-4.4.0-2] PUBACK and PUBREC from 0x80 on are a RefusedError, and the flow is over", async () => {
  const { client, peer } = await connectedPair({ version: 5, connack: { receiveMaximum: 1 } });
  for (const [qos, type] of [[1, "puback"], [2, "pubrec"]] as const) {
    const publishing = client.publish("a/b", "x", { qos });
    publishing.catch(() => {});
    await peer.ack(type, (await peer.expect("publish")).packetId, 0x97, "no room");
    const error = await assertRejects(() => publishing, RefusedError);
    assertEquals(error.message, "Message to a/b refused: quota exceeded (no room)");
    assertEquals([error.reasonCode, error.reasonString], [0x97, "no room"]);
  }
  // What comes next is no PUBREL, and there is room for it.
  const next = client.publish("a", "y", { qos: 2 });
  const { packetId } = await peer.expect("publish");
  await peer.ack("pubrec", packetId);
  await peer.expect("pubrel");
  await peer.ack("pubcomp", packetId, 0x92);
  await assertRejects(() => next, RefusedError, "packet identifier not found");
  await end({ client, peer });
});

Deno.test("PUBREC for a message that nobody sent is answered with 0x92", async () => {
  const { client, peer } = await connectedPair({ version: 5 });
  await peer.ack("pubrec", 9);
  assertEquals((await peer.expect("pubrel")).reasonCode, 0x92);
  await peer.ack("pubrec", 9, 0x80);
  const publishing = client.publish("a", "x", { qos: 2 });
  const { packetId } = await peer.expect("publish");
  await peer.ack("pubrec", packetId);
  await peer.ack("pubrec", packetId);
  assertEquals((await peer.expect("pubrel")).reasonCode, 0);
  assertEquals((await peer.expect("pubrel")).reasonCode, 0, "The same again is the same answer again");
  await peer.ack("pubcomp", packetId);
  await publishing;
  await end({ client, peer });
});

Deno.test("[MQTT5-4.9.0-1] [MQTT5-4.9.0-2] [MQTT5-3.3.4-8] the broker's Receive Maximum bounds QoS 1 and 2 together", async () => {
  const { client, peer } = await connectedPair({ version: 5, connack: { receiveMaximum: 2 } });
  const publishing = [
    client.publish("a", "1", { qos: 1 }),
    client.publish("a", "2", { qos: 2 }),
    client.publish("a", "3", { qos: 1 }),
    client.publish("a", "4", { qos: 2 }),
  ];
  const [first, second] = [await peer.expect("publish"), await peer.expect("publish")];
  const subscribing = client.subscribe("a");
  await peer.grant(0); // Not delayed, and no message came before it.
  await subscribing;
  await peer.ack("pubrec", second.packetId);
  await peer.expect("pubrel");
  const waiting = peer.receive();
  assertEquals(await isSettled(waiting), false, "PUBREC below 0x80 makes no room");
  await peer.ack("pubcomp", second.packetId);
  const third = await waiting;
  assertEquals(third?.type === "publish" && textOf(third.payload), "3");
  await peer.ack("puback", first.packetId);
  const fourth = await peer.expect("publish");
  await peer.ack("puback", third?.type === "publish" ? third.packetId : 0);
  await peer.ack("pubrec", fourth.packetId, 0x83);
  await assertRejects(() => publishing[3]!, RefusedError);
  await Promise.all(publishing.slice(0, 3));
  await end({ client, peer });
});

Deno.test("in MQTT 5.0 inFlightMax bounds QoS 1 and 2 together too", async () => {
  const { client, peer } = await connectedPair({ version: 5, inFlightMax: 1 });
  const publishing = [client.publish("a", "1", { qos: 2 }), client.publish("a", "2", { qos: 1 })];
  const { packetId } = await peer.expect("publish");
  const next = peer.receive();
  assertEquals(await isSettled(next), false);
  await peer.ack("pubrec", packetId);
  assertEquals((await next)?.type, "pubrel");
  await peer.ack("pubcomp", packetId);
  await peer.ack("puback", (await peer.expect("publish")).packetId);
  await Promise.all(publishing);
  await end({ client, peer });
});

Deno.test("[MQTT5-3.2.2-11] [MQTT5-3.2.2-14] [MQTT5-3.2.2-15] [MQTT5-3.2.2-17] what the broker does not take is not sent", async () => {
  const connack = { qosMax: 1, retainAvailable: false, packetBytesMax: 30, topicAliasMax: 2 } as const;
  const { client, peer } = await connectedPair({ version: 5, connack });
  const refused = async (publishing: Promise<unknown>, line: string) => {
    assertEquals((await assertRejects(() => publishing, LimitError)).message, line);
  };
  await refused(
    client.publish("a", "x", { qos: 2 }),
    "Cannot publish to a at QoS 2: the broker takes at most QoS 1",
  );
  await refused(
    client.publish("a", "x", { retain: true }),
    "Cannot publish to a with retain: the broker retains no messages",
  );
  await refused(
    client.publish("a", "x", { topicAlias: 3 }),
    "Cannot publish to a with topic alias 3: the broker takes topic aliases up to 2",
  );
  await refused(
    client.publish("a", "x".repeat(25)),
    "Cannot send PUBLISH of 31 bytes: the broker takes at most 30",
  );
  await refused(
    client.publish("a", "x".repeat(23), { qos: 1 }),
    "Cannot send PUBLISH of 31 bytes: the broker takes at most 30",
  );
  await client.publish("a", "x".repeat(24));
  assertEquals((await peer.expect("publish")).payload.length, 24);
  await end({ client, peer });
});

Deno.test("[MQTT5-3.2.2-18] a broker without topic aliases is sent none", async () => {
  const pair = await connectedPair({ version: 5 });
  await assertRejects(
    () => pair.client.publish("a", "x", { topicAlias: 1 }),
    LimitError,
    "the broker takes no topic aliases",
  );
  await end(pair);
});

Deno.test("an alias stands for its topic once the broker has been told", async () => {
  const connack = { topicAliasMax: 2, packetBytesMax: 100 };
  const { client, peer } = await connectedPair({ version: 5, connack });
  const said: [topic: string, alias: number][] = [];
  const publish = async (topic: string, topicAlias: number, qos: 0 | 1 = 0) => {
    const publishing = client.publish(topic, "x", { topicAlias, qos });
    const packet = await peer.expect("publish");
    said.push([packet.topic, packet.topicAlias]);
    if (qos === 1) await peer.ack("puback", packet.packetId);
    await publishing;
  };
  await assertRejects(() => client.publish("a", new Uint8Array(200), { topicAlias: 1 }), LimitError);
  await publish("a", 1);
  await publish("a", 1, 1);
  await publish("b", 2);
  await publish("b", 1);
  await publish("a", 1);
  assertEquals(said, [["a", 1], ["", 1], ["b", 2], ["b", 1], ["a", 1]]);
  await idle();
  await end({ client, peer });
});
