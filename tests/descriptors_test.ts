// A broker with 256 descriptors, as `ulimit -n 256` gives them, while somebody opens more connections than that.

import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { type Client, connect } from "../broker/client/mod.ts";
import { StreamLink } from "../broker/transport/stream_link.ts";
import type { Link } from "../broker/transport/transport.ts";
import { connectUnix } from "../broker/transport/unix.ts";
import { connectTcp } from "../broker/transport/tcp.ts";
import type { ToolProcess } from "./interop/support/tool_process.ts";
import { Authority } from "./support/certificates.ts";
import { eventually } from "./support/eventually.ts";
import { RawClient } from "./support/raw_client.ts";
import { runPregon } from "./support/serve_process.ts";
import { WebSocketClientLink } from "./support/websocket_client.ts";

const HOST = "127.0.0.1";
const DESCRIPTORS = 256;
/** More than there are descriptors, so that each way in is flooded by itself. */
const FLOOD = 300;
const PATIENCE_MS = 20_000;

type Way = "mqtt" | "mqtts" | "ws" | "wss" | "unix" | "http" | "https";
const WAYS: readonly Way[] = ["mqtt", "mqtts", "ws", "wss", "unix", "http", "https"];

/** The broker in a process of its own, with every way in open and its data on the disk. */
class CrampedBroker implements AsyncDisposable {
  readonly #authority = new Authority();
  readonly #folder: string = Deno.makeTempDirSync({ prefix: "pregon-few-" });
  readonly process: ToolProcess;
  readonly #ports = new Map<Way, number>();

  constructor() {
    const file = this.#authority.issueFiles({ name: "broker" });
    const free = [
      "mqtt-port",
      "mqtt-tls-port",
      "mqtt-websocket-port",
      "mqtt-websocket-tls-port",
      "http-port",
    ];
    const flags = {
      ...Object.fromEntries([...free, "http-tls-port"].map((name) => [name, "0"])),
      "mqtt-unix-socket": this.#socket,
      "tls-certificate": this.#authority.path(`${file}.pem`),
      "tls-key": this.#authority.path(`${file}.key`),
      "data": `${this.#folder}/data`,
      "sys-interval-seconds": "1",
    };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    this.process = runPregon(["serve", ...args], "022", DESCRIPTORS);
  }

  async started(): Promise<void> {
    await this.process.prints("Try:");
    for (const way of WAYS) {
      const [, port] = new RegExp(`  ${way}://${HOST}:(\\d+)\n`).exec(this.process.text) ?? [];
      if (port !== undefined) this.#ports.set(way, Number(port));
    }
  }

  port(way: Way): number {
    return this.#ports.get(way)!;
  }

  /** A connection with nothing said on it. */
  async open(way: Way): Promise<Deno.Conn> {
    if (way === "unix") return await Deno.connect({ transport: "unix", path: this.#socket });
    return await Deno.connect({ hostname: HOST, port: this.port(way) });
  }

  /** Uses the way as an honest client does; rejects if that does not succeed. */
  async use(way: Way): Promise<void> {
    if (way === "http") return await answered(await connectTcp(HOST, this.port(way)));
    if (way === "https") return await answered(await this.#openTls(way));
    const link = way === "unix"
      ? await connectUnix(this.#socket)
      : way === "mqtts" || way === "wss"
      ? await this.#openTls(way)
      : await connectTcp(HOST, this.port(way));
    const client = new RawClient(way.startsWith("ws") ? new WebSocketClientLink(link) : link, async () => {});
    try {
      await client.connect({ clientId: `use-${way}` });
    } finally {
      client.cut();
    }
  }

  /** A figure of `$SYS/broker/`. */
  async figure(name: string): Promise<number> {
    const path = `$SYS/broker/${name}`.split("/").map(encodeURIComponent).join("/");
    const response = await fetch(`http://${HOST}:${this.port("http")}/topics/${path}`);
    return Number(await response.text());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { code, stderr } = await this.process.end();
    this.#authority[Symbol.dispose]();
    await Deno.remove(this.#folder, { recursive: true });
    assertEquals(code, 0, stderr.slice(-2000));
    assert(!stderr.includes("internal-error"), stderr.slice(-2000));
  }

  get #socket(): string {
    return `${this.#folder}/mqtt.sock`;
  }

  async #openTls(way: Way): Promise<Link> {
    const caCerts = [this.#authority.certificate];
    const connection = await Deno.connectTls({ hostname: HOST, port: this.port(way), caCerts });
    try {
      await connection.handshake();
    } catch (error) {
      connection.close();
      throw error;
    }
    return new StreamLink(connection, { peer: "test", address: HOST });
  }
}

/** Asks whether the broker lives, on a connection that is none of `fetch`'s. */
async function answered(link: Link): Promise<void> {
  try {
    await link.write(new TextEncoder().encode("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const buffer = new Uint8Array(4096);
    const count = await link.read(buffer) ?? 0;
    assertEquals(new TextDecoder().decode(buffer.subarray(0, count)).slice(0, 15), "HTTP/1.1 200 OK");
  } finally {
    link.close();
  }
}

/** Many connections that say nothing. */
class Flood implements Disposable {
  readonly refused = new Map<Way, number>();
  readonly #connections: Deno.Conn[] = [];
  readonly #reads: Promise<unknown>[] = [];

  async open(broker: CrampedBroker, ways: readonly Way[]): Promise<void> {
    await Promise.all(ways.map(async (way) => {
      for (let count = 0; count < FLOOD; count++) await this.#openOne(broker, way);
    }));
  }

  /** Closes all, and resolves when nothing is read any more. */
  async end(): Promise<void> {
    this[Symbol.dispose]();
    await Promise.all(this.#reads);
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections.splice(0)) connection.close();
  }

  async #openOne(broker: CrampedBroker, way: Way): Promise<void> {
    const refuse = () => void this.refused.set(way, (this.refused.get(way) ?? 0) + 1);
    try {
      const connection = await broker.open(way);
      this.#connections.push(connection);
      this.#reads.push(
        connection.read(new Uint8Array(16)).then((count) => count === null && refuse(), refuse),
      );
    } catch {
      refuse();
    }
  }
}

/** An honest client: publishes at QoS 1 without a pause, until it is stopped; answers what was acknowledged. */
async function publishUntil(client: Client, stopped: () => boolean): Promise<number> {
  let acknowledged = 0;
  while (!stopped()) await client.publish("numbers", `${++acknowledged}`, { qos: 1 });
  return acknowledged;
}

/** Reads a stream of lines to its end. */
async function readLines(body: ReadableStream<Uint8Array>, line: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    lines.forEach(line);
  }
}

Deno.test("with 256 descriptors, whatever is flooded: nobody who is in is cut off, what is acknowledged comes, and all is well afterwards", async () => {
  await using broker = new CrampedBroker();
  await broker.started();
  const port = broker.port("mqtt");
  const [publisher, subscriber] = [await connect({ port }), await connect({ port, clientId: "reader" })];
  const received: string[] = [];
  const subscription = await subscriber.subscribe("numbers", { qos: 1 });
  const receiving = (async () => {
    const decoder = new TextDecoder();
    for await (const { payload } of subscription) received.push(decoder.decode(payload));
  })();
  const streamed: string[] = [];
  const url = `http://${HOST}:${broker.port("http")}/stream?filter=numbers&qos=1`;
  const stream = await fetch(url, { headers: { accept: "text/plain" } });
  const streaming = readLines(stream.body!, (line) => streamed.push(line));
  let isOver = false;
  const publishing = publishUntil(publisher, () => isOver);
  // If the test ends before it, the reason is another.
  for (const going of [receiving, streaming, publishing]) going.catch(() => {});

  for (const ways of [...WAYS.map((way) => [way]), WAYS]) {
    const flood = new Flood();
    await flood.open(broker, ways);
    // Each way says no to somebody: it closes the connection, or the system does not take it.
    await eventually(() => {
      for (const way of ways) assertGreater(flood.refused.get(way) ?? 0, 0, `${way} of ${ways}`);
    }, PATIENCE_MS);
    await flood.end();
    for (const way of WAYS) await eventually(() => broker.use(way), PATIENCE_MS);
  }

  isOver = true;
  const acknowledged = await publishing;
  const numbers = Array.from({ length: acknowledged }, (_, index) => `${index + 1}`);
  await eventually(() => assertEquals(received.length, acknowledged), PATIENCE_MS);
  assertEquals(received, numbers);
  await eventually(() => assertEquals(streamed.at(-1), `numbers ${acknowledged}`), PATIENCE_MS);
  assertEquals(
    streamed.filter((line) => line.startsWith("numbers ")),
    numbers.map((number) => `numbers ${number}`),
  );
  await eventually(async () => {
    assertGreater(await broker.figure("connections/closed/too-few-descriptors"), FLOOD);
    assertGreater(await broker.figure("descriptors/shortages"), 0);
  }, PATIENCE_MS);
  assertPaced(broker.process.log);

  await Promise.all([publisher.close(), subscriber.close()]);
  await receiving;
  await broker.process.end();
  await streaming.catch(() => {}); // Cut off by the end of the broker.
});

/** Of each event and reason that a flood repeats, the log has a line a second at most. */
function assertPaced(log: string): void {
  const times = new Map<string, number[]>();
  for (const line of log.split("\n")) {
    const [, time, event] =
      /^(\S+) \w+ +(accept-failed|connection-refused|descriptors-short|link-refused)/.exec(line) ?? [];
    if (time === undefined || event === undefined) continue;
    const key = `${event} ${/reason=(\S+)/.exec(line)?.[1] ?? /listener=http:/.test(line)}`;
    times.set(key, [...times.get(key) ?? [], Date.parse(time)]);
  }
  assertGreater(times.get("connection-refused too-few-descriptors")?.length ?? 0, 0, log.slice(-1000));
  assertGreater(times.get("descriptors-short false")?.length ?? 0, 0, log.slice(-1000));
  for (const [key, at] of times) {
    assertLessOrEqual(at.length, Math.floor((at.at(-1)! - at[0]!) / 1000) + 2, `${key}: ${at}`);
  }
}

Deno.test("with fewer descriptors than the broker needs for itself nothing starts, in one line", async () => {
  await using process = runPregon(["serve", "--memory", "--mqtt-port", "0", "--http-port", "0"], "022", 64);
  const { code, stderr } = await process.outcome();
  assertEquals(code, 1);
  assert(/^Cannot start with \d+ free descriptors: .*raise ulimit -n[^\n]*\n$/.test(stderr), stderr);
});
