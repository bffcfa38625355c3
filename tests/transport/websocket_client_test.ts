import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { memoryLinks, MemoryListener } from "../../broker/transport/memory.ts";
import { connectTcp, TcpListener } from "../../broker/transport/tcp.ts";
import { type Link, LinkError } from "../../broker/transport/transport.ts";
import { openWebSocket, WebSocketListener } from "../../broker/transport/websocket.ts";
import { acceptKey } from "../../broker/transport/websocket_handshake.ts";
import {
  isExtraHeader,
  UpgradeError,
  type WebSocketRequest,
} from "../../broker/transport/websocket_request.ts";
import { testTransport } from "../contract/transport_contract.ts";
import { within } from "../support/eventually.ts";
import { OpeningLink } from "../support/opening_link.ts";
import { frame } from "../support/websocket_client.ts";

const HOST = "127.0.0.1";
const REQUEST: WebSocketRequest = { host: "localhost:8080", path: "/mqtt" };
const encoder = new TextEncoder();
const decoder = new TextDecoder();

testTransport({
  name: "websocket on both sides",
  listen: () => new WebSocketListener(new TcpListener(HOST, 0, "ws")),
  connect: async (listener) => new OpeningLink(openWebSocket(await connectTcp(HOST, listener.port), REQUEST)),
});

const inners = new WeakMap<WebSocketListener, MemoryListener>();

testTransport({
  name: "websocket on both sides over memory",
  listen: () => {
    const inner = new MemoryListener();
    const listener = new WebSocketListener(inner);
    inners.set(listener, inner);
    return listener;
  },
  connect: (listener) => {
    const link = inners.get(listener as WebSocketListener)!.connect();
    return new OpeningLink(openWebSocket(link, REQUEST));
  },
});

/** A server that says what a test wants. */
class ScriptedServer {
  readonly client: Link;
  readonly opening: Promise<void>;
  readonly #link: Link;

  constructor(request: Partial<WebSocketRequest> = {}) {
    const [near, far] = memoryLinks("peer");
    this.#link = far;
    this.client = openWebSocket(near, { ...REQUEST, ...request });
    this.opening = this.client.open!();
    this.opening.catch(() => {});
  }

  async request(): Promise<string> {
    return decoder.decode(await this.receive());
  }

  async receive(): Promise<Uint8Array> {
    const buffer = new Uint8Array(64 * 1024);
    const count = await within(this.#link.read(buffer), () => "nothing came");
    return buffer.slice(0, count ?? 0);
  }

  async send(...parts: readonly (string | Uint8Array)[]): Promise<void> {
    for (const part of parts) {
      const bytes = typeof part === "string" ? encoder.encode(part) : part;
      for (let sent = 0; sent < bytes.length;) sent += await this.#link.write(bytes.subarray(sent));
    }
  }

  /** The answer that makes a WebSocket, with other headers or without some. */
  async answer(changes: Readonly<Record<string, string | null>> = {}): Promise<string> {
    const [, key] = /^Sec-WebSocket-Key: (.*)\r$/m.exec(await this.request())!;
    const headers: Record<string, string | null> = {
      "Upgrade": "websocket",
      "Connection": "Upgrade",
      "Sec-WebSocket-Accept": await acceptKey(key!),
      "Sec-WebSocket-Protocol": "mqtt",
      ...changes,
    };
    const lines = Object.entries(headers).filter(([, value]) => value !== null).map(([name, value]) =>
      `${name}: ${value}`
    );
    return ["HTTP/1.1 101 Switching Protocols", ...lines, "", ""].join("\r\n");
  }

  close(): void {
    this.client.close();
    this.#link.close();
  }
}

async function openPair(): Promise<ScriptedServer> {
  const server = new ScriptedServer();
  await server.send(await server.answer());
  await within(server.opening, () => "it does not open");
  return server;
}

const serverFrame = (payload: Uint8Array, opcode = 2) => frame(payload, { opcode, isMasked: false });

Deno.test("[MQTT-6.0.0-3] [MQTT5-6.0.0-3] a client asks for the path, offers mqtt and has a new key each time", async () => {
  const keys = new Set<string>();
  for (let count = 0; count < 3; count++) {
    const server = new ScriptedServer({ path: "/a?b=c", headers: { "X-Token": "t" } });
    const request = await server.request();
    assert(request.startsWith("GET /a?b=c HTTP/1.1\r\nHost: localhost:8080\r\n"), request);
    assertStringIncludes(request, "\r\nSec-WebSocket-Protocol: mqtt\r\n");
    assertStringIncludes(request, "\r\nX-Token: t\r\n");
    const [, key] = /\r\nSec-WebSocket-Key: ([A-Za-z0-9+/]{22}==)\r\n/.exec(request)!;
    keys.add(key!);
    server.close();
  }
  assertEquals(keys.size, 3);
});

Deno.test("a server that says no is told by its status", async () => {
  for (
    const [line, words] of [["404 Not Found", "404 Not Found"], ["503 ", "503"], ["302", "302"]] as const
  ) {
    const server = new ScriptedServer();
    await server.request();
    await server.send(`HTTP/1.1 ${line}\r\nLocation: /else\r\n\r\nwhatever`);
    const error = await assertRejects(() => within(server.opening, () => "it goes on"), UpgradeError);
    assertEquals([error.status, error.message], [
      Number(words.slice(0, 3)),
      `There is no WebSocket: the answer is ${words}`,
    ]);
    server.close();
  }
});

Deno.test("an answer that makes no WebSocket of this request is none", async () => {
  const cases: [changes: Record<string, string | null>, words: string][] = [
    [{ Upgrade: "h2c" }, "upgrades to something else"],
    [{ Connection: null }, "upgrades to something else"],
    [{ "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" }, "is to another request"],
    [{ "Sec-WebSocket-Accept": null }, "is to another request"],
    [{ "Sec-WebSocket-Protocol": null }, "does not choose the subprotocol mqtt"],
    [{ "Sec-WebSocket-Protocol": "chat" }, "does not choose the subprotocol mqtt"],
    [{ "Sec-WebSocket-Extensions": "permessage-deflate" }, "extensions that nobody asked for"],
    [{ "Bad Name": "x" }, "is none of HTTP/1.1"],
  ];
  for (const [changes, words] of cases) {
    const server = new ScriptedServer();
    await server.send(await server.answer(changes));
    await assertRejects(() => within(server.opening, () => "it goes on"), LinkError, words);
    server.close();
  }
});

Deno.test("what is no answer, or has no end, does not hold a client up", async () => {
  const mqtt = new ScriptedServer();
  await mqtt.request();
  await mqtt.send(Uint8Array.of(0x20, 2, 0, 0), "\r\n\r\n");
  await assertRejects(() => within(mqtt.opening, () => "it goes on"), LinkError, "is none of HTTP/1.1");
  const endless = new ScriptedServer();
  await endless.request();
  await endless.send(`HTTP/1.1 101 Switching Protocols\r\nX-Pad: ${"x".repeat(9_000)}`);
  await assertRejects(() => within(endless.opening, () => "it goes on"), LinkError, "longer than 8192 bytes");
  const short = new ScriptedServer();
  await short.request();
  await short.send("HTTP/1.1 101");
  short.close();
  await assertRejects(() => within(short.opening, () => "it goes on"), Error);
  [mqtt, endless].forEach((server) => server.close());
});

Deno.test("what came right behind the answer is read first, and the rest after it", async () => {
  const server = new ScriptedServer();
  const answer = await server.answer();
  await server.send(Uint8Array.from([...encoder.encode(answer), ...serverFrame(Uint8Array.of(1, 2, 3))]));
  await server.opening;
  await server.send(serverFrame(Uint8Array.of(4)));
  const bytes: number[] = [];
  while (bytes.length < 4) {
    const buffer = new Uint8Array(4);
    bytes.push(...buffer.subarray(0, await server.client.read(buffer) ?? 0));
  }
  assertEquals(bytes, [1, 2, 3, 4]);
  server.close();
});

Deno.test("[MQTT-6.0.0-1] [MQTT5-6.0.0-1] a client sends binary frames, each under a mask of its own", async () => {
  const server = await openPair();
  const payload = encoder.encode("the same");
  const seen = new Set<string>();
  for (let count = 0; count < 4; count++) {
    await server.client.write(payload);
    const sent = await server.receive();
    assertEquals([sent[0], sent[1]], [0x82, 0x80 | payload.length]);
    const mask = sent.subarray(2, 6);
    assertEquals(sent.subarray(6).map((byte, index) => byte ^ mask[index & 3]!), payload);
    seen.add(mask.join());
  }
  assert(seen.size > 1);
  server.close();
});

Deno.test("a masked frame of a server ends the link with 1002, a text frame with 1003", async () => {
  for (
    const [bytes, code] of [
      [frame(Uint8Array.of(1)), 1002],
      [serverFrame(encoder.encode("hello"), 1), 1003],
    ] as const
  ) {
    const server = await openPair();
    await server.send(bytes);
    await assertRejects(() => server.client.read(new Uint8Array(10)), LinkError, "Cannot accept");
    server.client.close();
    const close = await server.receive();
    assertEquals([close[0], close[1]], [0x88, 0x82]);
    assertEquals(((close[6]! ^ close[2]!) << 8) | (close[7]! ^ close[3]!), code);
    server.close();
  }
});

Deno.test("a ping of the server is answered, and its close frame is the end", async () => {
  const server = await openPair();
  const reading = server.client.read(new Uint8Array(10));
  await server.send(serverFrame(Uint8Array.of(5, 6), 9));
  const pong = await server.receive();
  assertEquals([pong[0], pong[1], pong[6]! ^ pong[2]!, pong[7]! ^ pong[3]!], [0x8a, 0x82, 5, 6]);
  await server.send(serverFrame(Uint8Array.of(3, 232), 8));
  assertEquals(await within(reading, () => "no end"), null);
  server.close();
});

Deno.test("headers that would break the request, or that it says itself, are none beside it", () => {
  for (const [name, value] of [["X-A", "1"], ["Authorization", "Bearer a.b"], ["Cookie", ""]] as const) {
    assert(isExtraHeader(name, value), name);
  }
  for (
    const [name, value] of [["X A", "1"], ["", "1"], ["X-A", "1\r\nX-B: 2"], ["host", "x"], ["X-A", "é"], [
      "Sec-WebSocket-Key",
      "x",
    ]] as const
  ) {
    assert(!isExtraHeader(name, value), name);
  }
});
