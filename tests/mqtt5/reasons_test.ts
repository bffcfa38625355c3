import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Packet } from "../../broker/packet/mod.ts";
import { encode } from "../../broker/packet/mod.ts";
import type { ConnectOptions, RawClient } from "../support/raw_client.ts";
import { identityOf, startBroker, type TestBroker } from "../support/start_broker.ts";
import { connect5, expectDisconnect, open5, sendConnect5, sendPublish5 } from "./support.ts";

const SECRET = "rule-7-of-the-secret-list";

/** A broker with a right that nobody has, and room for one retained message. */
function start(): TestBroker {
  const can = (action: string, topic: string) => !topic.startsWith("secret") && action !== SECRET;
  return startBroker({
    limits: { retainedMax: 1, subscriptionsPerSessionMax: 2, clientIdBytesMax: 20, sessionsMax: 3 },
    authenticators: [{
      name: SECRET,
      authenticate: ({ username }) =>
        username === "stranger"
          ? { granted: false, reason: "not-authorized" }
          : { granted: true, identity: identityOf("x", can) },
    }],
  });
}

async function nextReason(
  client: RawClient,
): Promise<[type: string, codes: number[], reason: string | undefined]> {
  const packet: Packet | undefined = await client.receive();
  assert(packet !== undefined, "The connection ended");
  const { type } = packet;
  if (type === "suback" || type === "unsuback") return [type, [...packet.reasonCodes], packet.reasonString];
  assert(type === "puback" || type === "pubrec" || type === "connack" || type === "disconnect", type);
  return [type, [packet.reasonCode], packet.reasonString];
}

/** Each of them does what is refused. */
const REFUSED: readonly (readonly [
  what: string,
  act: (client: RawClient) => void,
  type: string,
  codes: readonly number[],
  reason: RegExp,
])[] = [
  [
    "[MQTT5-3.4.2-2] a denied publish at QoS 1",
    (client) => sendPublish5(client, "secret/a", "x", { qos: 1 }),
    "puback",
    [0x87],
    /^Cannot publish: your rights do not allow it/,
  ],
  [
    "[MQTT5-3.5.2-2] a denied publish at QoS 2",
    (client) => sendPublish5(client, "secret/a", "x", { qos: 2 }),
    "pubrec",
    [0x87],
    /^Cannot publish: your rights do not allow it/,
  ],
  [
    "[MQTT5-3.4.2-2] a publish to a topic of the broker's",
    (client) => sendPublish5(client, "$SYS/a", "x", { qos: 1 }),
    "puback",
    [0x87],
    /begin with \$/,
  ],
  [
    "[MQTT5-3.4.2-2] one retained message too many",
    (client) => {
      sendPublish5(client, "a", "x", { retain: true });
      sendPublish5(client, "b", "x", { qos: 1, retain: true });
    },
    "puback",
    [0x97],
    /holds no more/,
  ],
  [
    "[MQTT5-3.9.2-1] a denied and an invalid filter, of which the first is explained",
    (client) =>
      client.send({
        type: "subscribe",
        packetId: 9,
        requests: [{ filter: "a", qos: 0 }, { filter: "secret/#", qos: 0 }, { filter: "a#", qos: 0 }],
      }),
    "suback",
    [0, 0x87, 0x8f],
    /^Cannot subscribe: your rights do not allow it/,
  ],
  [
    "[MQTT5-3.9.2-1] an invalid filter",
    (client) => client.send({ type: "subscribe", packetId: 9, requests: [{ filter: "a#", qos: 0 }] }),
    "suback",
    [0x8f],
    /^Cannot use filter "a#": # must fill a whole level$/,
  ],
  [
    "[MQTT5-3.9.2-1] a subscription too many",
    (client) =>
      client.send({
        type: "subscribe",
        packetId: 9,
        requests: ["a", "b", "c"].map((filter) => ({ filter, qos: 1 as const })),
      }),
    "suback",
    [1, 1, 0x97],
    /too many subscriptions/,
  ],
];

for (const [what, act, type, codes, reason] of REFUSED) {
  Deno.test(`${what} is told why, and nothing of whose rule it was`, async () => {
    await using test = start();
    const client = await connect5(test);
    act(client);
    const [answer, answered, said] = await nextReason(client);
    assertEquals([answer, answered], [type, codes]);
    assertMatch(said ?? "", reason);
    assert(!said?.includes(SECRET));
  });

  Deno.test(`[MQTT5-3.1.2-29] [MQTT5-3.1.2-24] ${what} hears only the code if it asks for that or has no room`, async () => {
    const wishes: ConnectOptions[] = [{ requestProblemInformation: false }, { packetBytesMax: 20 }];
    for (const wish of wishes) {
      await using test = start();
      const client = await connect5(test, wish);
      act(client);
      assertEquals(await nextReason(client), [type, [...codes], undefined]);
    }
  });
}

Deno.test("[MQTT5-3.4.2-2] a reason string is there if the packet with it is exactly as large as the client takes", async () => {
  await using test = start();
  const reasonString = "Cannot publish: your rights do not allow it on this topic";
  const { length } = encode({ type: "puback", packetId: 1, reasonCode: 0x87, reasonString }, 5);
  for (const [packetBytesMax, said] of [[length, reasonString], [length - 1, undefined]] as const) {
    const client = await connect5(test, { packetBytesMax });
    sendPublish5(client, "secret", "x", { qos: 1 });
    assertEquals(await nextReason(client), ["puback", [0x87], said]);
    client.cut();
    await test.settle();
  }
});

Deno.test("[MQTT5-3.2.2-19] a refused CONNECT is told why, as far as it has room and wants to know", async () => {
  const refused:
    readonly (readonly [options: Parameters<typeof sendConnect5>[1], code: number, reason: RegExp])[] = [
      [{ clientId: "x".repeat(21) }, 0x85, /of 21 bytes: at most 20/],
      [{ username: "stranger" }, 0x87, /^Not authorized$/],
      [{ will: { topic: "secret" } }, 0x87, /^Will refused: .*rights/],
      [{ will: { topic: "$x" } }, 0x87, /^Will refused: .*begin with \$/],
      [{ will: { topic: "a/#" } }, 0x90, /wildcards/],
      [{ will: { topic: "a", properties: { responseTopic: "+" } } }, 0x90, /wildcards/],
      [{ authenticationMethod: "x" }, 0x8c, /^Bad authentication method$/],
    ];
  for (const [options, code, reason] of refused) {
    await using test = start();
    const client = sendConnect5(test, options);
    const [type, codes, said] = await nextReason(client);
    assertEquals([type, codes], ["connack", [code]]);
    assertMatch(said ?? "", reason);
    await client.expectClosed();
    for (const wish of [{ requestProblemInformation: false }, { packetBytesMax: 5 }]) {
      const other = sendConnect5(test, { ...options, ...wish });
      assertEquals(await nextReason(other), ["connack", [code], undefined]);
      await other.expectClosed();
    }
  }
});

Deno.test("[MQTT5-3.2.2-19] one session too many is told so", async () => {
  await using test = start();
  for (let count = 0; count < 3; count++) await connect5(test);
  const client = sendConnect5(test);
  assertEquals(await nextReason(client), ["connack", [0x88], "There are too many sessions"]);
  await client.expectClosed();
});

Deno.test("[MQTT5-3.1.2-24] whoever takes no CONNACK is refused with 0x95, or without a word, before it takes over", async () => {
  await using test = start();
  const first = await connect5(test, { clientId: "c" });
  const { connack } = await open5(test, { clientId: "d", packetBytesMax: 16 });
  assertEquals(connack.packetBytesMax, test.broker.limits.packetBytesMax, "16 bytes are all of it");
  for (const packetBytesMax of [5, 15]) {
    const client = sendConnect5(test, { clientId: "c", packetBytesMax });
    assertEquals(await nextReason(client), ["connack", [0x95], undefined]);
    await client.expectClosed();
  }
  const silent = sendConnect5(test, { clientId: "c", packetBytesMax: 4 });
  await silent.expectClosed();
  await first.ping();
});

Deno.test("[MQTT5-3.1.2-24] a SUBACK that is larger than the client takes ends the connection with 0x95", async () => {
  await using test = startBroker();
  const client = await connect5(test, { packetBytesMax: 20 });
  assertEquals((await client.subscribe(...filters(15))).length, 15);
  client.send({
    type: "subscribe",
    packetId: 9,
    requests: filters(16).map(([filter, qos]) => ({ filter, qos })),
  });
  assertEquals(await expectDisconnect(client, 0x95), undefined);
  assertEquals(test.broker.counters.closes["answer-too-large"], 1);
});

function filters(count: number): [filter: string, qos: 0][] {
  return Array.from({ length: count }, (_, index) => [`${index}`, 0]);
}

Deno.test("a reason that quotes a long filter is cut short, between two characters", async () => {
  await using test = startBroker();
  for (const pad of ["", "x"]) {
    const client = await connect5(test);
    const filter = `$share/g/${pad}${"\u{1f600}".repeat(16_000)}`;
    client.send({ type: "subscribe", packetId: 9, requests: [{ filter, qos: 0, noLocal: true }] });
    const reason = await expectDisconnect(client, 0x82);
    assertMatch(reason ?? "", /^Cannot accept No Local.*…$/su);
    assert(!reason!.includes("\ufffd"), "Half a character became another one");
    assert(reason!.length <= 257, `${reason!.length}`);
  }
});

Deno.test("what is taken is acknowledged in four bytes, without a word", async () => {
  await using test = startBroker();
  const client = await connect5(test);
  await client.subscribe(["a", 0]);
  client.sendHex("32 06 00 01 'a' 00 05 00");
  await client.expectHex("30 04 00 01 'a' 00", "40 02 00 05");
});

Deno.test("propertiesMax 2, propertiesBytesMax 21: properties beyond end the connection with 0x97, and are counted", async () => {
  await using test = startBroker({ limits: { propertiesMax: 2, propertiesBytesMax: 21 } });
  const pair = ["n", "v"] as const;
  const client = await connect5(test);
  await client.subscribe(["a", 0]);
  sendPublish5(client, "a", "fits", { properties: { userProperties: [pair, pair] } });
  await client.receivePublish();
  sendPublish5(client, "a", "many", { properties: { userProperties: [pair, pair, pair] } });
  assertEquals(await expectDisconnect(client, 0x97), "Cannot accept 3 properties: at most 2 are allowed");
  const other = await connect5(test);
  // 17 characters are 20 bytes.
  for (const length of [17, 18]) {
    sendPublish5(other, "a", `${length} fit`, { properties: { contentType: "x".repeat(length) } });
    await other.ping();
  }
  sendPublish5(other, "a", "19 are not", { properties: { contentType: "x".repeat(19) } });
  assertMatch(await expectDisconnect(other, 0x97) ?? "", /22 bytes of properties: at most 21/);
  assertEquals(test.broker.counters.closes["too-many-properties"], 2);
});
