import { assertEquals } from "@std/assert";
import type { RawClient } from "../support/raw_client.ts";
import { startBroker, type TestBroker } from "../support/start_broker.ts";
import { connect5, disconnect5, expectDisconnect, open5 } from "./support.ts";

const WILL = { topic: "will", payload: "gone" };

async function watch(test: TestBroker, version: 4 | 5 = 5): Promise<RawClient> {
  const watcher = await test.connect({ version, clientId: "watcher" });
  await watcher.subscribe(["will", 2]);
  return watcher;
}

Deno.test("[MQTT5-3.1.2-7] [MQTT5-3.1.2-8] without a delay the will is published at once", async () => {
  await using test = startBroker();
  const watcher = await watch(test);
  const client = await connect5(test, {
    clientId: "c",
    sessionExpirySeconds: 60,
    will: WILL,
  });
  client.cut();
  await watcher.expectPublish(WILL);
});

Deno.test("[MQTT5-3.1.2-8] [MQTT5-3.1.2-10] a delayed will is published after its delay, once", async () => {
  await using test = startBroker();
  const watcher = await watch(test);
  const client = await connect5(test, {
    clientId: "c",
    sessionExpirySeconds: 60,
    will: { ...WILL, qos: 2, delaySeconds: 10 },
  });
  client.cut();
  await watcher.expectNothing();
  test.clock.advance(9_000);
  await watcher.expectNothing();
  test.clock.advance(2_000);
  await watcher.takePublish({ ...WILL, qos: 2 });
  test.clock.advance(120_000);
  await watcher.expectNothing();
  assertEquals(test.broker.sessions.get("c"), undefined);
});

Deno.test("[MQTT5-3.1.3-9] who comes back in time cancels the will", async () => {
  await using test = startBroker();
  const watcher = await watch(test);
  const options = { clientId: "c", cleanStart: false, sessionExpirySeconds: 60 };
  const client = await connect5(test, { ...options, will: { ...WILL, delaySeconds: 10 } });
  client.cut();
  await test.settle();
  test.clock.advance(8_000);
  const back = await open5(test, options);
  test.clock.advance(30_000);
  await watcher.expectNothing();
  back.client.cut();
  await test.settle();
  test.clock.advance(100_000);
  await watcher.expectNothing();
});

Deno.test("[MQTT5-3.1.3-9] a take-over is a return in time", async () => {
  await using test = startBroker();
  const watcher = await watch(test);
  const options = { clientId: "c", cleanStart: false, sessionExpirySeconds: 60 };
  const client = await connect5(test, { ...options, will: { ...WILL, delaySeconds: 10 } });
  await open5(test, options);
  await expectDisconnect(client, 0x8e);
  test.clock.advance(30_000);
  await watcher.expectNothing();
});

Deno.test("[MQTT5-3.1.2-8] a take-over publishes a will without a delay", async () => {
  await using test = startBroker();
  const watcher = await watch(test);
  const options = { clientId: "c", cleanStart: false, sessionExpirySeconds: 60 };
  const client = await connect5(test, { ...options, will: WILL });
  await open5(test, options);
  await expectDisconnect(client, 0x8e);
  await watcher.expectPublish(WILL);
});

const SHORT_LIVES: Readonly<Record<string, number>> = { "without expiry": 0, "before the delay": 5 };
for (const [name, sessionExpirySeconds] of Object.entries(SHORT_LIVES)) {
  Deno.test(`[MQTT5-3.1.2-8] the will is published when the session ends ${name}`, async () => {
    await using test = startBroker();
    const watcher = await watch(test);
    const will = { ...WILL, delaySeconds: 1000 };
    const client = await connect5(test, { clientId: "c", sessionExpirySeconds, will });
    client.cut();
    if (sessionExpirySeconds > 0) {
      await watcher.expectNothing();
      test.clock.advance(6_000);
    }
    await watcher.expectPublish(WILL);
    test.clock.advance(2_000_000);
    await watcher.expectNothing();
  });
}

for (const isOnline of [true, false]) {
  Deno.test(`[MQTT5-3.1.2-8] Clean Start ends the session and publishes its will, ${isOnline ? "on" : "off"}line`, async () => {
    await using test = startBroker();
    const watcher = await watch(test);
    const options = { clientId: "c", sessionExpirySeconds: 60 };
    const client = await connect5(test, { ...options, will: { ...WILL, delaySeconds: 30 } });
    if (!isOnline) {
      client.cut();
      await watcher.expectNothing();
    }
    await open5(test, { ...options, cleanStart: true });
    await watcher.expectPublish(WILL);
    test.clock.advance(100_000);
    client.isConnected = false;
    await watcher.expectNothing();
  });
}

Deno.test("DISCONNECT with expiry 0 and 0x04 publishes a delayed will at once", async () => {
  await using test = startBroker();
  const watcher = await watch(test);
  const client = await connect5(test, {
    clientId: "c",
    sessionExpirySeconds: 60,
    will: { ...WILL, delaySeconds: 30 },
  });
  await disconnect5(client, { reasonCode: 0x04, sessionExpirySeconds: 0 });
  await watcher.expectPublish(WILL);
});

Deno.test("[MQTT5-3.14.4-3] DISCONNECT 0x00 discards the will, delayed or not", async () => {
  await using test = startBroker();
  const watcher = await watch(test);
  for (const delaySeconds of [0, 10]) {
    const client = await connect5(test, {
      clientId: `c${delaySeconds}`,
      sessionExpirySeconds: 60,
      will: { ...WILL, delaySeconds },
    });
    await disconnect5(client);
  }
  test.clock.advance(120_000);
  await watcher.expectNothing();
});

for (const reasonCode of [0x04, 0x80, 0x98]) {
  Deno.test(`[MQTT5-3.1.2-8] DISCONNECT 0x${reasonCode.toString(16)} publishes the will`, async () => {
    await using test = startBroker();
    const watcher = await watch(test);
    const client = await connect5(test, { clientId: "c", will: WILL });
    await disconnect5(client, { reasonCode });
    await watcher.expectPublish(WILL);
  });
}

Deno.test("DISCONNECT 0x04 with a delay publishes the will after it", async () => {
  await using test = startBroker();
  const watcher = await watch(test);
  const client = await connect5(test, {
    clientId: "c",
    sessionExpirySeconds: 60,
    will: { ...WILL, delaySeconds: 10 },
  });
  await disconnect5(client, { reasonCode: 0x04 });
  await watcher.expectNothing();
  test.clock.advance(11_000);
  await watcher.expectPublish(WILL);
});

Deno.test("[MQTT5-3.1.2-9] [MQTT5-3.1.3-10] the properties of a will arrive, its user properties in order", async () => {
  await using test = startBroker();
  const watcher = await watch(test);
  const properties = {
    expirySeconds: 60,
    payloadIsText: true,
    contentType: "text/plain",
    responseTopic: "answers",
    correlationData: Uint8Array.of(1, 2),
    userProperties: [["b", "1"], ["a", "2"], ["b", "3"]] as const,
  };
  const client = await connect5(test, { clientId: "c", will: { ...WILL, properties } });
  client.cut();
  const packet = await watcher.receivePublish();
  assertEquals(packet.properties, properties);
});

Deno.test("the expiry of a delayed will begins when it is published", async () => {
  await using test = startBroker();
  const watcher = await watch(test);
  const client = await connect5(test, {
    clientId: "c",
    sessionExpirySeconds: 60,
    will: { ...WILL, delaySeconds: 20, properties: { expirySeconds: 5 } },
  });
  client.cut();
  await test.settle();
  test.clock.advance(21_000);
  assertEquals((await watcher.receivePublish()).properties, { expirySeconds: 5 });
});

for (const retain of [false, true]) {
  Deno.test(`[MQTT5-3.1.2-14] [MQTT5-3.1.2-15] Will Retain ${retain} says whether the will is kept`, async () => {
    await using test = startBroker();
    const client = await connect5(test, { clientId: "c", will: { ...WILL, retain } });
    await disconnect5(client, { reasonCode: 0x04 });
    const late = await watch(test);
    if (retain) await late.expectPublish({ ...WILL, retain });
    await late.expectNothing();
  });
}

Deno.test("a will of 5.0 reaches a subscriber of 3.1.1, and back", async () => {
  await using test = startBroker();
  const four = await watch(test, 4);
  const client = await connect5(test, {
    clientId: "c",
    will: { ...WILL, qos: 1, properties: { contentType: "text/plain", userProperties: [["a", "b"]] } },
  });
  client.cut();
  await four.takePublish({ ...WILL, qos: 1 });
  await four.disconnect();
  const five = await watch(test, 5);
  (await test.connect({ version: 4, will: WILL })).cut();
  assertEquals((await five.receivePublish()).properties, undefined);
});

Deno.test("[MQTT5-3.8.3-3] No Local keeps a client's own will from it", async () => {
  await using test = startBroker();
  const options = { clientId: "c", cleanStart: false, sessionExpirySeconds: 60 };
  const client = await connect5(test, { ...options, will: { ...WILL, qos: 1 } });
  client.send({
    type: "subscribe",
    packetId: 1,
    requests: [{ filter: "will", qos: 1, noLocal: true }],
  });
  await client.expect({ type: "suback", packetId: 1, reasonCodes: [1] });
  client.cut();
  await test.settle();
  const back = await open5(test, options);
  assertEquals(back.connack.sessionPresent, true);
  await back.client.expectNothing();
});

Deno.test("[MQTT5-3.1.2-10] when the broker stops, wills that wait are published to who is still there", async () => {
  await using test = startBroker();
  const watcher = await watch(test);
  for (const clientId of ["offline", "online"]) {
    const client = await connect5(test, {
      clientId,
      sessionExpirySeconds: 60,
      will: { topic: "will", payload: clientId, delaySeconds: 10 },
    });
    if (clientId === "offline") client.cut();
  }
  await watcher.expectNothing();
  const closing = test.server.close();
  await watcher.expectPublish({ topic: "will", payload: "offline" });
  await watcher.expectPublish({ topic: "will", payload: "online" });
  await closing;
});
