import { assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { ClosedError, connect, ConnectError, PacketError, RefusedError } from "../../broker/client/mod.ts";
import { encode } from "../../broker/packet/mod.ts";
import { memoryLinks } from "../../broker/transport/memory.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { connectedPair, end, idle, isSettled, pairOf, textOf } from "./scripted_peer.ts";

Deno.test("connect says who it is and resolves with the broker's answer", async () => {
  const { connecting, peer } = pairOf({
    clientId: "c",
    cleanStart: false,
    keepAliveSeconds: 7,
    username: "ana",
    password: "secret",
    will: { topic: "gone", payload: "bye", qos: 1, retain: true },
  });
  const { will, password, ...connectPacket } = await peer.expect("connect");
  assertEquals(connectPacket, {
    type: "connect",
    version: 4,
    cleanStart: false,
    keepAliveSeconds: 7,
    clientId: "c",
    username: "ana",
    sessionExpirySeconds: Infinity,
    receiveMaximum: 65_535,
    packetBytesMax: Infinity,
    topicAliasMax: 0,
    requestProblemInformation: true,
    requestResponseInformation: false,
  });
  assertEquals(textOf(password!), "secret");
  assertEquals({ ...will, payload: textOf(will!.payload) }, {
    topic: "gone",
    payload: "bye",
    qos: 1,
    retain: true,
    delaySeconds: 0,
    properties: undefined,
  });
  assertEquals(await isSettled(connecting), false);
  await peer.send({ type: "connack", sessionPresent: true, reasonCode: 0 });
  const client = await connecting;
  assertEquals(client.sessionPresent, true);
  await end({ client, peer });
});

Deno.test("connect speaks MQTT 3.1 with an identifier of its own making", async () => {
  const { connecting, peer } = pairOf({ version: 3 });
  const packet = await peer.expect("connect");
  assertEquals(packet.version, 3);
  assertMatch(packet.clientId, /^pregon-.{8}$/);
  await peer.send({ type: "connack", sessionPresent: false, reasonCode: 0 });
  await end({ client: await connecting, peer });
});

Deno.test("a refused connection rejects with its reason in words and closes the link", async () => {
  const words: [code: number, message: string][] = [
    [0x84, "Connection refused: unsupported protocol version"],
    [0x85, "Connection refused: client identifier not valid"],
    [0x86, "Connection refused: bad user name or password"],
    [0x87, "Connection refused: not authorized"],
    [0x88, "Connection refused: server unavailable"],
  ];
  for (const [reasonCode, message] of words) {
    const { connecting, peer } = pairOf();
    await peer.expect("connect");
    await peer.send({ type: "connack", sessionPresent: false, reasonCode });
    const error = await assertRejects(() => connecting, RefusedError, message);
    assertEquals(error.reasonCode, reasonCode);
    assertEquals(await peer.receive(), undefined);
  }
});

Deno.test("a broker that closes without an answer, or answers something else, is told apart", async () => {
  const silent = pairOf();
  await silent.peer.expect("connect");
  silent.peer.link.close();
  await assertRejects(() => silent.connecting, ClosedError, "closed the connection without an answer");

  const other = pairOf();
  await other.peer.send({ type: "pingresp" });
  await assertRejects(() => other.connecting, ClosedError, "Cannot accept PINGRESP before CONNACK");

  const noise = pairOf();
  await noise.peer.sendBytes(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n".repeat(9)));
  await assertRejects(() => noise.connecting, ClosedError, "The broker broke the protocol");
});

Deno.test("a broker that says nothing is given up when the time is over", async () => {
  const clock = new SimulatedClock();
  const { connecting } = pairOf({ clock, connectTimeoutSeconds: 3 });
  clock.advance(2_999);
  assertEquals(await isSettled(connecting), false);
  clock.advance(1);
  await assertRejects(() => connecting, ClosedError, "The broker did not answer CONNECT within 3 s");
  assertEquals(clock.timerCount, 0);
});

Deno.test("connect rejects with one line when nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await assertRejects(() => connect({ port }), ConnectError);
  assertEquals(error.message, `Cannot connect to 127.0.0.1:${port}: Connection refused`);
});

Deno.test("a CONNECT that cannot be said rejects and closes its link", async () => {
  const [near, far] = memoryLinks("peer");
  await assertRejects(() => connect({ link: near, password: "x" }), PacketError);
  assertEquals(await far.read(new Uint8Array(1)), null);
});

Deno.test("packets that come one byte at a time are understood", async () => {
  const { connecting, peer } = pairOf();
  await peer.expect("connect");
  const connack = encode({ type: "connack", sessionPresent: false, reasonCode: 0 }, 4);
  for (const byte of connack) {
    await peer.sendBytes(Uint8Array.of(byte));
    await idle();
  }
  await end({ client: await connecting, peer });
});

Deno.test("the client pings a broker it says nothing to, and leaves one that stays silent", async () => {
  const clock = new SimulatedClock();
  const { client, peer } = await connectedPair({ clock, keepAliveSeconds: 10 });
  clock.advance(5_000);
  await peer.expect("pingreq");
  await peer.send({ type: "pingresp" });
  await idle();
  clock.advance(5_000);
  await peer.expect("pingreq");
  clock.advance(9_999);
  assertEquals(await isSettled(client.closed), false);
  clock.advance(1);
  assertMatch((await client.closed)!.message, /silent for 10 s/);
  assertEquals(clock.timerCount, 0);
});

Deno.test("a client that publishes needs no pings, and one without keep-alive sends none", async () => {
  const clock = new SimulatedClock();
  const busy = await connectedPair({ clock, keepAliveSeconds: 10 });
  for (let second = 0; second < 30; second++) {
    clock.advance(1_000);
    await busy.client.publish("a", "x");
    await busy.peer.expect("publish");
  }
  await end(busy);
  const calm = await connectedPair({ clock, keepAliveSeconds: 0 });
  assertEquals(clock.timerCount, 0);
  await end(calm);
});

Deno.test("close says goodbye, ends everything, and may be called again", async () => {
  const clock = new SimulatedClock();
  const { client, peer } = await connectedPair({ clock });
  const publishing = client.publish("a", "x", { qos: 1 });
  const refused = assertRejects(() => publishing, ClosedError, "The client was closed");
  await peer.expect("publish");
  const closing = client.close();
  await peer.expect("disconnect");
  assertEquals(await isSettled(closing), false, "The broker has not closed the link yet");
  peer.link.close();
  await closing;
  await client.close();
  await refused;
  assertStrictEquals(await client.closed, undefined);
  await assertRejects(() => client.publish("a", "x"), ClosedError);
  await assertRejects(() => client.subscribe("a"), ClosedError);
  assertEquals(clock.timerCount, 0);
});

Deno.test("close waits no longer than two seconds for the broker's end", async () => {
  const clock = new SimulatedClock();
  const { client, peer } = await connectedPair({ clock });
  const closing = client.close();
  await peer.expect("disconnect");
  clock.advance(2_000);
  await closing;
});
