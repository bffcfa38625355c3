import { assertEquals, assertStringIncludes } from "@std/assert";
import { LinkServer, type RequestInfo } from "../../bridge/mod.ts";
import { Broker, silentLog } from "../../broker/mod.ts";
import { memoryLinks } from "../../broker/transport/memory.ts";
import type { Link } from "../../broker/transport/transport.ts";
import { eventually, within } from "../support/eventually.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { frame, handshake, WebSocketReader } from "../support/websocket_client.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const encoder = new TextEncoder();

type Answer = Response | undefined;

/** A server, what it learns of its requests, and where it listens inside. */
function start(answer: (info: RequestInfo) => Answer | Promise<Answer> = () => new Response("hello")) {
  const infos: RequestInfo[] = [];
  let port = 0;
  const https = new LinkServer(async (_request, info) => {
    infos.push(info);
    return await answer(info) ?? new Response(null, { status: 400 });
  }, {
    log: silentLog,
    clock: new SimulatedClock(),
    turn: new Broker().turn,
    isSecure: true,
    stallSeconds: 60,
    onStall: () => {},
    idleSeconds: 75,
    onIdle: () => {},
    serve: (options, handler) => {
      const server = Deno.serve(options, handler);
      port = server.addr.port;
      return server;
    },
  });
  return { https, infos, innerPort: () => port };
}

async function readAll(link: Pick<Link, "read">): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(1024);
  for (;;) {
    const count = await link.read(buffer);
    if (count === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
}

Deno.test("a request over a link is the peer's of the link, and came by TLS", async () => {
  const { https, infos } = start();
  const [near, far] = memoryLinks("[2001:db8::7]:4711");
  const serving = https.serve(Object.assign(far, { address: "2001:db8::7" }));
  await near.write(encoder.encode(REQUEST));
  const answer = await readAll(near);
  assertEquals([answer.slice(0, 15), answer.slice(-5)], ["HTTP/1.1 200 OK", "hello"]);
  assertEquals(infos.map(({ remoteAddr, isSecure }) => [remoteAddr, isSecure]), [
    [{ transport: "tcp", hostname: "2001:db8::7", port: 4711 }, true],
  ]);
  await serving;
  await https.shutdown();
});

Deno.test("whoever finds the port inside is let in to nothing", async () => {
  const { https, infos, innerPort } = start();
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: innerPort() });
  await connection.write(encoder.encode(REQUEST));
  assertEquals((await readAll(connection)).slice(0, 12), "HTTP/1.1 403");
  connection.close();
  assertEquals(infos, []);
  await https.shutdown();
});

Deno.test("a link that breaks ends what it was served by", async () => {
  const { https } = start();
  const [near, far] = memoryLinks("192.0.2.1:1");
  const serving = https.serve(far);
  await near.write(encoder.encode("GET / HTTP/1.1\r\nHost: loc"));
  far.close();
  assertEquals(await within(serving, () => "It is still served"), undefined);
  await https.shutdown();
});

/** A WebSocket for whom a proxy spoke, and how often it was closed. */
function opening() {
  const closed = { count: 0 };
  const whose = { peer: "192.0.2.7", address: "192.0.2.7" };
  const answer = { key: "dGhlIHNhbXBsZSBub25jZQ==", protocol: "mqtt" };
  return { ...whose, ...answer, onClose: () => void closed.count++, closed };
}

Deno.test("a request makes a WebSocket of its link, which HTTP has nothing to do with any more", async () => {
  const wish = opening();
  const { https } = start(({ openWebSocket }) => openWebSocket!(new Request("http://x/"), wish));
  const [near, far] = memoryLinks("192.0.2.1:1");
  const serving = https.serve(far);
  await near.write(handshake());
  const socket = (await within(serving, () => "It is still served"))!;
  assertEquals([socket.peer, socket.address], ["192.0.2.7", "192.0.2.7"]);
  await socket.open!();
  const reader = new WebSocketReader(near);
  assertStringIncludes(await reader.head(), "HTTP/1.1 101 Switching Protocols\r\n");
  https.dropIdle();
  await https.shutdown();
  // The first of it was asked for by HTTP already; it comes in parts all the same.
  const [buffer, texts] = [new Uint8Array(3), ["hel", "lo ", "you"]];
  await near.write(frame(encoder.encode("hello ")));
  for (const text of texts) {
    if (text === "you") await near.write(frame(encoder.encode("you")));
    let read = "";
    while (read.length < text.length) {
      const count = (await socket.read(buffer.subarray(0, text.length - read.length)))!;
      read += new TextDecoder().decode(buffer.subarray(0, count));
    }
    assertEquals(read, text);
  }
  assertEquals(wish.closed.count, 0);
  socket.close();
  assertEquals((await reader.frame())!.opcode, 0x88);
  await eventually(() => assertEquals(wish.closed.count, 1));
  socket.close();
  assertEquals(wish.closed.count, 1);
});

Deno.test("a WebSocket whose link breaks before it opens is closed at once", async () => {
  const wish = opening();
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const { https } = start(async ({ openWebSocket }) => {
    asked.resolve();
    await gone.promise;
    return openWebSocket!(new Request("http://x/"), wish);
  });
  const [near, far] = memoryLinks("192.0.2.1:1");
  const serving = https.serve(far);
  await near.write(handshake());
  await asked.promise;
  far.close();
  assertEquals(await within(serving, () => "It is still served"), undefined);
  gone.resolve();
  await eventually(() => assertEquals(wish.closed.count, 1));
  await https.shutdown();
});

/** The bytes that a client gets out of its WebSocket's frames. */
async function readText(socket: Link, length: number): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(7);
  while (text.length < length) {
    const count = (await within(socket.read(buffer), () => `Only ${text} came`))!;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return text;
}

/** A server that opens a WebSocket when it is let, and a link to it. */
function startSlowly() {
  const allowed = Promise.withResolvers<void>();
  const wish = opening();
  const { https, infos } = start(async ({ openWebSocket }) => {
    await allowed.promise;
    return openWebSocket!(new Request("http://x/"), wish);
  });
  const [near, far] = memoryLinks("192.0.2.1:1");
  return { https, infos, near, far, serving: https.serve(far), allow: allowed.resolve, wish };
}

Deno.test("what a client sends before its WebSocket is open is the WebSocket's, wherever it is split", async () => {
  const head = handshake();
  const all = Uint8Array.from([
    ...head,
    ...frame(encoder.encode("one\r\n\r\n")),
    ...frame(encoder.encode("two")),
  ]);
  for (let split = head.length - 5; split <= all.length; split++) {
    const { https, infos, near, serving, allow } = startSlowly();
    await near.write(all.subarray(0, split));
    // The rest comes before the request is heard, or behind it, and is read by then or not.
    if (split >= head.length) await eventually(() => assertEquals(infos.length, 1));
    await near.write(all.subarray(split));
    if (split % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    allow();
    const socket = (await within(serving, () => `It is still served, split at ${split}`))!;
    await socket.open!();
    assertEquals(await readText(socket, 10), "one\r\n\r\ntwo");
    await near.write(frame(encoder.encode("three")));
    assertEquals(await readText(socket, 5), "three");
    near.close();
    socket.close();
    await https.shutdown();
  }
});

Deno.test("a WebSocket has all that its client sent before it closed its side", async () => {
  const { https, near, serving, allow, wish } = startSlowly();
  await near.write(handshake());
  await near.write(frame(encoder.encode("all")));
  near.close();
  allow();
  const socket = (await within(serving, () => "It is still served"))!;
  assertEquals(await readText(socket, 3), "all");
  assertEquals(await socket.read(new Uint8Array(7)), null);
  socket.close();
  await eventually(() => assertEquals(wish.closed.count, 1));
  await https.shutdown();
});

Deno.test("there is no WebSocket where more was sent before it is open than is kept", async () => {
  const { https, near, far, serving, allow, wish } = startSlowly();
  await near.write(handshake());
  // Twice what the link holds, so half of it at least is passed on by then.
  const early = frame(new Uint8Array(128 * 1024));
  for (let sent = 0; sent < early.length;) sent += await near.write(early.subarray(sent));
  allow();
  const buffer = new Uint8Array(100);
  const count = (await within(near.read(buffer), () => "No answer came"))!;
  assertStringIncludes(new TextDecoder().decode(buffer.subarray(0, count)), "HTTP/1.1 400 ");
  assertEquals(wish.closed.count, 0);
  far.close();
  await serving;
  await https.shutdown();
});
