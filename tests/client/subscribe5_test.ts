import { assertEquals, assertRejects } from "@std/assert";
import { ClosedError, type ConnectOptions, LimitError, RefusedError } from "../../broker/client/mod.ts";
import type { PublishFields } from "../../broker/packet/mod.ts";
import { connectedPair, end, type Pair, type ScriptedPeer, take, textOf } from "./scripted_peer.ts";

async function subscribed(filter: string, options: ConnectOptions = {}, qos: 0 | 1 | 2 = 2) {
  const { client, peer } = await connectedPair({ version: 5, ...options });
  const subscribing = client.subscribe(filter, { qos });
  await peer.grant(qos);
  return { client, peer, subscription: await subscribing };
}

async function sendPublish5(peer: ScriptedPeer, fields: Partial<PublishFields>): Promise<void> {
  const defaults = { dup: false, retain: false, qos: 0, topic: "", packetId: 0 } as const;
  await peer.send({ type: "publish", ...defaults, payload: new Uint8Array(), ...fields });
}

Deno.test("a message has its properties, and the identifiers of the subscriptions that it is for", async () => {
  const { subscription, ...pair } = await subscribed("a");
  const properties = {
    expirySeconds: 9,
    payloadIsText: false,
    contentType: "t",
    responseTopic: "r",
    correlationData: Uint8Array.of(1),
    userProperties: [["b", "1"], ["a", "2"], ["b", "1"]],
  } as const;
  await sendPublish5(pair.peer, { topic: "a", properties, subscriptionIds: [7, 9], qos: 1, packetId: 3 });
  const message = (await subscription.next()).value!;
  assertEquals(message.properties, properties);
  assertEquals([message.subscriptionIds, message.packetId], [[7, 9], 3]);
  await pair.peer.expect("puback");
  await end(pair);
});

Deno.test("subscription options, identifier and user properties go out", async () => {
  const { client, peer } = await connectedPair({ version: 5 });
  const subscribing = client.subscribe(["a", "b"], {
    qos: 1,
    noLocal: true,
    retainAsPublished: true,
    retainHandling: 2,
    subscriptionId: 268_435_455,
    userProperties: [["k", "v"]],
  });
  const { requests, subscriptionId, userProperties } = await peer.grant(1, 0);
  const options = { qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 } as const;
  assertEquals(requests, [{ filter: "a", ...options }, { filter: "b", ...options }]);
  assertEquals([subscriptionId, userProperties], [268_435_455, [["k", "v"]]]);
  assertEquals((await subscribing).granted, [1, 0]);
  await end({ client, peer });
});

Deno.test("[MQTT5-3.8.3-4] a subscription that the broker has no means for is not asked for", async () => {
  const connack = {
    wildcardSubscriptionsAvailable: false,
    sharedSubscriptionsAvailable: false,
    subscriptionIdsAvailable: false,
    packetBytesMax: 50,
  };
  const { client, peer } = await connectedPair({ version: 5, connack });
  const refusals: [subscribing: Promise<unknown>, line: string][] = [
    [client.subscribe("a/#"), "Cannot subscribe to a/#: the broker takes no wildcards"],
    [client.subscribe(["a", "+"]), "Cannot subscribe to +: the broker takes no wildcards"],
    [
      client.subscribe("$share/g/a"),
      "Cannot subscribe to $share/g/a: the broker has no shared subscriptions",
    ],
    [
      client.subscribe("a", { subscriptionId: 1 }),
      "Cannot subscribe with subscription identifier 1: the broker has no subscription identifiers",
    ],
    [
      client.subscribe("x".repeat(60)),
      "Cannot send SUBSCRIBE of 68 bytes: the broker takes at most 50",
    ],
    [
      client.unsubscribe("x".repeat(60)),
      "Cannot send UNSUBSCRIBE of 67 bytes: the broker takes at most 50",
    ],
  ];
  for (const [refusal, line] of refusals) {
    assertEquals((await assertRejects(() => refusal, LimitError)).message, line);
  }
  const subscribing = client.subscribe("a");
  await peer.grant(0);
  await subscribing;
  await end({ client, peer });
  const able = await connectedPair({ version: 5 });
  await assertRejects(
    () => able.client.subscribe("$share/g/a", { noLocal: true }),
    TypeError,
    "it is shared",
  );
  await end(able);
});

Deno.test("SUBACK and UNSUBACK say what was refused, and why", async () => {
  const { client, peer } = await connectedPair({ version: 5 });
  const refused = client.subscribe(["a", "b"]);
  refused.catch(() => {});
  const { packetId } = await peer.expect("subscribe");
  await peer.send({ type: "suback", packetId, reasonCodes: [0x87, 0x8f], reasonString: "not yours" });
  const error = await assertRejects(() => refused, RefusedError);
  assertEquals(error.message, "Subscription to a, b refused: not authorized (not yours)");
  assertEquals([error.reasonCode, error.reasonString], [0x87, "not yours"]);

  const partly = client.subscribe(["a", "b"]);
  const second = await peer.expect("subscribe");
  await peer.send({
    type: "suback",
    packetId: second.packetId,
    reasonCodes: [0x87, 0],
    reasonString: "half",
    userProperties: [["k", "v"]],
  });
  const { granted, reasonString, userProperties } = await partly;
  assertEquals([granted, reasonString, userProperties], [[0x87, 0], "half", [["k", "v"]]]);

  const unsubscribing = client.unsubscribe(["b", "c"], { userProperties: [["k", "v"]] });
  const third = await peer.expect("unsubscribe");
  assertEquals(third.userProperties, [["k", "v"]]);
  await peer.send({ type: "unsuback", packetId: third.packetId, reasonCodes: [0, 0x11] });
  assertEquals(await unsubscribing, [0, 0x11]);

  const kept = client.unsubscribe("b");
  kept.catch(() => {});
  const fourth = await peer.expect("unsubscribe");
  await peer.send({ type: "unsuback", packetId: fourth.packetId, reasonCodes: [0x83] });
  await assertRejects(
    () => kept,
    RefusedError,
    "Unsubscription from b refused: implementation specific error",
  );
  await end({ client, peer });
});

Deno.test("an answer with too few or too many codes ends the connection with 0x82", async () => {
  for (const type of ["suback", "unsuback"] as const) {
    const { client, peer } = await connectedPair({ version: 5 });
    const asking = type === "suback" ? client.subscribe(["a", "b"]) : client.unsubscribe(["a", "b"]);
    const refused = assertRejects(() => asking, ClosedError, "does not answer each filter: 1 codes for 2");
    const { packetId } = await peer.receive() as { packetId: number };
    await peer.send({ type, packetId, reasonCodes: [0] });
    await refused;
    await peer.expectFarewell(0x82);
  }
});

Deno.test("[MQTT5-3.3.2-10] topic aliases are resolved, up to the maximum that we said", async () => {
  const { subscription, ...pair } = await subscribed("#", { topicAliasMax: 2 });
  await sendPublish5(pair.peer, { topic: "a", topicAlias: 1 });
  await sendPublish5(pair.peer, { topic: "b", topicAlias: 2 });
  await sendPublish5(pair.peer, { topicAlias: 1 });
  await sendPublish5(pair.peer, { topic: "c", topicAlias: 1 });
  await sendPublish5(pair.peer, { topicAlias: 1 });
  const seen: [string, number][] = [];
  while (seen.length < 5) {
    const { topic, topicAlias } = (await subscription.next()).value!;
    seen.push([topic, topicAlias]);
  }
  assertEquals(seen, [["a", 1], ["b", 2], ["a", 1], ["c", 1], ["c", 1]]);
  await end(pair);
});

Deno.test("an alias over our maximum, an unknown one, and no topic at all end the connection", async () => {
  const cases: [fields: Partial<PublishFields>, reasonCode: number][] = [
    [{ topic: "a", topicAlias: 3 }, 0x94],
    [{ topicAlias: 2 }, 0x82],
    [{}, 0x82],
  ];
  for (const [fields, reasonCode] of cases) {
    const { client, peer } = await connectedPair({ version: 5, topicAliasMax: 2 });
    await sendPublish5(peer, fields);
    await peer.expectFarewell(reasonCode);
    await client.closed;
  }
});

Deno.test("an alias counts even in a message that is here already", async () => {
  const { subscription, ...pair } = await subscribed("#", { topicAliasMax: 1 });
  await sendPublish5(pair.peer, { topic: "a", qos: 2, packetId: 1 });
  assertEquals(await take(subscription, 1), [""]);
  await pair.peer.expect("pubrec");
  await sendPublish5(pair.peer, { topic: "a", topicAlias: 1, qos: 2, packetId: 1, dup: true });
  await pair.peer.expect("pubrec");
  await sendPublish5(pair.peer, { topicAlias: 1 });
  assertEquals((await subscription.next()).value?.topic, "a");
  await end(pair);
});

Deno.test("more messages at once than our Receive Maximum end the connection with 0x93", async () => {
  const { client, peer, subscription } = await subscribed("a", { receiveMaximum: 2 });
  await sendPublish5(peer, { topic: "a", qos: 2, packetId: 1 });
  await sendPublish5(peer, { topic: "a", qos: 1, packetId: 2 });
  await take(subscription, 2);
  await peer.expect("pubrec");
  await peer.expect("puback");
  await sendPublish5(peer, { topic: "a", qos: 1, packetId: 3 });
  await sendPublish5(peer, { topic: "a", qos: 1, packetId: 3, dup: true }); // The same again is no other.
  await peer.ack("pubrel", 1);
  await peer.expect("pubcomp");
  await sendPublish5(peer, { topic: "a", qos: 2, packetId: 5 });
  await take(subscription, 2);
  await peer.expect("puback");
  await peer.expect("pubrec");
  await sendPublish5(peer, { topic: "a", qos: 1, packetId: 6 });
  await sendPublish5(peer, { topic: "a", qos: 1, packetId: 7 }); // Besides the one without PUBREL.
  await peer.expectFarewell(0x93);
  assertEquals((await client.closed)?.message.includes("more than 2 messages"), true);
});

Deno.test("PUBREL for a message that is not known is answered with 0x92", async () => {
  const pair: Pair = await connectedPair({ version: 5 });
  await pair.peer.ack("pubrel", 7);
  const { packetId, reasonCode } = await pair.peer.expect("pubcomp");
  assertEquals([packetId, reasonCode], [7, 0x92]);
  await end(pair);
});

Deno.test("a message's payload is a copy, whatever comes after it", async () => {
  const { subscription, ...pair } = await subscribed("a");
  await sendPublish5(pair.peer, { topic: "a", payload: new TextEncoder().encode("one") });
  const message = (await subscription.next()).value!;
  await sendPublish5(pair.peer, { topic: "a", payload: new TextEncoder().encode("two") });
  await subscription.next();
  assertEquals(textOf(message.payload), "one");
  await end(pair);
});
