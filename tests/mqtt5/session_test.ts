import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { startBroker } from "../support/start_broker.ts";
import { connect5, disconnect5, expectDisconnect, open5 } from "./support.ts";

const LONG_MS = 100_000_000;

Deno.test("[MQTT5-4.1.0-2] without a Session Expiry Interval the session ends with its connection", async () => {
  await using test = startBroker();
  const { client, connack } = await open5(test, {
    clientId: "c",
    cleanStart: false,
    sessionExpirySeconds: 0,
  });
  assertEquals([connack.sessionPresent, connack.sessionExpirySeconds], [false, undefined]);
  await client.subscribe(["a", 1]);
  client.cut();
  await test.settle();
  const next = await open5(test, { clientId: "c", cleanStart: false, sessionExpirySeconds: 0 });
  assertEquals(next.connack.sessionPresent, false);
  await next.client.publish("a", "1");
  await next.client.expectNothing();
  assertEquals(test.broker.sessions.size, 1);
});

Deno.test("[MQTT5-3.1.2-23] [MQTT5-4.1.0-2] [MQTT5-3.1.2-5] [MQTT5-3.1.2-6] a session lasts for its expiry, and no longer", async () => {
  await using test = startBroker();
  const sessionExpirySeconds = 60;
  const options = { clientId: "c", cleanStart: false, sessionExpirySeconds };
  const publisher = await test.connect();
  const first = await open5(test, options);
  assertEquals(first.connack.sessionExpirySeconds, undefined);
  await first.client.subscribe(["a", 1]);
  await disconnect5(first.client);
  test.clock.advance(59_000);
  await publisher.publish("a", "1", { qos: 1 });

  const second = await open5(test, options);
  assertEquals(second.connack.sessionPresent, true);
  await second.client.takePublish({ topic: "a", payload: "1", qos: 1 });
  await disconnect5(second.client);
  test.clock.advance(61_000);
  assertEquals(test.broker.sessions.get("c"), undefined);
  assertEquals(test.broker.subscriptionCount, 0);
  const third = await open5(test, options);
  assertEquals(third.connack.sessionPresent, false);
});

Deno.test("[MQTT5-4.1.0-1] the expiry runs from the end of the connection, not while it is open", async () => {
  await using test = startBroker();
  const options = { clientId: "c", cleanStart: false, sessionExpirySeconds: 5 };
  const first = await open5(test, options);
  await first.client.subscribe(["a", 1]);
  test.clock.advance(60_000);
  await first.client.publish("a", "1");
  await first.client.expectPublish({ topic: "a", payload: "1" });
  await disconnect5(first.client);
  test.clock.advance(4_000);
  assertEquals((await open5(test, options)).connack.sessionPresent, true);
});

Deno.test("[MQTT5-3.1.2-23] a session without expiry never ends, where the broker has no limit of its own", async () => {
  await using test = startBroker({ limits: { sessionExpirySeconds: Infinity } });
  const options = { clientId: "c", cleanStart: false, sessionExpirySeconds: Infinity };
  const first = await open5(test, options);
  assertEquals(first.connack.sessionExpirySeconds, undefined);
  await disconnect5(first.client);
  test.clock.advance(LONG_MS);
  assertEquals((await open5(test, options)).connack.sessionPresent, true);
});

for (const asked of [101, 0xffff_fffe, Infinity]) {
  Deno.test(`an expiry of ${asked} s is capped, and CONNACK says to what`, async () => {
    await using test = startBroker({ limits: { sessionExpirySeconds: 100 } });
    const options = { clientId: "c", cleanStart: false, sessionExpirySeconds: asked };
    const first = await open5(test, options);
    assertEquals(first.connack.sessionExpirySeconds, 100);
    await disconnect5(first.client);
    test.clock.advance(99_000);
    const second = await open5(test, options);
    assertEquals([second.connack.sessionPresent, second.connack.sessionExpirySeconds], [true, 100]);
    await disconnect5(second.client);
    test.clock.advance(101_000);
    assertEquals((await open5(test, options)).connack.sessionPresent, false);
  });
}

Deno.test("an expiry at the broker's limit is not told", async () => {
  await using test = startBroker({ limits: { sessionExpirySeconds: 100 } });
  const { connack } = await open5(test, { sessionExpirySeconds: 100 });
  assertEquals(connack.sessionExpirySeconds, undefined);
});

Deno.test("DISCONNECT can shorten the expiry", async () => {
  await using test = startBroker();
  const options = { clientId: "c", cleanStart: false, sessionExpirySeconds: 1000 };
  const client = await connect5(test, options);
  await disconnect5(client, { sessionExpirySeconds: 10 });
  test.clock.advance(11_000);
  assertEquals((await open5(test, options)).connack.sessionPresent, false);
});

Deno.test("DISCONNECT can lengthen the expiry, as far as the broker lets it", async () => {
  await using test = startBroker({ limits: { sessionExpirySeconds: 100 } });
  const options = { clientId: "c", cleanStart: false, sessionExpirySeconds: 10 };
  const first = await open5(test, options);
  await disconnect5(first.client, { sessionExpirySeconds: Infinity });
  test.clock.advance(99_000);
  const second = await open5(test, options);
  assertEquals(second.connack.sessionPresent, true);
  await disconnect5(second.client, { sessionExpirySeconds: Infinity });
  test.clock.advance(101_000);
  assertEquals(test.broker.sessions.size, 0);
});

Deno.test("DISCONNECT with expiry 0 ends the session at once", async () => {
  await using test = startBroker();
  const client = await connect5(test, { clientId: "c", sessionExpirySeconds: 1000 });
  await client.subscribe(["a", 1]);
  await disconnect5(client, { sessionExpirySeconds: 0 });
  assertEquals([test.broker.sessions.size, test.broker.subscriptionCount], [0, 0]);
});

Deno.test("[MQTT5-3.14.2-2] DISCONNECT cannot give an expiry to a session that had none: 0x82", async () => {
  await using test = startBroker();
  const watcher = await test.connect();
  await watcher.subscribe(["will", 0]);
  const client = await connect5(test, { clientId: "c", will: { topic: "will" } });
  client.send({ type: "disconnect", reasonCode: 0, sessionExpirySeconds: 1 });
  await expectDisconnect(client, 0x82);
  await watcher.expectPublish({ topic: "will", payload: "gone" });
  assertEquals(test.broker.sessions.get("c"), undefined);
});

Deno.test("DISCONNECT may repeat an expiry of 0", async () => {
  await using test = startBroker();
  const client = await connect5(test);
  await disconnect5(client, { sessionExpirySeconds: 0 });
  assertEquals(test.broker.sessions.size, 0);
});

Deno.test("[MQTT5-3.1.2-4] [MQTT5-3.2.2-2] [MQTT5-3.2.2-3] [MQTT5-3.1.4-4] Clean Start discards the old session and keeps the new one", async () => {
  await using test = startBroker();
  const sessionExpirySeconds = 60;
  const publisher = await test.connect();
  const first = await open5(test, { clientId: "c", sessionExpirySeconds });
  await first.client.subscribe(["old", 1]);
  await disconnect5(first.client);
  await publisher.publish("old", "1", { qos: 1 });

  const second = await open5(test, { clientId: "c", cleanStart: true, sessionExpirySeconds });
  assertEquals(second.connack.sessionPresent, false);
  await second.client.expectNothing();
  await second.client.subscribe(["new", 1]);
  await disconnect5(second.client);
  await publisher.publish("old", "2", { qos: 1 });
  await publisher.publish("new", "3", { qos: 1 });

  const third = await open5(test, { clientId: "c", cleanStart: false, sessionExpirySeconds });
  assertEquals(third.connack.sessionPresent, true);
  await third.client.takePublish({ topic: "new", payload: "3", qos: 1 });
  await third.client.expectNothing();
});

Deno.test("the expiry of the last CONNECT counts, not that of the session's first", async () => {
  await using test = startBroker();
  const first = await open5(test, { clientId: "c", sessionExpirySeconds: 1000 });
  await disconnect5(first.client);
  const second = await open5(test, { clientId: "c", cleanStart: false, sessionExpirySeconds: 0 });
  assertEquals(second.connack.sessionPresent, true);
  second.client.cut();
  await test.settle();
  assertEquals(
    (await open5(test, { clientId: "c", cleanStart: false, sessionExpirySeconds: 0 })).connack.sessionPresent,
    false,
  );
});

for (const cleanStart of [true, false]) {
  Deno.test(`[MQTT5-3.1.3-6] [MQTT5-3.1.3-7] [MQTT5-3.2.2-16] a client without a name gets one, Clean Start ${cleanStart}`, async () => {
    await using test = startBroker();
    const sessionExpirySeconds = 60;
    const one = await open5(test, { clientId: "", cleanStart, sessionExpirySeconds });
    const other = await open5(test, { clientId: "", cleanStart, sessionExpirySeconds });
    const clientId = one.connack.assignedClientId;
    assert(clientId, "No Assigned Client Identifier");
    assertNotEquals(clientId, other.connack.assignedClientId);
    assertEquals([one.connack.sessionPresent, other.connack.sessionPresent], [false, false]);
    await disconnect5(one.client);
    const again = await open5(test, { clientId, cleanStart: false, sessionExpirySeconds });
    assertEquals([again.connack.sessionPresent, again.connack.assignedClientId], [true, undefined]);
  });
}

for (const sessionExpirySeconds of [0, 60]) {
  Deno.test(`[MQTT5-3.1.4-3] who is taken over hears 0x8E, expiry ${sessionExpirySeconds}`, async () => {
    await using test = startBroker();
    const options = { clientId: "c", cleanStart: false, sessionExpirySeconds };
    const old = await open5(test, options);
    await old.client.subscribe(["a", 0]);
    const young = await open5(test, options);
    await expectDisconnect(old.client, 0x8e);
    assertEquals(young.connack.sessionPresent, sessionExpirySeconds > 0);
    await young.client.publish("a", "1");
    if (sessionExpirySeconds > 0) await young.client.expectPublish({ topic: "a", payload: "1" });
    await young.client.expectNothing();
    assertEquals(test.broker.sessions.size, 1);
  });
}

Deno.test("[MQTT5-3.1.4-3] a client of 3.1.1 takes over one of 5.0, and back", async () => {
  await using test = startBroker();
  const sessionExpirySeconds = 60;
  const five = await open5(test, { clientId: "c", cleanStart: false, sessionExpirySeconds });
  await five.client.subscribe(["a", 1]);
  const four = test.open();
  assertEquals(await four.connect({ version: 4, clientId: "c", cleanStart: false }), true);
  await expectDisconnect(five.client, 0x8e);
  await four.publish("a", "1");
  await four.expectPublish({ topic: "a", payload: "1" });
  const last = await open5(test, { clientId: "c", cleanStart: false, sessionExpirySeconds });
  assertEquals(last.connack.sessionPresent, true);
  await four.expectClosed();
});

Deno.test("[MQTT5-4.4.0-1] what was not acknowledged to 5.0 comes again to 3.1.1, in its own form", async () => {
  await using test = startBroker();
  const publisher = await test.connect({ version: 5 });
  const five = await open5(test, { clientId: "c", sessionExpirySeconds: 60 });
  await five.client.subscribe(["a", 1]);
  await publisher.publish("a", "1", { qos: 1 });
  const packetId = await five.client.expectPublish({ topic: "a", payload: "1", qos: 1 });
  five.client.cut();
  await test.settle();
  const four = test.open();
  assertEquals(await four.connect({ version: 4, clientId: "c", cleanStart: false }), true);
  await four.expectPublish({ topic: "a", payload: "1", qos: 1, dup: true, packetId });
});
