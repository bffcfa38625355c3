import { assert, assertEquals } from "@std/assert";
import type { RawClient } from "../support/raw_client.ts";
import { startBroker } from "../support/start_broker.ts";
import { connect5, expectCode, expectDisconnect, LASTING, open5, sendPublish5, textOf } from "./support.ts";

/** What came since the last time: topic, alias and payload of each. */
async function deliveriesTo(client: RawClient): Promise<[topic: string, alias: number, payload: string][]> {
  await client.ping();
  const seen: [string, number, string][] = [];
  for (let packet = client.take(); packet; packet = client.take()) {
    assert(packet.type === "publish", packet.type);
    seen.push([packet.topic, packet.topicAlias, textOf(packet)]);
  }
  return seen;
}

Deno.test("[MQTT5-3.3.2-12] an alias is set, used and set anew, at every QoS", async () => {
  await using test = startBroker();
  const { client, connack } = await open5(test);
  assertEquals(connack.topicAliasMax, test.broker.limits.topicAliasesMax);
  const watcher = await connect5(test);
  await watcher.subscribe(["#", 0]);
  sendPublish5(client, "a", "1", { topicAlias: 1 });
  sendPublish5(client, "", "2", { topicAlias: 1 });
  sendPublish5(client, "b", "3", { topicAlias: connack.topicAliasMax });
  sendPublish5(client, "", "4", { topicAlias: connack.topicAliasMax });
  const atQos1 = sendPublish5(client, "", "5", { topicAlias: 1, qos: 1 });
  await expectCode(client, "puback", atQos1, 0);
  sendPublish5(client, "c", "6", { topicAlias: 1 });
  const atQos2 = sendPublish5(client, "", "7", { topicAlias: 1, qos: 2 });
  await expectCode(client, "pubrec", atQos2, 0);
  sendPublish5(client, "a", "8");
  await client.ping();
  const expected = ["a1", "a2", "b3", "b4", "a5", "c6", "c7", "a8"];
  assertEquals((await deliveriesTo(watcher)).map(([topic, alias, payload]) => [topic + payload, alias]), [
    ...expected.map((text) => [text, 0] as [string, number]),
  ]);
});

Deno.test("an alias that comes with a retained message stands for its topic there as well", async () => {
  await using test = startBroker();
  const client = await connect5(test);
  sendPublish5(client, "a", "1", { topicAlias: 3 });
  sendPublish5(client, "", "2", { topicAlias: 3, retain: true });
  await client.ping();
  for (const version of [4, 5] as const) {
    const subscriber = version === 5 ? await connect5(test) : await test.connect();
    await subscriber.subscribe(["a", 0]);
    await subscriber.expectPublish({ topic: "a", payload: "2", retain: true });
  }
});

Deno.test("[MQTT5-3.3.2-8] [MQTT5-3.3.2-9] [MQTT5-3.2.2-17] topicAliasesMax 3: alias 0 and one over the maximum end with 0x94", async () => {
  await using test = startBroker({ limits: { topicAliasesMax: 3 } });
  for (const alias of ["02", "03"]) {
    const client = await connect5(test);
    client.sendHex(`30 07 00 01 'a' 03 23 00 ${alias}`);
    await client.ping();
  }
  for (
    const hex of ["30 07 00 01 'a' 03 23 00 00", "30 07 00 01 'a' 03 23 00 04", "30 06 00 00 03 23 00 04"]
  ) {
    const client = await connect5(test);
    client.sendHex(hex);
    await expectDisconnect(client, 0x94);
  }
});

Deno.test("[MQTT5-3.2.2-18] without aliases of ours each of them ends with 0x94", async () => {
  await using test = startBroker({ limits: { topicAliasesMax: 0 } });
  const { client, connack } = await open5(test, { topicAliasMax: 10 });
  assertEquals(connack.topicAliasMax, 0);
  sendPublish5(client, "a", "x", { topicAlias: 1 });
  await expectDisconnect(client, 0x94);
});

Deno.test("[MQTT5-4.7.3-1] an alias that stands for nothing, or an empty topic without one, ends the connection", async () => {
  await using test = startBroker();
  const unknown = await connect5(test);
  unknown.sendHex("30 06 00 00 03 23 00 02");
  await expectDisconnect(unknown, 0x82);
  const empty = await connect5(test);
  empty.sendHex("30 03 00 00 00");
  await expectDisconnect(empty, 0x82); // [MQTT5 3.3.2.1]
});

Deno.test("[MQTT5-3.3.2-7] aliases are forgotten when the connection ends, also with the session kept", async () => {
  await using test = startBroker();
  let client = await connect5(test, { ...LASTING, clientId: "c" });
  sendPublish5(client, "a", "1", { topicAlias: 1 });
  await client.ping();
  client.cut();
  client = await connect5(test, { ...LASTING, clientId: "c" });
  sendPublish5(client, "", "2", { topicAlias: 1 });
  await expectDisconnect(client, 0x82);
});

Deno.test("aliases of one client say nothing to another", async () => {
  await using test = startBroker();
  const one = await connect5(test);
  const other = await connect5(test);
  const watcher = await connect5(test);
  await watcher.subscribe(["#", 0]);
  sendPublish5(one, "a", "1", { topicAlias: 1 });
  sendPublish5(other, "b", "2", { topicAlias: 1 });
  await other.ping();
  sendPublish5(one, "", "3", { topicAlias: 1 });
  await one.ping();
  assertEquals((await deliveriesTo(watcher)).map(([topic, , payload]) => topic + payload).toSorted(), [
    "a1",
    "a3",
    "b2",
  ]);
});

Deno.test("[MQTT5-3.1.2-26] [MQTT5-3.3.2-11] towards a client: its maximum, and an empty topic the second time", async () => {
  await using test = startBroker();
  const publisher = await test.connect();
  const subscriber = await connect5(test, { topicAliasMax: 2 });
  await subscriber.subscribe(["#", 0]);
  for (const topic of ["a", "b", "c", "a", "b", "c"]) await publisher.publish(topic, "x");
  assertEquals(await deliveriesTo(subscriber), [
    ["a", 1, "x"],
    ["b", 2, "x"],
    ["c", 0, "x"],
    ["", 1, "x"],
    ["", 2, "x"],
    ["c", 0, "x"],
  ]);
});

Deno.test("[MQTT5-3.1.2-27] a client that said nothing, or 0, gets no alias", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  for (const options of [{}, { topicAliasMax: 0 }]) {
    const subscriber = await connect5(test, options);
    await subscriber.subscribe(["a", 0]);
    for (let n = 0; n < 3; n++) {
      sendPublish5(publisher, "a", "x", { topicAlias: 5 }); // The publisher's alias is its own.
      await publisher.ping();
    }
    assertEquals(await deliveriesTo(subscriber), Array(3).fill(["a", 0, "x"]));
  }
});

Deno.test("our own bound holds where the client takes more aliases", async () => {
  await using test = startBroker({ limits: { topicAliasesMax: 1 } });
  const publisher = await connect5(test);
  const subscriber = await connect5(test, { topicAliasMax: 0xffff });
  await subscriber.subscribe(["#", 0]);
  for (const topic of ["a", "b", "a"]) await publisher.publish(topic, "x");
  assertEquals(await deliveriesTo(subscriber), [["a", 1, "x"], ["b", 0, "x"], ["", 1, "x"]]);
});

Deno.test("[MQTT5-3.3.2-7] what is sent again on a new connection has its topic", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  let subscriber = await connect5(test, { ...LASTING, clientId: "s", topicAliasMax: 5 });
  await subscriber.subscribe(["a", 1]);
  await publisher.publish("a", "1", { qos: 1 });
  await publisher.publish("a", "2", { qos: 1 });
  assertEquals(await deliveriesTo(subscriber), [["a", 1, "1"], ["", 1, "2"]]);
  subscriber.cut();
  await publisher.publish("a", "3", { qos: 1 });
  subscriber = await connect5(test, { ...LASTING, clientId: "s", topicAliasMax: 5 });
  assertEquals(await deliveriesTo(subscriber), [["a", 1, "1"], ["", 1, "2"], ["", 1, "3"]]);
  subscriber.cut();
  subscriber = await connect5(test, { ...LASTING, clientId: "s" });
  assertEquals(await deliveriesTo(subscriber), [["a", 0, "1"], ["a", 0, "2"], ["a", 0, "3"]]);
});

Deno.test("at QoS 2 every message has its topic", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  const subscriber = await connect5(test, { topicAliasMax: 5 });
  await subscriber.subscribe(["a", 2]);
  for (const payload of ["1", "2"]) await publisher.publish("a", payload, { qos: 2 });
  assertEquals(await deliveriesTo(subscriber), [["a", 0, "1"], ["a", 0, "2"]]);
});

Deno.test("[MQTT5-3.1.2-26] [MQTT5-3.3.2-12] an alias moves on to the topic that is used most", async () => {
  await using test = startBroker();
  const publisher = await test.connect();
  const subscriber = await connect5(test, { topicAliasMax: 1 });
  await subscriber.subscribe(["#", 0]);
  await publisher.publish("seldom", "x");
  for (let count = 0; count < 300; count++) publisher.sendPublish("busy", "x");
  await publisher.publish("seldom", "x");
  await publisher.publish("busy", "x");
  const seen = (await deliveriesTo(subscriber)).map(([topic, alias]) => `${topic}=${alias}`);
  assertEquals(seen.filter((one, index) => one !== seen[index - 1]), [
    "seldom=1",
    "busy=0",
    "busy=1", // From now on 1 is this one,
    "=1",
    "seldom=0",
    "=1",
  ]);
});
