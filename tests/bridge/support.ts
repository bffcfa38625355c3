import { assert } from "@std/assert";
import { Broker, type BrokerOptions, type Identity, type Message, type QoS } from "../../broker/mod.ts";
import { type Bridge, type BridgeOptions, createBridge, type RequestInfo } from "../../bridge/mod.ts";
import { type FakeDisk, FakeStore } from "../support/fake_store.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { within } from "../support/eventually.ts";

export const HOST = "http://localhost";
/** What the server says of a request that came by its own TLS. */
export const BY_TLS: RequestInfo = {
  remoteAddr: { transport: "tcp", hostname: "192.0.2.1", port: 4711 },
  isSecure: true,
};
const encoder = new TextEncoder();

/** A broker with a bridge before it, on a clock that stands still. */
export interface TestBridge {
  readonly broker: Broker;
  readonly bridge: Bridge;
  readonly clock: SimulatedClock;
  /** What `fetch` would do with a path of the bridge. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Publishes as somebody on the MQTT side would. */
  publish(topic: string, payload?: string | Uint8Array, options?: { qos?: QoS; retain?: boolean }): Message;
  /** Opens a stream of SSE unless the headers say otherwise. */
  stream(path: string, headers?: Record<string, string>): Promise<StreamReader>;
}

export function startBridge(options: BrokerOptions & { bridge?: BridgeOptions } = {}): TestBridge {
  const clock = new SimulatedClock();
  return bridgeOf(new Broker({ clock, ...options }), clock, options.bridge);
}

/** A bridge before a broker with what is on the disk. */
export async function startBridgeOn(
  disk: FakeDisk,
  { now, ...options }: BrokerOptions & { readonly now?: number } = {},
): Promise<TestBridge> {
  const clock = new SimulatedClock(now);
  return bridgeOf(await Broker.open({ clock, store: new FakeStore(disk), ...options }), clock);
}

function bridgeOf(broker: Broker, clock: SimulatedClock, options: BridgeOptions = {}): TestBridge {
  const bridge = createBridge(broker, { random: () => 0.5, ...options });
  const publisher: Identity = { name: "publisher", can: () => true };
  const request = (path: string, init?: RequestInit) => bridge.fetch(new Request(HOST + path, init));
  return {
    broker,
    bridge,
    clock,
    request,
    publish(topic, payload = "", { qos = 0, retain = false } = {}) {
      const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
      const publication = broker.publish(publisher, { topic, payload: bytes, qos, retain });
      assert(publication.accepted);
      return publication.message;
    },
    async stream(path, headers = {}) {
      return new StreamReader(await request(path, { headers: { accept: "text/event-stream", ...headers } }));
    },
  };
}

export interface SseEvent {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

/** Reads `text/event-stream` as the HTML standard says (9.2.6). */
export class SseParser {
  readonly events: SseEvent[] = [];
  readonly comments: string[] = [];
  retry: number | undefined;
  lastEventId = "";
  #line = "";
  #afterReturn = false;
  #data = "";
  #type = "";
  #id = "";
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  push(bytes: Uint8Array): void {
    for (const character of this.#decoder.decode(bytes, { stream: true })) {
      const isSecondHalf = this.#afterReturn && character === "\n";
      this.#afterReturn = character === "\r";
      if (isSecondHalf) continue;
      if (character === "\n" || character === "\r") {
        this.#endLine(this.#line);
        this.#line = "";
      } else {
        this.#line += character;
      }
    }
  }

  #endLine(line: string): void {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) {
      this.comments.push(line.slice(1).trim());
      return;
    }
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.#type = value;
    else if (name === "data") this.#data += value + "\n";
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
  }

  #dispatch(): void {
    this.lastEventId = this.#id;
    if (this.#data !== "") {
      this.events.push({
        type: this.#type || "message",
        data: this.#data.slice(0, -1),
        lastEventId: this.lastEventId,
      });
    }
    this.#data = "";
    this.#type = "";
  }
}

/** An envelope, as far as tests look at it. */
export interface Envelope {
  readonly topic: string;
  readonly payload?: string;
  readonly payload_base64?: string;
  readonly json?: unknown;
  readonly qos: number;
  readonly retain: boolean;
  readonly replay?: boolean;
  readonly id: string;
  readonly [key: string]: unknown;
}

/** Reads an open stream, as slowly as a test wants. */
export class StreamReader {
  readonly response: Response;
  readonly sse = new SseParser();
  text = "";
  isDone = false;
  #taken = 0;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #pending: Promise<ReadableStreamReadResult<Uint8Array>> | undefined;

  constructor(response: Response) {
    this.response = response;
    this.#reader = response.body!.getReader();
  }

  /** One chunk as it came; undefined at the end. */
  async chunk(): Promise<Uint8Array | undefined> {
    this.#pending ??= this.#reader.read();
    const { value, done } = await within(this.#pending, () => `no chunk after ${this.text.slice(-200)}`);
    this.#pending = undefined;
    if (done) {
      this.isDone = true;
      return undefined;
    }
    this.sse.push(value);
    this.text += this.#decoder.decode(value, { stream: true });
    return value;
  }

  /** Asks for a chunk that is not there yet, as a server that waits to write does. */
  ask(): void {
    this.#pending ??= this.#reader.read();
    this.#pending.catch(() => {});
  }

  /** The next event. */
  async event(): Promise<SseEvent> {
    while (this.sse.events.length === this.#taken) {
      if (await this.chunk() === undefined) throw new Error("The stream has ended");
    }
    return this.sse.events[this.#taken++]!;
  }

  /** The next event, which has to be of the type, as JSON. */
  // deno-lint-ignore no-explicit-any -- tests look into it
  async json(type = "message"): Promise<any> {
    const event = await this.event();
    assert(event.type === type, `expected ${type}, got ${event.type}: ${event.data}`);
    return JSON.parse(event.data);
  }

  /** All events up to and with the first of the type. */
  async until(type: string): Promise<SseEvent[]> {
    const events: SseEvent[] = [];
    for (;;) {
      const event = await this.event();
      events.push(event);
      if (event.type === type) return events;
    }
  }

  /** Everything up to the end. */
  async rest(): Promise<string> {
    while (await this.chunk() !== undefined);
    return this.text;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}

/** The messages among events. */
export function envelopes(events: readonly SseEvent[]): Envelope[] {
  return events.filter(({ type }) => type === "message").map(({ data }) => JSON.parse(data));
}

/** A bridge on a real port. */
export class TestServer {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(readonly bridge: Bridge) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request, info) => bridge.fetch(request, info),
    );
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Sends bytes as they are and reads the answer to its end: `fetch` would tidy up the path. */
  async raw(
    head: string,
    body: string | Uint8Array = "",
  ): Promise<{ status: number; head: string; body: string }> {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    const request = `${head}\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    await writeAll(connection, encoder.encode(request));
    await writeAll(connection, typeof body === "string" ? encoder.encode(body) : body);
    const text = await new Response(connection.readable, {}).text();
    const end = text.indexOf("\r\n\r\n");
    return { status: Number(text.slice(9, 12)), head: text.slice(0, end), body: text.slice(end + 4) };
  }

  /** A GET of exactly these characters. */
  get(target: string): Promise<{ status: number; head: string; body: string }> {
    return this.raw(`GET ${target} HTTP/1.1`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bridge.close();
    await this.#server.shutdown();
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length;) offset += await connection.write(bytes.subarray(offset));
}

// deno-lint-ignore no-explicit-any -- tests look into it
export async function problemOf(response: Response): Promise<any> {
  assert(response.headers.get("content-type") === "application/problem+json", await response.clone().text());
  const text = await response.text();
  assert(text.endsWith("\n"));
  return JSON.parse(text);
}

/** Checks status and code of a refusal. */
export async function assertProblem(response: Response, status: number, code: string): Promise<void> {
  const problem = await problemOf(response);
  const found = `${response.status} ${problem.type}`;
  assert(
    found === `${status} /problems/${code}`,
    `expected ${status} ${code}, got ${found}: ${problem.detail}`,
  );
  assert(problem.status === status && problem.title.length > 0 && problem.instance.startsWith("urn:req:"));
}

/** An identity that may do what the rule says. */
export function identityNamed(
  name: string,
  can: Identity["can"] = () => true,
): NonNullable<BrokerOptions["authenticators"]>[number] {
  return { name, authenticate: () => ({ granted: true, identity: { name, can } }) };
}

/** A repeatable source of numbers from 0 up to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
