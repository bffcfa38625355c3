import { assert, assertEquals } from "@std/assert";
import { open5 as open, subscribe5 } from "./support.ts";
import type { RawClient } from "../support/raw_client.ts";
import { startBroker } from "../support/start_broker.ts";
import {
  connect5,
  expectCode,
  expectDisconnect,
  expectRefused,
  LASTING,
  open5,
  sendConnect5,
  sendPublish5,
} from "./support.ts";

/** The reason string of the next packet, which must be of this type and have this reason code. */
async function reasonOf(
  client: RawClient,
  type: "puback" | "pubrec" | "connack",
  reasonCode: number,
): Promise<string | undefined> {
  const packet = await client.receive();
  assert(packet?.type === type, `Expected ${type}, received ${packet?.type}`);
  assertEquals(packet.reasonCode, reasonCode);
  return packet.reasonString;
}

Deno.test("a broker with everything says nothing of its features in CONNACK", async () => {
  await using test = startBroker();
  const client = test.open();
  client.sendHex("10 0e 00 04 'MQTT' 05 02 00 00 00 00 01 'c'");
  // Receive Maximum 10,000, Topic Alias Maximum 10, Maximum Packet Size 1 MiB, and no more.
  await client.expectHex("20 0e 00 00 0b 21 27 10 22 00 0a 27 00 10 00 00");
});

for (const maximum of [0, 1] as const) {
  Deno.test(`[MQTT5-3.2.2-9] [MQTT5-3.2.2-11] Maximum QoS ${maximum} is said, and a publish above it ends with 0x9B`, async () => {
    await using test = startBroker({ features: { maximumQos: maximum } });
    const watcher = await connect5(test);
    assertEquals(await watcher.subscribe(["a", 0], ["b", 1], ["c", 2]), [0, maximum, maximum]); // [MQTT5-3.2.2-10]
    for (let qos = 1; qos <= 2; qos++) {
      const { client, connack } = await open5(test);
      assertEquals(connack.qosMax, maximum);
      sendPublish5(client, "c", "x", { qos: qos as 1 | 2 });
      if (qos <= maximum) {
        await expectCode(client, "puback", 1, 0);
        await watcher.takePublish({ topic: "c", payload: "x", qos: 1 });
        continue;
      }
      const reason = await expectDisconnect(client, 0x9b);
      assert(reason?.includes("Maximum QoS"), reason);
    }
    await watcher.expectNothing();
    assertEquals(test.broker.counters.refusals["qos-not-supported"], 2 - maximum);
  });
}

Deno.test("[MQTT5-3.2.2-12] a will above Maximum QoS is refused with 0x9B, one at it is not", async () => {
  await using test = startBroker({ features: { maximumQos: 1 } });
  const refused = sendConnect5(test, { will: { topic: "will", qos: 2 } });
  const reason = await reasonOf(refused, "connack", 0x9b);
  assert(reason?.startsWith("Will refused"), reason);
  await refused.expectClosed();
  await connect5(test, { will: { topic: "will", qos: 1 } });
});

Deno.test("[MQTT5-3.2.2-13] [MQTT5-3.2.2-14] without retained messages RETAIN ends with 0x9A, in a will too", async () => {
  await using test = startBroker({ features: { retainAvailable: false } });
  const { client, connack } = await open5(test);
  assertEquals(connack.retainAvailable, false);
  sendPublish5(client, "a", "x", { retain: true });
  await expectDisconnect(client, 0x9a);
  await expectRefused(sendConnect5(test, { will: { topic: "will", retain: true } }), 0x9a);
  const late = await connect5(test, { will: { topic: "will" } });
  await late.subscribe(["#", 0]);
  await late.expectNothing();
  assertEquals(test.broker.retained.size, 0);
});

Deno.test("what a store still has retained is not given out when retained messages are switched off", async () => {
  const features = { retainAvailable: true };
  await using test = startBroker({ features });
  await (await connect5(test)).publish("a", "old", { retain: true });
  (test.broker.features as { retainAvailable: boolean }).retainAvailable = false;
  const late = await connect5(test);
  await late.subscribe(["a", 0]);
  await late.expectNothing();
});

Deno.test("a QoS 2 message that breaks a restriction does not keep its packet identifier", async () => {
  await using test = startBroker({ features: { retainAvailable: false } });
  let client = await connect5(test, { ...LASTING, clientId: "c" });
  sendPublish5(client, "a", "x", { qos: 2, packetId: 7, retain: true });
  await expectDisconnect(client, 0x9a);
  client = await connect5(test, { ...LASTING, clientId: "c" });
  await client.subscribe(["a", 0]);
  sendPublish5(client, "a", "x", { qos: 2, packetId: 7 });
  await client.expectPublish({ topic: "a", payload: "x" });
  await expectCode(client, "pubrec", 7, 0);
});

const FILTERS: readonly (readonly [
  feature: "wildcardSubscriptionsAvailable" | "sharedSubscriptionsAvailable",
  filters: readonly string[],
  code: number,
  stillThere: string,
])[] = [
  ["wildcardSubscriptionsAvailable", ["a/#", "+", "#", "$share/g/a/+"], 0xa2, "$share/g/a"],
  ["sharedSubscriptionsAvailable", ["$share/g/a", "$share/g/#"], 0x9e, "#"],
];
for (const [feature, filters, code, stillThere] of FILTERS) {
  Deno.test(`[MQTT5 3.2.2.3] without ${feature} such a filter ends with 0x${code.toString(16)}`, async () => {
    await using test = startBroker({ features: { [feature]: false } });
    for (const filter of filters) {
      const { client, connack } = await open5(test, { ...LASTING, clientId: "c" });
      assertEquals(connack[feature], false);
      client.send({
        type: "subscribe",
        packetId: 1,
        requests: [{ filter: "plain", qos: 0 }, { filter, qos: 0 }],
      });
      await expectDisconnect(client, code);
    }
    assertEquals(test.broker.subscriptionCount, 0, "Nothing of the packet was taken");
    assertEquals(await (await connect5(test)).subscribe([stillThere, 1]), [1]);
  });
}

Deno.test("[MQTT5 3.2.2.3.12] without subscription identifiers one ends with 0xA1", async () => {
  await using test = startBroker({ features: { subscriptionIdentifiersAvailable: false } });
  const { client, connack } = await open5(test);
  assertEquals(connack.subscriptionIdsAvailable, false);
  assertEquals(await client.subscribe(["a", 0]), [0]);
  client.send({ type: "subscribe", packetId: 9, requests: [{ filter: "b", qos: 0 }], subscriptionId: 5 });
  await expectDisconnect(client, 0xa1);
});

Deno.test("[MQTT5-3.2.2-21] Server Keep Alive is said to who wants none or a longer one, and kept", async () => {
  await using test = startBroker({ features: { keepAliveSecondsMax: 10 } });
  const ends: [asked: number, said: number | undefined][] = [[0, 10], [11, 10], [10, undefined], [
    9,
    undefined,
  ]];
  for (const [keepAliveSeconds, said] of ends) {
    const { client, connack } = await open5(test, { keepAliveSeconds });
    assertEquals(connack.serverKeepAliveSeconds, said);
    test.clock.advance((said ?? keepAliveSeconds) * 1500);
    await client.ping();
    test.clock.advance((said ?? keepAliveSeconds) * 1500 + 1000);
    await expectDisconnect(client, 0x8d);
  }
  assertEquals(test.broker.counters.closes["keep-alive-timeout"], 4);
});

const NOT_UTF8 = "c3 28";
const TEXT = "02 01 01"; // Payload Format Indicator 1

Deno.test("[MQTT5 3.3.2.3.2] a payload that is no text, and says it is, is answered with 0x99", async () => {
  await using test = startBroker({ features: { checkPayloadFormat: true } });
  const watcher = await connect5(test);
  await watcher.subscribe(["a", 2]);
  const client = await connect5(test);
  client.sendHex(`32 0a 00 01 'a' 00 05 ${TEXT} ${NOT_UTF8}`);
  assertEquals(await reasonOf(client, "puback", 0x99), "Cannot take the payload as text: it is not UTF-8");
  client.sendHex(`34 0a 00 01 'a' 00 06 ${TEXT} ${NOT_UTF8}`);
  assertEquals(await reasonOf(client, "pubrec", 0x99), "Cannot take the payload as text: it is not UTF-8");
  client.sendHex("34 0a 00 01 'a' 00 06", TEXT, "'é'"); // The identifier is free again. [MQTT5-4.3.3-9]
  await expectCode(client, "pubrec", 6, 0);
  client.sendHex(`30 08 00 01 'a' 02 01 00 ${NOT_UTF8}`); // "Unspecified bytes" is what they are.
  client.sendHex(`30 06 00 01 'a' 00 ${NOT_UTF8}`);
  client.sendHex(`30 08 00 01 'a' ${TEXT} ${NOT_UTF8}`);
  await expectDisconnect(client, 0x99);
  for (let count = 0; count < 3; count++) await watcher.receivePublish();
  await watcher.expectNothing();
  assertEquals(test.broker.counters.refusals["payload-not-text"], 3);
});

Deno.test("[MQTT5 3.3.2.3.2] a will that is no text, and says it is, is refused with 0x99", async () => {
  const connect = `10 18 00 04 'MQTT' 05 06 00 00 00 00 01 'c' ${TEXT} 00 01 'w' 00 02 ${NOT_UTF8}`;
  for (const [checkPayloadFormat, code] of [[true, 0x99], [false, 0]] as const) {
    await using test = startBroker({ features: { checkPayloadFormat } });
    const client = test.open();
    client.version = 5;
    client.sendHex(connect);
    await reasonOf(client, "connack", code);
  }
});

Deno.test("[MQTT5 3.3.2.3.2] without the option nobody looks at payloads", async () => {
  await using test = startBroker();
  const client = await connect5(test);
  await client.subscribe(["a", 0]);
  client.sendHex(`30 08 00 01 'a' ${TEXT} ${NOT_UTF8}`);
  assertEquals((await client.receivePublish()).payload, new Uint8Array([0xc3, 0x28]));
});

async function responseInformation(
  template: string,
  clientId: string,
  { requestResponseInformation = true, packetBytesMax = 1_000 } = {},
): Promise<string | undefined> {
  await using test = startBroker({ features: { responseInformation: template } });
  const { connack } = await open(test, { clientId, requestResponseInformation, packetBytesMax });
  assertEquals(connack.assignedClientId === undefined, clientId !== "");
  return connack.responseInformation?.replace(connack.assignedClientId ?? "\0", "<assigned>");
}

Deno.test("[MQTT5-3.1.2-28] Response Information is said to who asks, with the client's identifier in it", async () => {
  assertEquals(await responseInformation("reply/%c", "sensor-7"), "reply/sensor-7");
  assertEquals(await responseInformation("%c/of/%c", "$&"), undefined, "A topic of the broker's");
  assertEquals(await responseInformation("of/%c/%c", "$&"), "of/$&/$&");
  assertEquals(await responseInformation("reply/%c", ""), "reply/<assigned>");
  assertEquals(await responseInformation("reply", "a/b"), "reply");
  assertEquals(
    await responseInformation("reply/%c", "sensor-7", { requestResponseInformation: false }),
    undefined,
  );
  assertEquals(await responseInformation("", "sensor-7"), undefined);
});

Deno.test("no client gets Response Information that reaches into the replies of others", async () => {
  for (const clientId of ["#", "+", "a/b", "/", "a+"]) {
    assertEquals(await responseInformation("reply/%c", clientId), undefined, clientId);
  }
  assertEquals(
    await responseInformation("%c".repeat(100), "x".repeat(1_000)),
    undefined,
    "No topic is that long",
  );
});

Deno.test("Response Information that does not fit the client's packets is left out", async () => {
  const template = `reply/${"x".repeat(100)}`;
  assertEquals(await responseInformation(template, "c", { packetBytesMax: 125 }), template);
  assertEquals(await responseInformation(template, "c", { packetBytesMax: 124 }), undefined);
});

Deno.test("subscription options are what they were where nothing is restricted", async () => {
  await using test = startBroker();
  const { client } = await open(test);
  assertEquals(await subscribe5(client, [{ filter: "$share/g/+", qos: 2 }, { filter: "#", qos: 2 }], 3), [
    2,
    2,
  ]);
});
