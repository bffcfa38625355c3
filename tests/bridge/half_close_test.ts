import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect } from "node:net";
import { createBridge, LinkServer, type RequestInfo } from "../../bridge/mod.ts";
import { Broker, type BrokerOptions } from "../../broker/broker.ts";
import { type Clock, silentLog } from "../../broker/mod.ts";
import { Server } from "../../broker/server.ts";
import { TcpListener } from "../../broker/transport/tcp.ts";
import type { Link } from "../../broker/transport/transport.ts";
import { eventually, within } from "../support/eventually.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { frame, handshake, WebSocketReader } from "../support/websocket_client.ts";

const HOST = "127.0.0.1";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Fetch = (request: Request, info: RequestInfo) => Response | Promise<Response>;

/** HTTP as it is behind TLS, which is not of interest here. */
class Web implements AsyncDisposable {
  readonly server: Server;
  readonly https: LinkServer;
  stallCount = 0;
  readonly port: number;
  readonly #broker: Broker;

  constructor(broker: Broker, fetch: Fetch, clock: Clock) {
    this.#broker = broker;
    this.server = new Server(broker, { sysIntervalSeconds: 0 });
    this.https = new LinkServer(fetch, {
      clock,
      turn: broker.turn,
      log: silentLog,
      isSecure: true,
      stallSeconds: 60,
      onStall: () => this.stallCount++,
      idleSeconds: 75,
      onIdle: () => void broker.counters.met("httpIdleSeconds"),
    });
    const listener = new TcpListener(HOST, 0);
    this.port = listener.port;
    this.server.listen(listener, { serve: (link) => this.https.serve(link) });
  }

  /** A client that sends this. */
  async connect(...parts: readonly (string | Uint8Array)[]): Promise<Deno.TcpConn> {
    const connection = await Deno.connect({ hostname: HOST, port: this.port });
    for (const part of parts) {
      const bytes = typeof part === "string" ? encoder.encode(part) : part;
      for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
    }
    return connection;
  }

  /** A client that sends this, and closes its side. */
  async open(...parts: readonly (string | Uint8Array)[]): Promise<Deno.TcpConn> {
    const connection = await this.connect(...parts);
    await connection.closeWrite();
    return connection;
  }

  /** All that such a client gets. */
  async ask(...parts: readonly (string | Uint8Array)[]): Promise<string> {
    using connection = await this.open(...parts);
    return await readAll(connection);
  }

  /** Nothing is left of any client. */
  async settled(): Promise<void> {
    await eventually(() => assertEquals(this.server.connectionCount, 0));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.server.close(), this.https.shutdown()]);
    await this.#broker.close();
    assertEquals(this.server.connectionCount, 0);
  }
}

/** A server of these answers, on a clock that stands still. */
function webOf(fetch: Fetch) {
  const clock = new SimulatedClock();
  const broker = new Broker();
  return Object.assign(new Web(broker, fetch, clock), { broker, clock });
}

/** The bridge of a broker. */
function bridged(options: BrokerOptions = {}) {
  const broker = new Broker(options);
  const bridge = createBridge(broker);
  const web = new Web(broker, bridge.fetch, broker.clock);
  return Object.assign(web, {
    broker,
    bridge,
    async [Symbol.asyncDispose]() {
      await Promise.all([bridge.close(), Web.prototype[Symbol.asyncDispose].call(web)]);
    },
  });
}

async function readAll(connection: Pick<Deno.Conn, "read">): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(64 * 1024);
  for (;;) {
    const count = await within(
      connection.read(buffer),
      () => `there is no end after ${text.slice(-200)}`,
      5_000,
    );
    if (count === null) return text;
    text += decoder.decode(buffer.subarray(0, count));
  }
}

function get(path: string, ...headers: readonly string[]): string {
  return ["GET " + path + " HTTP/1.1", "Host: localhost", ...headers, "", ""].join("\r\n");
}

function put(path: string, body: string): string {
  return `PUT ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function statuses(text: string): string[] {
  return [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => status!);
}

Deno.test("a client that closes its side gets its answer whole, and then the end", async () => {
  await using web = bridged();
  for (const headers of [[], ["Connection: close"]]) {
    assert((await web.ask(get("/healthz", ...headers))).endsWith("\r\n\r\nok\n"));
  }
  assert((await web.ask(get("/healthz").replace("1.1", "1.0"))).endsWith("\r\n\r\nok\n"));
  const large = "x".repeat(200_000);
  assertEquals(statuses(await web.ask(put("/topics/large?retain=1", large))), ["201"]);
  assert((await web.ask(get("/topics/large"))).endsWith(`\r\n\r\n${large}`));
  await web.settled();
});

Deno.test("requests that were sent one behind the other are all answered, however many", async () => {
  await using web = bridged();
  const many = [...Array(300).keys()].map((index) => put(`/topics/a/${index}?retain=1`, String(index)));
  const answer = await web.ask(many.join(""), get("/topics/a/299"));
  assertEquals(statuses(answer), [...many.map(() => "201"), "200"]);
  assert(answer.endsWith("\r\n\r\n299"));
  await web.settled();
});

Deno.test("an answer that takes its time comes all the same, and the next one as well", async () => {
  const answers = [Promise.withResolvers<Response>(), Promise.withResolvers<Response>()];
  let count = 0;
  await using web = webOf(() => answers[count++]!.promise);
  const client = await web.open(get("/1"), get("/2"));
  for (const [index, { resolve }] of answers.entries()) {
    await eventually(() => assertEquals(count, index + 1));
    web.clock.advance(59_000);
    resolve(new Response(`answer ${index + 1}`));
  }
  const reading = readAll(client);
  await eventually(() => {
    web.clock.advance(10);
    assertEquals(web.server.connectionCount, 0);
  });
  const text = await reading;
  assertStringIncludes(text, "\r\n\r\nanswer 1HTTP/1.1 200 ");
  assert(text.endsWith("\r\n\r\nanswer 2"));
  assertEquals([web.stallCount, web.clock.timerCount], [0, 0]);
  client.close();
});

Deno.test("what is no whole request gets the end, and what is no whole body an answer as soon as it is overdue", async () => {
  await using web = bridged({ limits: { stallSeconds: 1 } });
  assertEquals(await web.ask(""), "");
  assertEquals(await web.ask(get("/healthz").slice(0, -2)), "");
  assertEquals(statuses(await web.ask(get("/healthz"), get("/healthz").slice(0, -2))), ["200"]);
  assertStringIncludes(await web.ask(put("/topics/a", "hello").slice(0, -1)), "/problems/upload-stalled");
  await web.settled();
});

Deno.test("a stream ends when its client closes its side, before it is open or later", async () => {
  await using web = bridged();
  await web.ask(get("/stream/a"));
  await web.settled();
  const client = await web.connect(get("/stream/a"));
  await eventually(() => assertEquals(web.bridge.streamCount, 1));
  await client.closeWrite();
  await readAll(client);
  await eventually(() => assertEquals(web.bridge.streamCount, 0));
  await web.settled();
  client.close();
});

Deno.test("who has followed a stream to its end gets the next answer like everybody", async () => {
  await using web = bridged();
  const client = await web.connect(get("/stream/a?limit=1"));
  await eventually(() => assertEquals(web.bridge.streamCount, 1));
  await web.ask(put("/topics/a", "21.5"));
  await eventually(() => assertEquals(web.bridge.streamCount, 0));
  await client.write(encoder.encode(get("/healthz")));
  await client.closeWrite();
  const text = await readAll(client);
  assertStringIncludes(text, "21.5");
  assert(text.endsWith("\r\n\r\nok\n"));
  client.close();
});

Deno.test("a client that resets its connection leaves nothing behind, also while its answer is awaited", async () => {
  const answer = Promise.withResolvers<Response>();
  let count = 0;
  await using web = webOf(() => {
    count++;
    return answer.promise;
  });
  const client = connect(web.port, HOST);
  client.write(get("/"));
  await eventually(() => assertEquals(count, 1));
  client.resetAndDestroy();
  await web.settled();
  assertEquals(web.clock.timerCount, 0);
  answer.resolve(new Response("late"));
});

Deno.test("a client that closes its side and goes leaves nothing behind once it is answered", async () => {
  const answer = Promise.withResolvers<Response>();
  let count = 0;
  await using web = webOf(() => {
    count++;
    return answer.promise;
  });
  (await web.open(get("/"))).close();
  await eventually(() => assertEquals(count, 1));
  answer.resolve(new Response("x".repeat(1_000_000)));
  await eventually(() => {
    web.clock.advance(10);
    assertEquals(web.server.connectionCount, 0);
  });
  assertEquals([web.stallCount, web.clock.timerCount], [0, 0]);
});

Deno.test("who has closed its side and takes nothing for stallSeconds is not waited for any longer", async () => {
  const [written, taken] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using web = webOf(() => new Response(new Uint8Array(32 * 1024 * 1024)));
  const request = encoder.encode(get("/"));
  let isRead = false;
  let closeCount = 0;
  const link: Link = {
    peer: "192.0.2.1:1",
    read(buffer) {
      if (isRead) return Promise.resolve(null);
      isRead = true;
      buffer.set(request);
      return Promise.resolve(request.length);
    },
    async write(bytes) {
      written.resolve();
      await taken.promise;
      return bytes.length;
    },
    close: () => void closeCount++,
  };
  const serving = web.https.serve(link);
  await written.promise;
  let waitedMs = 0;
  await eventually(() => {
    web.clock.advance(1000);
    waitedMs += 1000;
    assertEquals(closeCount, 1);
  });
  assert(waitedMs >= 60_000, `${waitedMs} ms`);
  await within(serving, () => "It is still served");
  assertEquals([web.stallCount, web.clock.timerCount], [1, 0]);
  taken.resolve();
});

Deno.test("a shutdown waits for the answers of those who have closed their side, and for nothing else of them", async () => {
  const answer = Promise.withResolvers<Response>();
  let count = 0;
  const web = webOf(() => {
    count++;
    return answer.promise;
  });
  const client = await web.open(get("/"));
  await eventually(() => assertEquals(count, 1));
  const over = web[Symbol.asyncDispose]();
  answer.resolve(new Response("late"));
  assert((await readAll(client)).endsWith("\r\n\r\nlate"));
  await within(over, () => "It is not down");
  assertEquals(web.clock.timerCount, 0);
  client.close();
});

Deno.test("MQTT that was sent right behind the request for its WebSocket, and then the end, is all heard", async () => {
  await using web = bridged();
  const messages: string[] = [];
  web.broker.observe(({ topic }) => void messages.push(topic));
  const connect = Uint8Array.of(0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 1, 0x78);
  const publish = Uint8Array.of(0x32, 6, 0, 1, 0x61, 0, 9, 0x78);
  const client = await web.open(handshake(), frame(connect), frame(publish));
  const reader = new WebSocketReader({ peer: "", read: (buffer) => client.read(buffer) } as Link);
  assertStringIncludes(await reader.head(), "HTTP/1.1 101 ");
  assertEquals([...(await reader.frame())!.payload], [0x20, 2, 0, 0]);
  await eventually(() => assertEquals(messages, ["a"]));
  client.close();
  await web.settled();
});

Deno.test("httpIdleSeconds 75: a link without a request under way is closed then, one that has half a request as well", async () => {
  const answer = Promise.withResolvers<Response>();
  let askedCount = 0;
  await using web = webOf(({ url }) => {
    askedCount++;
    return url.endsWith("/slow") ? answer.promise : new Response("soon");
  });
  using silent = await web.connect();
  using half = await web.connect(get("/").slice(0, -2));
  using asking = await web.connect(get("/first"));
  using slow = await web.connect(get("/slow"));
  await eventually(() => assertEquals([web.server.connectionCount, askedCount], [4, 2]));
  await asking.read(new Uint8Array(1024));
  web.clock.advance(10_000);
  await asking.write(encoder.encode(get("/second")));
  await asking.read(new Uint8Array(1024));
  const { limitsMet } = web.broker.counters;
  web.clock.advance(64_900);
  assertEquals(limitsMet.httpIdleSeconds, 0);
  web.clock.advance(100);
  assertEquals(limitsMet.httpIdleSeconds, 2);
  for (const link of [silent, half]) assertEquals(await readAll(link), "");
  await eventually(() => {
    web.clock.advance(1_000);
    assertEquals(limitsMet.httpIdleSeconds, 3);
  });
  assertEquals(await readAll(asking), "");
  await eventually(() => assertEquals(web.server.connectionCount, 1));
  answer.resolve(new Response("late"));
  const buffer = new Uint8Array(1024);
  assertStringIncludes(decoder.decode(buffer.subarray(0, (await slow.read(buffer))!)), "late");
  await eventually(() => {
    web.clock.advance(75_000);
    assertEquals([web.server.connectionCount, limitsMet.httpIdleSeconds], [0, 4]);
  });
});

Deno.test("who takes nothing of an answer for stallSeconds has its link closed, and who takes all has not", async () => {
  const body = "x".repeat(16 * 1024 * 1024); // More than the system keeps for a link.
  await using web = webOf(() => new Response(body));
  using frozen = await web.connect(get("/"));
  using taking = await web.connect(get("/"));
  const buffer = new Uint8Array(1024 * 1024);
  for (let taken = 0; taken < body.length;) taken += (await taking.read(buffer))!;
  let seconds = 0;
  await eventually(() => {
    web.clock.advance(1_000);
    seconds++;
    assertEquals(web.stallCount, 1);
  }, 10_000);
  assert(seconds >= 60, `It was closed after ${seconds} s`);
  await eventually(() => assertEquals(web.server.connectionCount, 1));
  frozen.close();
});

Deno.test("of a crowd that asks for nothing a few are ended at once, and all of them in time", async () => {
  await using web = webOf(() => new Response());
  const crowd = await Promise.all(Array.from({ length: 330 }, () => web.connect(get("/"))));
  for (const link of crowd) await link.read(new Uint8Array(1024));
  const { broker: { turn, counters: { limitsMet } } } = web;
  web.clock.advance(74_500);
  for (let slice = 0; slice < 40; slice++) await turn.heard(); // The look at all of them is over.
  for (const ended of [320, 330]) {
    web.clock.advance(500);
    await eventually(() => assertEquals(limitsMet.httpIdleSeconds, ended));
    for (let slice = 0; slice < 40; slice++) await turn.heard();
    assertEquals(limitsMet.httpIdleSeconds, ended);
  }
  await web.settled();
  for (const link of crowd) link.close();
});
