import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { connectJs, type JsClient } from "./support/mqttjs.ts";
import { OpenBroker } from "./support/start_mqtt.ts";
import { TOOL_PATIENCE_MS } from "./support/tool_process.ts";

type Options = NonNullable<ConstructorParameters<typeof JsClient>[1]>;

const encoder = new TextEncoder();

function connect(broker: OpenBroker, options: Options = {}): Promise<JsClient> {
  return connectJs(broker, { protocolVersion: 5, ...options });
}

/** A session that outlives its connection by so many seconds. */
function lasting(clientId: string, sessionExpiryInterval: number): Options {
  return { clientId, clean: false, properties: { sessionExpiryInterval } };
}

Deno.test("MQTT.js at level 5 gets every property of a message as it was sent", async () => {
  await using broker = new OpenBroker();
  await using sender = await connect(broker);
  await using receiver = await connect(broker);
  await receiver.mqtt.subscribeAsync("all", { qos: 2 });
  const properties = {
    payloadFormatIndicator: true,
    messageExpiryInterval: 600,
    contentType: "text/plain; x=ä",
    responseTopic: "réponse/1",
    correlationData: encoder.encode("\0\xff\n") as never,
    userProperties: { b: ["1", "2"], a: "", "ü": "\ufeff" },
  };
  for (const qos of [0, 1, 2] as const) await sender.mqtt.publishAsync("all", "x", { qos, properties });
  await receiver.receives(3);
  for (const { properties: received } of receiver.packetsOf("publish")) {
    assertEquals({ ...received, correlationData: undefined }, {
      ...properties,
      userProperties: { ...properties.userProperties, b: ["1", "2"] },
      correlationData: undefined,
    });
    assertEquals([...received!.correlationData!], [...properties.correlationData]);
  }
});

Deno.test("MQTT.js at level 5 publishes with properties and aliases, and receives at every QoS", async () => {
  await using broker = new OpenBroker();
  const properties = { topicAliasMaximum: 5, receiveMaximum: 3 };
  await using receiver = await connect(broker, { properties });
  await using sender = await connect(broker, {
    autoUseTopicAlias: true,
    autoAssignTopicAlias: true,
  });
  await receiver.mqtt.subscribeAsync("five/+", { qos: 2, properties: { subscriptionIdentifier: 7 } });
  const received: string[] = [];
  receiver.mqtt.on("message", (topic, payload, packet) => {
    const { contentType, userProperties, subscriptionIdentifier } = packet.properties ?? {};
    received.push(
      JSON.stringify([topic, `${payload}`, packet.qos, contentType, userProperties, subscriptionIdentifier]),
    );
  });
  const sent: string[] = [];
  for (let index = 0; index < 60; index++) {
    const qos = (index % 3) as 0 | 1 | 2;
    const topic = `five/${index % 7}`;
    const userProperties = { a: ["1", "2"], b: "3" };
    await sender.mqtt.publishAsync(topic, `${index}`, {
      qos,
      properties: { contentType: "t/x", userProperties },
    });
    sent.push(JSON.stringify([topic, `${index}`, qos, "t/x", userProperties, 7]));
  }
  await eventually(() => assertEquals(received.length, sent.length));
  assertGreater(
    receiver.packetsOf("publish").filter(({ topic }) => topic === "").length,
    10,
    "Aliases in use",
  );
  // Each QoS has an order of its own.
  for (const qos of [0, 1, 2]) {
    const ofQos = (lines: string[]) => lines.filter((line) => JSON.parse(line)[2] === qos);
    assertEquals(ofQos(received), ofQos(sent));
  }
});

Deno.test("a session of MQTT.js at level 5 lasts as long as it said, and ends when it says so", async () => {
  await using broker = new OpenBroker();
  const { sessions } = broker.broker;
  const come = async (options: Options, leave: (client: JsClient) => unknown) => {
    await using client = await connect(broker, options);
    await client.mqtt.subscribeAsync("a", { qos: 1 });
    await leave(client);
    await broker.connected(0);
    return client.sessionsPresent[0];
  };
  const end = (client: JsClient) => client.mqtt.endAsync();
  assertEquals(await come(lasting("s", 600), (client) => client.cut()), false);
  assertEquals(await come(lasting("s", 600), end), true);
  const endForGood = (client: JsClient) =>
    client.mqtt.endAsync(false, { properties: { sessionExpiryInterval: 0 } });
  assertEquals(await come(lasting("s", 600), endForGood), true);
  assertEquals(sessions.size, 0);
  assertEquals(await come({ clientId: "s", clean: false }, end), false);
  assertEquals(sessions.size, 0);
  await come(lasting("s", 1), end);
  assertEquals(sessions.size, 1);
  await eventually(() => assertEquals(sessions.size, 0), TOOL_PATIENCE_MS);
});

Deno.test("a message that expired waits for nobody, retained or in the queue of a MQTT.js that is away", async () => {
  await using broker = new OpenBroker();
  {
    await using away = await connect(broker, lasting("away", 600));
    await away.mqtt.subscribeAsync("+", { qos: 1 });
    await away.mqtt.endAsync();
  }
  await using sender = await connect(broker);
  const properties = { messageExpiryInterval: 1 };
  await sender.mqtt.publishAsync("short", "x", { qos: 1, retain: true, properties });
  await sender.mqtt.publishAsync("long", "y", { qos: 1, properties: { messageExpiryInterval: 600 } });
  await eventually(() => assertEquals(broker.broker.retained.size, 0), TOOL_PATIENCE_MS);
  await using back = await connect(broker, lasting("away", 600));
  await back.receives(1);
  await back.settle();
  assertEquals(back.payloads, ["y"]);
  const left = back.packetsOf("publish")[0]!.properties!.messageExpiryInterval!;
  assert(left < 600 && left > 500, `${left} seconds are left`);
});

Deno.test("the will of MQTT.js at level 5 waits for its delay, has properties, and is cancelled by a return", async () => {
  await using broker = new OpenBroker();
  await using witness = await connect(broker);
  await witness.mqtt.subscribeAsync("will/#", { qos: 1 });
  const withWill = (clientId: string, willDelayInterval: number): Options => ({
    ...lasting(clientId, 600),
    will: {
      topic: `will/${clientId}`,
      payload: "gone" as never,
      qos: 1,
      properties: { willDelayInterval, contentType: "text/plain", userProperties: { a: ["1", "2"] } },
    },
  });
  await using quick = await connect(broker, withWill("quick", 1));
  await using returning = await connect(broker, withWill("returning", 600));
  await using asking = await connect(broker, withWill("asking", 0));
  for (const client of [quick, returning]) client.cut();
  await asking.mqtt.endAsync(false, { reasonCode: 0x04 });
  await broker.connected(1);
  await using back = await connect(broker, lasting("returning", 600));
  assertEquals(back.sessionsPresent, [true]);
  await witness.receives(2);
  await back.mqtt.endAsync();
  await witness.settle();
  assertEquals(witness.received.map(({ topic }) => topic), ["will/asking", "will/quick"]);
  const { contentType, userProperties } = witness.packetsOf("publish")[1]!.properties!;
  assertEquals([contentType, { ...userProperties }], ["text/plain", { a: ["1", "2"] }]);
});

Deno.test("a MQTT.js that takes one message at a time is sent one at a time", async () => {
  await using broker = new OpenBroker();
  const waiting: (() => void)[] = [];
  await using receiver = await connect(broker, {
    properties: { receiveMaximum: 1 },
    customHandleAcks: (_topic, _message, _packet, done) => void waiting.push(() => done(0 as never)),
  });
  await receiver.mqtt.subscribeAsync("work", { qos: 2 });
  await using sender = await connect(broker);
  const payload = "x".repeat(10_000);
  for (const qos of [1, 2, 1, 2, 1, 2] as const) await sender.mqtt.publishAsync("work", payload, { qos });
  for (let count = 1; count <= 6; count++) {
    await eventually(() => assertEquals(waiting.length, count));
    const { bytesRead } = receiver.mqtt.stream as unknown as { bytesRead: number };
    assertEquals(Math.floor(bytesRead / payload.length), count, "Payloads on the wire");
    waiting[count - 1]!();
  }
});

Deno.test("what is larger than a MQTT.js takes is not sent to it, and the next message is", async () => {
  await using broker = new OpenBroker();
  await using receiver = await connect(broker, { properties: { maximumPacketSize: 200 } });
  await receiver.mqtt.subscribeAsync("a", { qos: 1 });
  await using sender = await connect(broker);
  for (const bytes of [300, 100]) await sender.mqtt.publishAsync("a", "x".repeat(bytes), { qos: 1 });
  await receiver.receives(1);
  await receiver.settle();
  assertEquals(receiver.payloads.map((payload) => payload.length), [100]);
});

Deno.test("one copy for MQTT.js has the identifiers of all its subscriptions that match", async () => {
  await using broker = new OpenBroker();
  await using client = await connect(broker);
  for (const [index, filter] of ["a/#", "a/+", "a/b", "b"].entries()) {
    await client.mqtt.subscribeAsync(filter, { qos: 1, properties: { subscriptionIdentifier: index + 1 } });
  }
  for (const topic of ["a/b", "a", "b"]) await client.mqtt.publishAsync(topic, "x", { qos: 1 });
  await client.receives(3);
  const identifiers = client.packetsOf("publish").map(({ properties }) =>
    [properties!.subscriptionIdentifier!].flat().sort()
  );
  assertEquals(identifiers, [[1, 2, 3], [1], [4]]);
});

Deno.test("MQTT.js gets no message of its own where it says No Local, and RETAIN as published where it says so", async () => {
  await using broker = new OpenBroker();
  await using client = await connect(broker);
  await using other = await connect(broker);
  await client.mqtt.subscribeAsync("local", { qos: 1, nl: true });
  await client.mqtt.subscribeAsync("as/published", { qos: 1, rap: true });
  await client.mqtt.subscribeAsync("plain", { qos: 1 });
  await client.mqtt.publishAsync("local", "own", { qos: 1 });
  await other.mqtt.publishAsync("local", "other", { qos: 1 });
  for (const topic of ["as/published", "plain"]) {
    await other.mqtt.publishAsync(topic, "x", { qos: 1, retain: true });
  }
  await client.receives(3);
  await client.settle();
  assertEquals(client.received.map(({ topic, payload, retain }) => [topic, payload, retain]), [
    ["local", "other", false],
    ["as/published", "x", true],
    ["plain", "x", false],
  ]);
});

Deno.test("MQTT.js says when its subscriptions bring what is retained: always, if they are new, never", async () => {
  await using broker = new OpenBroker();
  await using client = await connect(broker);
  await client.mqtt.publishAsync("kept", "x", { qos: 1, retain: true });
  const counts: number[] = [];
  for (const rh of [0, 1, 2]) {
    for (let time = 0; time < 2; time++) {
      await client.mqtt.subscribeAsync("kept", { qos: 1, rh });
      await client.settle();
      counts.push(client.received.length);
    }
    await client.mqtt.unsubscribeAsync("kept");
  }
  assertEquals(counts, [1, 2, 3, 3, 3, 3]);
});

Deno.test("two MQTT.js share a subscription: each message goes to one of them, and both get some", async () => {
  await using broker = new OpenBroker();
  await using one = await connect(broker);
  await using two = await connect(broker);
  for (const worker of [one, two]) await worker.mqtt.subscribeAsync("$share/workers/job/#", { qos: 1 });
  await using sender = await connect(broker);
  const sent = Array.from({ length: 100 }, (_, index) => `${index}`);
  for (const payload of sent) await sender.mqtt.publishAsync(`job/${payload}`, payload, { qos: 1 });
  await eventually(() => assertEquals(one.received.length + two.received.length, 100), TOOL_PATIENCE_MS);
  assertEquals([...one.payloads, ...two.payloads].toSorted((a, b) => Number(a) - Number(b)), sent);
  for (const worker of [one, two]) assertGreater(worker.received.length, 10);
});

Deno.test("MQTT.js is told why the broker ends its connection", async () => {
  const broker = new OpenBroker();
  await using first = await connect(broker, { clientId: "twin" });
  await using second = await connect(broker, { clientId: "twin" });
  await first.closed();
  await broker.close();
  await second.closed();
  const reasons = [first, second].map((client) =>
    client.packetsOf("disconnect").map(({ reasonCode }) => reasonCode)
  );
  assertEquals(reasons, [[0x8e], [0x8b]]);
});

Deno.test("MQTT.js is told what became of each publish, subscription and unsubscription", async () => {
  await using broker = new OpenBroker();
  await using client = await connect(broker);
  for (const qos of [1, 2] as const) {
    const error = await assertRejects(() => client.mqtt.publishAsync("$SYS/forged", "x", { qos }), Error);
    assertEquals((error as Error & { code: number }).code, 0x87);
  }
  await client.mqtt.publishAsync("nobody/here", "x", { qos: 1 });
  assertEquals(client.packetsOf("puback").map(({ reasonCode }) => reasonCode), [0x87, 0x10]);
  client.mqtt.subscribe(["ok", "$share/+/a"], { qos: 1 }, () => {});
  await eventually(() => assertEquals(client.packetsOf("suback").map(({ granted }) => granted), [[1, 0x8f]]));
  await client.mqtt.unsubscribeAsync(["ok", "never/subscribed"]);
  assertEquals(client.packetsOf("unsuback").map(({ granted }) => granted), [[0, 0x11]]);
});

Deno.test("a MQTT.js without a name is told the one it has, and what the broker takes", async () => {
  await using broker = new OpenBroker();
  await using client = await connect(broker, { clientId: "" });
  const { properties } = client.packetsOf("connack")[0]!;
  assert(broker.broker.sessions.get(properties!.assignedClientIdentifier!));
  const { packetBytesMax, topicAliasesMax, inboundQos2Max } = broker.broker.limits;
  assertEquals(properties!.maximumPacketSize, packetBytesMax);
  assertEquals(properties!.topicAliasMaximum, topicAliasesMax);
  assertEquals(properties!.receiveMaximum, inboundQos2Max);
});

Deno.test("MQTT.js asks and MQTT.js answers, by response topic and correlation data", async () => {
  await using broker = new OpenBroker();
  await using responder = await connect(broker);
  await responder.mqtt.subscribeAsync("double", { qos: 1 });
  responder.mqtt.on("message", (_topic, payload, { properties }) => {
    const { responseTopic, correlationData } = properties!;
    const answer = `${2 * Number(payload)}`;
    responder.mqtt.publish(responseTopic!, answer, {
      qos: 1,
      properties: { correlationData: correlationData! },
    });
  });
  const answers = await Promise.all([1, 2, 3].map(async (asker) => {
    await using client = await connect(broker);
    const responseTopic = `answers/${asker}`;
    await client.mqtt.subscribeAsync(responseTopic, { qos: 1 });
    for (const number of [asker, asker * 10]) {
      const correlationData = encoder.encode(`question ${number}`) as never;
      await client.mqtt.publishAsync("double", `${number}`, {
        qos: 1,
        properties: { responseTopic, correlationData },
      });
    }
    await client.receives(2);
    return client.packetsOf("publish").map((
      { payload, properties },
    ) => [`${properties!.correlationData}`, `${payload}`]);
  }));
  const expected = [1, 2, 3].map((asker) =>
    [asker, asker * 10].map((number) => [`question ${number}`, `${2 * number}`])
  );
  assertEquals(answers, expected);
});
