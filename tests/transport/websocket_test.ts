import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MemoryListener } from "../../broker/transport/memory.ts";
import { connectTcp, TcpListener } from "../../broker/transport/tcp.ts";
import { type Link, LinkError, type Listener } from "../../broker/transport/transport.ts";
import { WebSocketListener } from "../../broker/transport/websocket.ts";
import type { PageGuard } from "../../broker/transport/websocket_handshake.ts";
import { testTransport } from "../contract/transport_contract.ts";
import { within } from "../support/eventually.ts";
import { frame, handshake, WebSocketClientLink, WebSocketReader } from "../support/websocket_client.ts";

const HOST = "127.0.0.1";
const decoder = new TextDecoder();

testTransport({
  name: "websocket",
  listen: () => new WebSocketListener(new TcpListener(HOST, 0, "ws")),
  connect: async (listener) => new WebSocketClientLink(await connectTcp(HOST, listener.port)),
});

const inners = new WeakMap<Listener, MemoryListener>();

function listenInMemory(guard?: PageGuard): WebSocketListener {
  const inner = new MemoryListener();
  const listener = new WebSocketListener(inner, guard);
  inners.set(listener, inner);
  return listener;
}

testTransport({
  name: "websocket over memory",
  listen: () => listenInMemory(),
  connect: (listener) => new WebSocketClientLink(inners.get(listener)!.connect()),
});

/** A client that sends bytes as they are. */
async function connectRaw(request: Uint8Array, guard?: PageGuard): Promise<[near: Link, far: Link]> {
  const listener = listenInMemory(guard);
  const near = inners.get(listener)!.connect();
  await near.write(request);
  return [near, (await listener.accept())!];
}

async function assertRefused(request: Uint8Array, status: number, guard?: PageGuard): Promise<string> {
  const [near, far] = await connectRaw(request, guard);
  await assertRejects(() => within(far.open!(), () => "it goes on"), LinkError, "WebSocket handshake failed");
  far.close();
  const answer = await new WebSocketReader(near).rest();
  assertStringIncludes(answer, `HTTP/1.1 ${status} `);
  assertStringIncludes(answer, "Content-Type: application/problem+json");
  const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
  assertEquals(JSON.parse(body).status, status);
  return answer;
}

Deno.test("[MQTT-6.0.0-4] [MQTT5-6.0.0-4] the answer names the first subprotocol offered that is MQTT's", async () => {
  for (
    const [offered, chosen] of [
      ["mqtt", "mqtt"],
      ["mqttv3.1", "mqttv3.1"],
      ["mqttv3.1, mqtt", "mqttv3.1"],
      ["chat,mqtt", "mqtt"],
    ] as const
  ) {
    const [near, far] = await connectRaw(handshake({ headers: { "Sec-WebSocket-Protocol": offered } }));
    await far.open!();
    const head = await new WebSocketReader(near).head();
    assertStringIncludes(head, "HTTP/1.1 101 Switching Protocols\r\n");
    assertStringIncludes(head, `\r\nSec-WebSocket-Protocol: ${chosen}\r\n`);
    // The example of RFC 6455, 1.3.
    assertStringIncludes(head, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    far.close();
  }
});

Deno.test("[MQTT-6.0.0-3] [MQTT5-6.0.0-3] a WebSocket that offers no subprotocol of MQTT is refused with the reason", async () => {
  for (const offered of [null, "chat", "MQTT", "mqtt5"]) {
    const answer = await assertRefused(handshake({ headers: { "Sec-WebSocket-Protocol": offered } }), 400);
    assertStringIncludes(answer, "mqtt or mqttv3.1");
  }
});

Deno.test("Upgrade and Connection are compared without regard to case, among others", async () => {
  for (
    const headers of [
      { Upgrade: "WebSocket", Connection: "keep-alive, UPGRADE" },
      { Upgrade: "h2c, WEBSOCKET", Connection: "upgrade" },
    ]
  ) {
    const [, far] = await connectRaw(handshake({ headers }));
    await far.open!();
    far.close();
  }
});

Deno.test("what is no opening handshake is refused", async () => {
  await assertRefused(handshake({ headers: { Upgrade: "h2c" } }), 426);
  await assertRefused(handshake({ headers: { Upgrade: null } }), 426);
  await assertRefused(handshake({ headers: { Connection: "close" } }), 426);
  await assertRefused(handshake({ headers: { "Sec-WebSocket-Version": "8" } }), 426);
  await assertRefused(handshake({ headers: { "Sec-WebSocket-Key": "short" } }), 400);
  await assertRefused(handshake({ headers: { "Sec-WebSocket-Key": null } }), 400);
  await assertRefused(handshake({ headers: { "Bad Name": "x" } }), 400);
  const encoder = new TextEncoder();
  await assertRefused(encoder.encode("\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01x\r\n\r\n"), 400);
  const post = decoder.decode(handshake()).replace("GET", "POST");
  await assertRefused(encoder.encode(post), 405);
});

Deno.test("a head is read up to 8 KiB, however it is divided", async () => {
  const padded = (bytes: number) => {
    const bare = handshake({ headers: { "X-Pad": "" } }).length;
    return handshake({ headers: { "X-Pad": "x".repeat(bytes - bare) } });
  };
  const [, far] = await connectRaw(padded(8192));
  await far.open!();
  far.close();
  await assertRefused(padded(8193), 431);
  const listener = listenInMemory();
  const near = inners.get(listener)!.connect();
  const link = await listener.accept();
  const opening = link!.open!();
  for (const byte of handshake()) await near.write(Uint8Array.of(byte));
  await within(opening, () => "it goes on");
  link!.close();
});

Deno.test("a page is asked for its origin, and what is no page is not", async () => {
  const guard: PageGuard = ({ origin, host }) =>
    origin === "https://ours" ? undefined : `not ${origin} at ${host}`;
  const answer = await assertRefused(handshake({ headers: { Origin: "https://theirs" } }), 403, guard);
  assertStringIncludes(answer, "not https://theirs at localhost");
  for (const Origin of ["https://ours", null]) {
    const [, far] = await connectRaw(handshake({ headers: { Origin } }), guard);
    await far.open!();
    far.close();
  }
});

Deno.test("what came right behind the handshake is read first", async () => {
  const early = frame(Uint8Array.of(1, 2, 3));
  const [near, far] = await connectRaw(Uint8Array.from([...handshake(), ...early]));
  await far.open!();
  await near.write(frame(Uint8Array.of(4)));
  const bytes: number[] = [];
  while (bytes.length < 4) {
    const buffer = new Uint8Array(4);
    bytes.push(...buffer.subarray(0, await far.read(buffer) ?? 0));
  }
  assertEquals(bytes, [1, 2, 3, 4]);
  far.close();
});

async function openRaw(): Promise<[near: Link, far: Link, reader: WebSocketReader]> {
  const [near, far] = await connectRaw(handshake());
  await far.open!();
  const reader = new WebSocketReader(near);
  await reader.head();
  return [near, far, reader];
}

Deno.test("a ping is answered with its own bytes, while nothing else is sent", async () => {
  const [near, far, reader] = await openRaw();
  const reading = far.read(new Uint8Array(100));
  await near.write(frame(Uint8Array.of(5, 6), { opcode: 9 }));
  const pong = await within(reader.frame(), () => "no pong");
  assertEquals([pong!.opcode, [...pong!.payload]], [0x8a, [5, 6]]);
  far.close();
  await assertRejects(() => reading, Error);
});

Deno.test("of a flood of pings whose answers nobody reads the last is answered, few before it, and nothing waits for them", async () => {
  const [near, far, reader] = await openRaw();
  const reading = far.read(new Uint8Array(1000));
  const ping = frame(new Uint8Array(125), { opcode: 9 });
  for (let count = 0; count < 5_000; count++) await near.write(ping);
  await near.write(frame(Uint8Array.of(42), { opcode: 9 }));
  await near.write(frame(Uint8Array.of(9)));
  assertEquals(await within(reading, () => "the flood holds it up"), 1);
  let pongs = 1;
  while ((await within(reader.frame(), () => `only ${pongs} pongs`))!.payload[0] !== 42) pongs++;
  assert(pongs < 1_000, `${pongs} pongs waited for one who does not read`);
  far.close();
});

Deno.test("[MQTT-6.0.0-1] [MQTT5-6.0.0-1] a text frame ends the link, which closes with 1003", async () => {
  const [near, far, reader] = await openRaw();
  await near.write(frame(new TextEncoder().encode("hello"), { opcode: 1 }));
  await assertRejects(() => far.read(new Uint8Array(10)), LinkError, "text frame");
  far.close();
  const close = await reader.frame();
  assertEquals([close!.opcode, [...close!.payload]], [0x88, [1003 >> 8, 1003 & 0xff]]);
  assertEquals(await reader.frame(), undefined);
});

Deno.test("a close frame is answered with its code, and is the end of reading", async () => {
  const [near, far, reader] = await openRaw();
  await near.write(frame(Uint8Array.of(3, 233, 0x62), { opcode: 8 }));
  assertEquals(await far.read(new Uint8Array(10)), null);
  far.close();
  const close = await reader.frame();
  assertEquals([close!.opcode, [...close!.payload]], [0x88, [3, 233]]);
  assertEquals(await reader.frame(), undefined);
});

Deno.test("closing says 1000", async () => {
  const [, far, reader] = await openRaw();
  far.close();
  const close = await reader.frame();
  assertEquals([close!.opcode, [...close!.payload]], [0x88, [1000 >> 8, 1000 & 0xff]]);
});
