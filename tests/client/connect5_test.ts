import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { ClosedError, type ConnectOptions, RefusedError } from "../../broker/client/mod.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { connectedPair, end, idle, isSettled, pairOf } from "./scripted_peer.ts";

Deno.test("connect says all that MQTT 5.0 has to say", async () => {
  const { connecting, peer } = pairOf({
    version: 5,
    password: "alone",
    sessionExpirySeconds: 60,
    receiveMaximum: 7,
    packetBytesMax: 1000,
    topicAliasMax: 3,
    requestProblemInformation: false,
    requestResponseInformation: true,
    userProperties: [["b", "1"], ["a", "2"], ["b", "1"]],
    will: {
      topic: "gone",
      payload: "bye",
      delaySeconds: 5,
      properties: { contentType: "text/plain", userProperties: [["k", "v"]] },
    },
  });
  const packet = await peer.expect("connect");
  assertEquals([packet.version, packet.sessionExpirySeconds, packet.receiveMaximum], [5, 60, 7]);
  assertEquals([packet.packetBytesMax, packet.topicAliasMax], [1000, 3]);
  assertEquals([packet.requestProblemInformation, packet.requestResponseInformation], [false, true]);
  assertEquals(packet.userProperties, [["b", "1"], ["a", "2"], ["b", "1"]]);
  assertEquals([packet.username, packet.password?.length], [undefined, 5]);
  assertEquals(packet.will?.delaySeconds, 5);
  assertEquals(packet.will?.properties, { contentType: "text/plain", userProperties: [["k", "v"]] });
  await peer.send({ type: "connack", sessionPresent: false, reasonCode: 0 });
  await end({ client: await connecting, peer });
});

Deno.test("a session lives as long as in MQTT 3.1.1 unless something else is said", async () => {
  const cases: [options: ConnectOptions, seconds: number][] = [
    [{}, 0],
    [{ cleanStart: false }, Infinity],
    [{ cleanStart: false, sessionExpirySeconds: 0 }, 0],
    [{ sessionExpirySeconds: 9 }, 9],
  ];
  for (const [options, seconds] of cases) {
    const { connecting, peer } = pairOf({ version: 5, ...options });
    assertEquals((await peer.expect("connect")).sessionExpirySeconds, seconds);
    await peer.send({ type: "connack", sessionPresent: false, reasonCode: 0 });
    const client = await connecting;
    assertEquals(client.sessionExpirySeconds, seconds);
    await end({ client, peer });
  }
});

Deno.test("what only MQTT 5.0 has is refused before, not left unsaid", async () => {
  const will = { topic: "w", payload: "" };
  const cases: ConnectOptions[] = [
    { sessionExpirySeconds: 1 },
    { receiveMaximum: 1 },
    { userProperties: [] },
    { authentication: { method: "X", start: () => undefined, respond: () => undefined } },
    { will: { ...will, delaySeconds: 1 } },
    { will: { ...will, properties: {} } },
  ];
  for (const options of cases) {
    const { connecting, peer } = pairOf(options);
    await assertRejects(() => connecting, TypeError, "only MQTT 5.0 has it");
    assertEquals(await peer.receive(), undefined, "The link is closed");
  }
  const { client, peer } = await connectedPair();
  await assertRejects(() => client.publish("a", "", { properties: {} }), TypeError, "properties");
  await assertRejects(() => client.publish("a", "", { topicAlias: 1 }), TypeError, "topicAlias");
  await assertRejects(() => client.subscribe("a", { noLocal: true }), TypeError, "noLocal");
  await assertRejects(() => client.unsubscribe("a", { userProperties: [] }), TypeError, "userProperties");
  await assertRejects(() => client.close({ reasonCode: 4 }), TypeError, "reasonCode");
  await end({ client, peer });
});

Deno.test("[MQTT5-3.1.2-21] [MQTT5-3.2.2-21] what CONNACK says of session and keep-alive counts", async () => {
  const clock = new SimulatedClock();
  const connack = {
    assignedClientId: "auto-1",
    serverKeepAliveSeconds: 4,
    sessionExpirySeconds: 30,
    responseInformation: "reply/1",
    userProperties: [["k", "v"]],
  } as const;
  const { client, peer } = await connectedPair({
    version: 5,
    clock,
    keepAliveSeconds: 100,
    sessionExpirySeconds: 60,
    connack,
  });
  assertEquals([client.clientId, client.keepAliveSeconds, client.sessionExpirySeconds], ["auto-1", 4, 30]);
  assertEquals(client.connack?.responseInformation, "reply/1");
  assertEquals(client.connack?.userProperties, [["k", "v"]]);
  clock.advance(2_000);
  await peer.expect("pingreq");
  await end({ client, peer });
});

Deno.test("a Server Keep Alive of 0 ends the pings", async () => {
  const clock = new SimulatedClock();
  const pair = await connectedPair({ version: 5, clock, connack: { serverKeepAliveSeconds: 0 } });
  assertEquals(clock.timerCount, 0);
  await end(pair);
});

Deno.test("a refused connection says why, where else, and nothing more", async () => {
  const { connecting, peer } = pairOf({ version: 5 });
  await peer.expect("connect");
  await peer.send({
    type: "connack",
    sessionPresent: false,
    reasonCode: 0x9c,
    reasonString: "moving\nhouse",
    serverReference: "b.example.org",
    userProperties: [["k", "v"]],
  });
  const error = await assertRejects(() => connecting, RefusedError);
  assertEquals(error.message, "Connection refused: use another server (moving house; try b.example.org)");
  assertEquals([error.reasonCode, error.reason], [0x9c, "use another server"]);
  assertEquals([error.reasonString, error.serverReference], ["moving\nhouse", "b.example.org"]);
  assertEquals(error.userProperties, [["k", "v"]]);
  assertEquals(await peer.receive(), undefined);
});

Deno.test("a broker that knows MQTT 3.1.1 only is understood", async () => {
  const { connecting, peer } = pairOf({ version: 5 });
  await peer.expect("connect");
  await peer.sendBytes(Uint8Array.of(0x20, 2, 0, 1));
  await assertRejects(() => connecting, RefusedError, "unsupported protocol version");
});

Deno.test("the broker's DISCONNECT ends everything with its reason", async () => {
  const { client, peer } = await connectedPair({ version: 5 });
  const subscribing = client.subscribe("a");
  await peer.grant(0);
  const next = assertRejects(async () => await (await subscribing).next(), ClosedError, "server moved");
  const publishing = assertRejects(() => client.publish("a", "x", { qos: 1 }), ClosedError, "server moved");
  await peer.expect("publish");
  await peer.send({ type: "disconnect", reasonCode: 0x9d, reasonString: "for good", serverReference: "c:1" });
  const error = await client.closed;
  assertEquals(error?.message, "The broker closed the connection: server moved (for good; try c:1)");
  assertEquals([error?.reasonCode, error?.reasonString, error?.serverReference], [0x9d, "for good", "c:1"]);
  await Promise.all([next, publishing]);
  assertEquals(await peer.receive(), undefined, "Nothing is answered");
});

Deno.test("[MQTT5-3.2.2-4] a session that nobody asked for ends the connection", async () => {
  const { connecting, peer } = pairOf({ version: 5 });
  await peer.expect("connect");
  await peer.send({ type: "connack", sessionPresent: true, reasonCode: 0 });
  await assertRejects(() => connecting, ClosedError, "a new one was asked for");
  await peer.expectFarewell(0x82);
  const resumed = await connectedPair({ version: 5, cleanStart: false, sessionPresent: true });
  assertEquals(resumed.client.sessionPresent, true);
  await end(resumed);
});

Deno.test("a broker that breaks the protocol is told how", async () => {
  const cases: [bytes: number[], reasonCode: number, words: string][] = [
    [[0x30, 0x03, 0, 1, 0x61], 0x81, "broke the protocol"], // Without the length of the properties.
    [[0x36, 0x00], 0x81, "QoS 3"],
    [[0x30, 0x80, 0x02], 0x95, "at most 100 are allowed"],
    [[0xc0, 0x00], 0x82, "Cannot accept PINGREQ from a broker"],
    // A CONNECT of a version that there is not: its reason code is none of DISCONNECT.
    [[0x10, 0x07, 0, 4, 0x4d, 0x51, 0x54, 0x54, 9], 0x82, "broke the protocol"],
  ];
  for (const [bytes, reasonCode, words] of cases) {
    const clock = new SimulatedClock();
    const { client, peer } = await connectedPair({ version: 5, packetBytesMax: 100, clock });
    const publishing = assertRejects(() => client.publish("a", "x", { qos: 1 }), ClosedError, words);
    await peer.expect("publish");
    await peer.sendBytes(Uint8Array.from(bytes));
    await publishing;
    await peer.expectFarewell(reasonCode);
    assertEquals((await client.closed)?.message.includes(words), true);
    assertEquals(clock.timerCount, 0);
  }
});

Deno.test("a broker that does not read what it did wrong has two seconds", async () => {
  const clock = new SimulatedClock();
  const { client, peer } = await connectedPair({ version: 5, clock });
  client.publish("a", new Uint8Array(1024 * 1024)).catch(() => {});
  await idle();
  await peer.sendBytes(Uint8Array.of(0xc0, 0));
  await client.closed;
  assertEquals(clock.timerCount, 1);
  clock.advance(2_000);
  assertEquals(clock.timerCount, 0);
  await assertRejects(() => peer.sendBytes(new Uint8Array(1)), Error, undefined, "The link is closed");
});

Deno.test("close can ask for the will, change the expiry and say why", async () => {
  const { client, peer } = await connectedPair({ version: 5, sessionExpirySeconds: 60 });
  const closing = client.close({
    reasonCode: 0x04,
    sessionExpirySeconds: 5,
    reasonString: "bye",
    userProperties: [["k", "v"]],
  });
  assertEquals(await peer.expect("disconnect"), {
    type: "disconnect",
    reasonCode: 0x04,
    sessionExpirySeconds: 5,
    reasonString: "bye",
    userProperties: [["k", "v"]],
  });
  peer.link.close();
  await closing;
  assertStrictEquals(await client.closed, undefined);
});

Deno.test("a goodbye that cannot be said leaves the client open", async () => {
  const pair = await connectedPair({ version: 5 });
  await assertRejects(() => pair.client.close({ sessionExpirySeconds: 1 }), TypeError, "was to end");
  assertEquals(await isSettled(pair.client.closed), false);
  await end(pair);
});

Deno.test("[MQTT5-3.14.2-3] [MQTT5-3.14.2-4] a goodbye too long for the broker is shortened", async () => {
  const { client, peer } = await connectedPair({ version: 5, connack: { packetBytesMax: 20 } });
  const closing = client.close({ reasonCode: 0x04, reasonString: "x".repeat(50) });
  assertEquals(await peer.expect("disconnect"), { type: "disconnect", reasonCode: 0x04 });
  peer.link.close();
  await closing;
});
