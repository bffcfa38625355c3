import { assert, assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { Random } from "../topic/random_names.ts";
import { CuttingProxy } from "./support/cutting_proxy.ts";
import { connectJs, JsClient } from "./support/mqttjs.ts";
import { OpenBroker } from "./support/start_mqtt.ts";
import { TOOL_PATIENCE_MS } from "./support/tool_process.ts";

const QOS = [0, 1, 2] as const;
/** At level 5 a session that is to be kept says for how long. */
const VERSIONS = [
  { protocolVersion: 5, properties: { sessionExpiryInterval: 3_600 } },
  { protocolVersion: 4 },
  { protocolVersion: 3, protocolId: "MQIsdp" },
] as const;
const FLOOD_COUNT = 5_000;
const CUT_COUNT = 10;

for (const version of VERSIONS) {
  const name = `MQTT.js at level ${version.protocolVersion}`;

  Deno.test(`${name} publishes and receives at every QoS`, async () => {
    await using broker = new OpenBroker();
    await using sender = await connectJs(broker, version);
    for (const granted of QOS) {
      await using receiver = await connectJs(broker, version);
      const answers = await receiver.mqtt.subscribeAsync(`q${granted}/+`, { qos: granted });
      assertEquals(answers.map(({ qos }) => qos), [granted]);
      for (const qos of QOS) await sender.mqtt.publishAsync(`q${granted}/${qos}`, `sent at ${qos}`, { qos });
      const expected = QOS.map((qos) => ({
        topic: `q${granted}/${qos}`,
        payload: `sent at ${qos}`,
        qos: Math.min(qos, granted),
        retain: false,
        dup: false,
      }));
      await receiver.receives(3);
      // MQTT.js shows a message of QoS 2 after its PUBREL, so it may come later than one that was sent after it.
      assertEquals(receiver.received.toSorted((a, b) => a.topic < b.topic ? -1 : 1), expected);
    }
  });

  Deno.test(`${name} comes back to its session: subscriptions and what waited`, async () => {
    await using broker = new OpenBroker();
    await using sender = await connectJs(broker);
    const options = { ...version, clientId: "returning", clean: false };
    {
      await using first = await connectJs(broker, options);
      await first.mqtt.subscribeAsync({ "kept/0": { qos: 0 }, "kept/1": { qos: 1 }, "kept/2": { qos: 2 } });
      await first.mqtt.endAsync();
    }
    for (let index = 0; index < 1_000; index++) {
      sender.mqtt.publish("kept/0", `${index}`, { qos: 2 });
      sender.mqtt.publish("kept/1", `${index}`, { qos: 1 });
      sender.mqtt.publish("kept/2", `${index}`, { qos: 2 });
    }
    await sender.mqtt.publishAsync("end", "", { qos: 2 });
    await using second = await connectJs(broker, options);
    await second.receives(2_000);
    await second.settle();
    const numbers = Array.from({ length: 1_000 }, (_, index) => `${index}`);
    for (const [topic, expected] of [["kept/0", []], ["kept/1", numbers], ["kept/2", numbers]] as const) {
      const payloads = second.received.filter((message) => message.topic === topic)
        .map(({ payload }) => payload);
      assertEquals(payloads, [...expected], topic);
    }
    // MQTT 3.1 has no "session present".
    assertEquals(second.sessionsPresent, [version.protocolVersion > 3]);
  });
}

Deno.test("MQTT.js receives what was retained with its flag, and live messages without", async () => {
  await using broker = new OpenBroker();
  await using client = await connectJs(broker);
  const retain = { qos: 1, retain: true } as const;
  await client.mqtt.publishAsync("lamp/kept", "on", retain);
  await client.mqtt.publishAsync("lamp/cleared", "on", retain);
  await client.mqtt.publishAsync("lamp/cleared", "", retain);
  await client.mqtt.subscribeAsync("lamp/+", { qos: 2 });
  await client.mqtt.publishAsync("lamp/kept", "off", retain);
  await client.receives(2);
  // To subscribe again is to be sent it again.
  await client.mqtt.subscribeAsync("lamp/+", { qos: 0 });
  await client.receives(3);
  await client.settle();
  assertEquals(client.received.map(({ topic, payload, qos, retain }) => [topic, payload, qos, retain]), [
    ["lamp/kept", "on", 1, true],
    ["lamp/kept", "off", 1, false],
    ["lamp/kept", "off", 0, true],
  ]);
});

Deno.test("the will of MQTT.js is published when its connection is cut and not when it ends", async () => {
  await using broker = new OpenBroker();
  await using witness = await connectJs(broker);
  await witness.mqtt.subscribeAsync("will/#", { qos: 2 });
  const will = (name: string) => ({
    will: {
      topic: `will/${name}`,
      payload: new TextEncoder().encode(`${name} is gone`),
      qos: 1,
      retain: true,
    },
  } as const);
  await using polite = await connectJs(broker, will("polite") as never);
  await using cut = await connectJs(broker, will("cut") as never);
  await polite.mqtt.endAsync();
  cut.cut();
  await witness.receives(1);
  await broker.connected(1);
  await witness.settle();
  assertEquals(witness.received.map(({ topic, payload, qos }) => [topic, payload, qos]), [
    ["will/cut", "cut is gone", 1],
  ]);
  assertEquals(broker.broker.retained.size, 1);
});

Deno.test("after MQTT.js unsubscribed nothing comes any more", async () => {
  await using broker = new OpenBroker();
  await using client = await connectJs(broker);
  await client.mqtt.subscribeAsync(["a", "b", "c/#"], { qos: 1 });
  await client.mqtt.unsubscribeAsync(["a", "c/#", "never/subscribed"]);
  for (const topic of ["a", "c", "c/d", "b"]) await client.mqtt.publishAsync(topic, "x", { qos: 1 });
  await client.receives(1);
  await client.settle();
  assertEquals(client.received.map(({ topic }) => topic), ["b"]);
});

Deno.test("MQTT.js gets one copy at the highest QoS where its filters overlap", async () => {
  await using broker = new OpenBroker();
  await using client = await connectJs(broker);
  await client.mqtt.subscribeAsync({ "a/#": { qos: 0 }, "a/+": { qos: 2 }, "a/b": { qos: 1 } });
  await client.mqtt.publishAsync("a/b", "once", { qos: 2 });
  await client.receives(1);
  await client.settle();
  assertEquals(client.received.map(({ payload, qos }) => [payload, qos]), [["once", 2]]);
});

Deno.test("a filter that MQTT.js lets through and the broker refuses is told by SUBACK", async () => {
  await using broker = new OpenBroker();
  await using client = await connectJs(broker);
  const { promise, resolve } = Promise.withResolvers<number[]>();
  client.mqtt.on("packetreceive", (packet) => {
    if (packet.cmd === "suback") resolve(packet.granted as number[]);
  });
  client.mqtt.subscribe(["$share/+/a", "ok"], { qos: 1 }, () => {});
  assertEquals(await promise, [0x80, 1]);
});

Deno.test("pings keep a MQTT.js connected that has nothing to say", async () => {
  await using broker = new OpenBroker();
  await using client = await connectJs(broker, { keepalive: 1 });
  let pongs = 0;
  client.mqtt.on("packetreceive", ({ cmd }) => {
    if (cmd === "pingresp") pongs++;
  });
  await eventually(() => assert(pongs >= 3, `${pongs} pongs`), TOOL_PATIENCE_MS);
  assertEquals([client.mqtt.connected, broker.server.connectionCount], [true, 1]);
});

Deno.test("a second MQTT.js of the same name takes over, and the first one's connection is closed", async () => {
  await using broker = new OpenBroker();
  const options = { clientId: "twin", clean: false };
  await using first = await connectJs(broker, options);
  await first.mqtt.subscribeAsync("a", { qos: 1 });
  await using second = await connectJs(broker, options);
  await first.closed();
  assertEquals(second.sessionsPresent, [true]);
  await second.mqtt.publishAsync("a", "for the session", { qos: 1 });
  await second.receives(1);
  assertEquals([first.payloads, second.payloads], [[], ["for the session"]]);
});

Deno.test("MQTT.js that lost its connection comes back by itself and subscribes again", async () => {
  await using broker = new OpenBroker();
  await using client = await connectJs(broker, { clean: true, reconnectPeriod: 20 });
  await client.mqtt.subscribeAsync("küche/温度", { qos: 1 });
  client.cut();
  await broker.subscribed(0);
  await broker.subscribed(1);
  await client.mqtt.publishAsync("küche/温度", "", { qos: 1 });
  await client.receives(1);
  assertEquals(client.received.map(({ topic, payload }) => [topic, payload]), [["küche/温度", ""]]);
  assertEquals(client.sessionsPresent, [false, false]);
});

Deno.test("each MQTT.js without a name is a client of its own", async () => {
  await using broker = new OpenBroker();
  await using first = await connectJs(broker, { clientId: "", clean: true });
  await using second = await connectJs(broker, { clientId: "", clean: true });
  assertEquals([first.mqtt.connected, second.mqtt.connected, broker.broker.sessions.size], [true, true, 2]);
});

for (const qos of QOS) {
  Deno.test(`${FLOOD_COUNT} messages at QoS ${qos} reach MQTT.js in order, each once`, async () => {
    await using broker = new OpenBroker();
    await using sender = await connectJs(broker);
    await using receiver = await connectJs(broker);
    await receiver.mqtt.subscribeAsync("flood", { qos });
    const sent = Array.from({ length: FLOOD_COUNT }, (_, index) => `${index}`);
    for (const payload of sent) sender.mqtt.publish("flood", payload, { qos });
    await receiver.receives(FLOOD_COUNT);
    await receiver.settle();
    assertEquals(receiver.payloads, sent);
  });
}

for (const qos of [1, 2] as const) {
  Deno.test(`flows of QoS ${qos} are finished when MQTT.js reconnects, however they were cut`, async () => {
    await using broker = new OpenBroker();
    await using toSender = new CuttingProxy(broker.mqttPort, new Random(qos));
    await using toReceiver = new CuttingProxy(broker.mqttPort, new Random(qos + 10));
    const options = { clean: false, reconnectPeriod: 20, resubscribe: false };
    await using receiver = new JsClient({ mqttPort: toReceiver.port }, { ...options, clientId: "receiver" });
    await receiver.connected();
    await receiver.mqtt.subscribeAsync("flow", { qos });
    await using sender = new JsClient({ mqttPort: toSender.port }, { ...options, clientId: "sender" });
    await sender.connected();
    toSender.startCutting({ cutCount: CUT_COUNT, bytesMax: 150 });
    toReceiver.startCutting({ cutCount: CUT_COUNT, bytesMax: 400 });
    const accepted: string[] = [];
    broker.broker.observe(({ payload }) => accepted.push(new TextDecoder().decode(payload)));
    const sent = Array.from({ length: 400 }, (_, index) => `${index}`);
    await Promise.all(sent.map((payload) => sender.mqtt.publishAsync("flow", payload, { qos })));
    await eventually(() => assertEquals(new Set(receiver.payloads).size, sent.length), TOOL_PATIENCE_MS);
    assertEquals([toSender.cutCount, toReceiver.cutCount], [CUT_COUNT, CUT_COUNT]);
    // In whichever order MQTT.js sends again what it did not finish: what comes out is in the order that went in.
    if (qos === 1) assertEquals([...new Set(receiver.payloads)], [...new Set(accepted)]);
    else assertEquals(receiver.payloads, accepted);
    if (qos === 2) assertEquals(accepted.toSorted((a, b) => Number(a) - Number(b)), sent);
    assert(receiver.sessionsPresent.includes(true) && sender.sessionsPresent.includes(true));
    await eventually(() => assertEquals(broker.broker.sessions.get("receiver")?.outbound.pendingCount, 0));
  });
}
