import { assert, assertEquals } from "@std/assert";
import { createBridge } from "../../bridge/mod.ts";
import type { MessageProperties, PublishPacket } from "../../broker/packet/mod.ts";
import type { RawClient } from "../support/raw_client.ts";
import { startBroker, type TestBroker } from "../support/start_broker.ts";
import { within } from "../support/eventually.ts";
import { connect5, expectCode, LASTING, sendPublish5, textOf } from "./support.ts";

const FULL: MessageProperties = {
  payloadIsText: true,
  contentType: "text/plain; x=ä",
  responseTopic: "reply/ß/1",
  correlationData: new Uint8Array([0, 0xff, 0x0a, 0]),
  userProperties: [["b", "1"], ["a", "2"], ["b", "1"], ["", ""], ["ü", "\u{feff}x"], ["b", "0"]],
};

const TAGS =
  "[MQTT5-3.3.2-4] [MQTT5-3.3.2-15] [MQTT5-3.3.2-16] [MQTT5-3.3.2-17] [MQTT5-3.3.2-18] [MQTT5-3.3.2-20]";

async function expectProperties(
  client: RawClient,
  payload: string,
  properties: MessageProperties | undefined,
): Promise<PublishPacket> {
  const packet = await client.receivePublish();
  assertEquals(textOf(packet), payload);
  assertEquals(packet.properties, properties);
  return packet;
}

/** Publishes at QoS 1 and takes whatever success is answered. */
async function publish5(
  client: RawClient,
  topic: string,
  payload: string,
  properties: MessageProperties,
  { retain = false, code = 0 } = {},
): Promise<void> {
  const packetId = sendPublish5(client, topic, payload, { qos: 1, retain, properties });
  await expectCode(client, "puback", packetId, code);
}

/** What the broker still holds for others must not depend on the bytes that came in: later traffic reuses nothing of it. */
async function makeNoise(test: TestBroker): Promise<void> {
  const client = await test.connect();
  for (let n = 0; n < 50; n++) client.sendPublish("noise", "#".repeat(200));
  await client.ping();
}

for (const qos of [0, 1, 2] as const) {
  Deno.test(`${TAGS} all properties arrive as they were published, live, QoS ${qos}`, async () => {
    await using test = startBroker();
    const publisher = await connect5(test);
    const subscriber = await connect5(test, { topicAliasMax: 3 });
    const old = await test.connect();
    await subscriber.subscribe(["a", qos]);
    await old.subscribe(["a", qos]);
    const packetId = sendPublish5(publisher, "a", "x", { qos: 2, properties: FULL, topicAlias: 1 });
    await expectCode(publisher, "pubrec", packetId, 0);
    const packet = await expectProperties(subscriber, "x", FULL);
    assertEquals(packet.qos, qos);
    await old.expectPublish({ topic: "a", payload: "x", qos }); // 3.1.1 gets the same without them.
  });
}

Deno.test(`${TAGS} all properties survive the queue of a session and a second delivery`, async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  let subscriber = await connect5(test, { ...LASTING, clientId: "s" });
  let old = await test.connect({ clientId: "old", cleanStart: false });
  for (const client of [subscriber, old]) {
    await client.subscribe(["a", 1]);
    await client.ping();
    client.cut();
  }
  await publish5(publisher, "a", "x", FULL);
  await makeNoise(test);
  for (const dup of [false, true]) {
    subscriber = await connect5(test, { ...LASTING, clientId: "s" });
    const packet = await expectProperties(subscriber, "x", FULL);
    assertEquals(packet.dup, dup);
    subscriber.cut();
    old = await test.connect({ clientId: "old", cleanStart: false });
    await old.expectPublish({ topic: "a", payload: "x", qos: 1, dup });
    old.cut();
  }
});

Deno.test(`${TAGS} all properties survive with a retained message`, async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  await publish5(publisher, "a", "x", FULL, { retain: true, code: 0x10 });
  await makeNoise(test);
  const subscriber = await connect5(test);
  await subscriber.subscribe(["a", 0]);
  assert((await expectProperties(subscriber, "x", FULL)).retain);
  const old = await test.connect();
  await old.subscribe(["a", 0]);
  await old.expectPublish({ topic: "a", payload: "x", retain: true });
});

Deno.test("a message without properties gets none", async () => {
  await using test = startBroker();
  const subscriber = await connect5(test);
  await subscriber.subscribe(["a", 0]);
  for (const publisher of [await test.connect(), await connect5(test)]) {
    await publisher.publish("a", "x");
    await expectProperties(subscriber, "x", undefined);
  }
});

Deno.test("[MQTT5-3.3.2-4] a Payload Format Indicator of 0 arrives as such", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  const subscriber = await connect5(test);
  await subscriber.subscribe(["a", 0]);
  publisher.sendHex("30 07 00 01 'a' 02 01 00 'x'");
  await publisher.ping();
  const { properties } = await subscriber.receivePublish();
  assertEquals(properties, { payloadIsText: false });
});

Deno.test("[MQTT5-3.3.2-6] the expiry counts down: live, queued and retained", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  const live = await connect5(test);
  await live.subscribe(["a", 0]);
  let away = await connect5(test, { ...LASTING, clientId: "away" });
  await away.subscribe(["a", 1]);
  await away.ping();
  away.cut();
  const properties = { ...FULL, expirySeconds: 60 };
  await publish5(publisher, "a", "x", properties, { retain: true });
  await expectProperties(live, "x", properties);
  test.clock.advance(20_000);
  away = await connect5(test, { ...LASTING, clientId: "away" });
  const first = await expectProperties(away, "x", { ...FULL, expirySeconds: 40 });
  assertEquals(first.dup, false);
  away.cut();
  test.clock.advance(10_000);
  away = await connect5(test, { ...LASTING, clientId: "away" });
  await expectProperties(away, "x", { ...FULL, expirySeconds: 30 });
  const late = await connect5(test, { topicAliasMax: 1 });
  await late.subscribe(["a", 1]);
  await expectProperties(late, "x", { ...FULL, expirySeconds: 30 });
  test.clock.advance(29_500);
  const last = await connect5(test);
  await last.subscribe(["a", 0]);
  await expectProperties(last, "x", { ...FULL, expirySeconds: 1 });
});

Deno.test("[MQTT5-3.3.2-5] what expired while it waited is not delivered: queue, window and retained", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  const subscriber = await connect5(test, { receiveMaximum: 1 });
  await subscriber.subscribe(["a", 1]);
  let away = await connect5(test, { ...LASTING, clientId: "away" });
  await away.subscribe(["a", 1]);
  await away.ping();
  away.cut();
  await publisher.publish("a", "keeps", { qos: 1 });
  await publish5(publisher, "a", "expires", { expirySeconds: 10 }, { retain: true });
  await publisher.publish("a", "last", { qos: 1 });
  const packetId = await subscriber.expectPublish({ topic: "a", payload: "keeps", qos: 1 });
  test.clock.advance(10_000);
  subscriber.sendAck("puback", packetId);
  await subscriber.takePublish({ topic: "a", payload: "last", qos: 1 });
  await subscriber.expectNothing();
  away = await connect5(test, { ...LASTING, clientId: "away" });
  await away.takePublish({ topic: "a", payload: "keeps", qos: 1 });
  await away.takePublish({ topic: "a", payload: "last", qos: 1 });
  await away.expectNothing();
  for (const late of [await connect5(test), await test.connect()]) {
    await late.subscribe(["a", 1]);
    await late.expectNothing();
  }
  assertEquals(test.broker.counters.deliveries["dropped:expired"], 2);
});

Deno.test("[MQTT5-4.3.3-13] a QoS 2 flow ends as usual though its message expired", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  const packetId = sendPublish5(publisher, "a", "x", { qos: 2, properties: { expirySeconds: 1 } });
  await expectCode(publisher, "pubrec", packetId, 0x10);
  test.clock.advance(5_000);
  publisher.sendAck("pubrel", packetId);
  await publisher.expectAck("pubcomp", packetId);
});

Deno.test(`${TAGS} HTTP to MQTT 5.0 and back to HTTP`, async () => {
  await using test = startBroker();
  const bridge = createBridge(test.broker, { random: () => 0.5 });
  try {
    const subscriber = await connect5(test);
    await subscriber.subscribe(["#", 1]);
    const pairs: [string, string][] = [["b", "1"], ["a", "2"], ["b", "1"], ["ü", ","], ["b", "0"]];
    const query =
      "qos=1&retain=1&expiry=60&content_type=text%2Fplain&pfi=1&response_topic=re%2Fply&correlation=AAEC" +
      pairs.map(([name, value]) => `&user.${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join(
        "",
      );
    const posted = await fetchOf(bridge, `/topics/in?${query}`, { method: "POST", body: "x" });
    assertEquals([posted.status, (await posted.json()).matched], [200, 1]);
    const received = await subscriber.receivePublish();
    assertEquals(received.properties, {
      expirySeconds: 60,
      contentType: "text/plain",
      payloadIsText: true,
      responseTopic: "re/ply",
      correlationData: new Uint8Array([0, 1, 2]),
      userProperties: pairs,
    });
    subscriber.sendAck("puback", received.packetId);
    // Back, as it came.
    const sent = { qos: 1, retain: true, properties: received.properties! } as const;
    const packetId = sendPublish5(subscriber, "out", "x", sent);
    await subscriber.expectPublish({ topic: "out", payload: "x", qos: 1 });
    await expectCode(subscriber, "puback", packetId, 0);
    test.clock.advance(10_000);
    for (const topic of ["in", "out"]) {
      const got = await fetchOf(bridge, `/topics/${topic}`);
      assertEquals([got.status, await got.text()], [200, "x"]);
      const names = [
        "content-type",
        "mqtt-qos",
        "mqtt-message-expiry",
        "mqtt-payload-format-indicator",
        "mqtt-response-topic",
        "mqtt-correlation-data",
        "mqtt-user-property",
      ];
      assertEquals(names.map((name) => got.headers.get(name)), [
        "text/plain",
        "1",
        "50",
        "1",
        "re%2Fply",
        "AAEC",
        "b=1, a=2, b=1, %C3%BC=%2C, b=0",
      ]);
      const envelope = await (await fetchOf(bridge, `/topics/${topic}?format=json`)).json();
      assertEquals([envelope.user, envelope.expiry, envelope.correlation], [pairs, 50, "AAEC"]);
    }
  } finally {
    await bridge.close();
  }
});

function fetchOf(
  bridge: ReturnType<typeof createBridge>,
  path: string,
  init?: RequestInit,
): Promise<Response> {
  return within(bridge.fetch(new Request(`http://localhost${path}`, init)), () => `no answer to ${path}`);
}
