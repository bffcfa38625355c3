/** The process that reads the streams of a run, and publishes: `stream_load.ts '{"port":8080,…}'`. */
import { Histogram } from "../load/histogram.ts";
import { UseMeter } from "../load/process_use.ts";
import { Sockets } from "./sockets.ts";
import { MARK, PAYLOAD, type StreamLoadOptions, type StreamResult } from "./stream_options.ts";

/** Streams that wait for their first bytes together. */
const BATCH = 64;
const PATIENCE_MS = 10_000;
/** After so long without any event, what is still due counts as lost. */
const SETTLE_MS = 1_000;
const TICK_MS = 5;
/** Messages whose time of departure is remembered: far more than a window has. */
const TIMES = 1 << 16;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Counts events, and takes the time of each: a stream's n-th event is the n-th message, since none may be lost. Nothing
 * is parsed but the answers to the publisher.
 */
class StreamLoad {
  readonly #options: StreamLoadOptions;
  readonly #sockets = new Sockets();
  readonly #counts: Uint32Array;
  readonly #latency = new Histogram();
  readonly #sentAt = new Float64Array(TIMES);
  readonly #request: Uint8Array<ArrayBuffer>;
  /** Numbers below are streams'. */
  readonly #publisher: number;
  #opened = 0;
  #received = 0;
  #receivedBytes = 0;
  #sent = 0;
  #answer = "";
  #isAnswered = true;
  #isMeasuring = false;

  constructor(options: StreamLoadOptions) {
    const { streams, publishPath } = options;
    this.#options = options;
    this.#counts = new Uint32Array(streams);
    this.#publisher = streams;
    this.#request = encoder.encode(
      `POST ${publishPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${PAYLOAD.length}\r\n\r\n${PAYLOAD}`,
    );
  }

  run(): StreamResult {
    const { warmSeconds, seconds, brokerPid, streams } = this.#options;
    this.#open();
    this.#publishFor(warmSeconds * 1000);
    const meter = new UseMeter(brokerPid);
    const before = { received: this.#received, bytes: this.#receivedBytes };
    this.#isMeasuring = true;
    this.#publishFor(seconds * 1000);
    this.#isMeasuring = false;
    const received = this.#received - before.received;
    const bytes = this.#receivedBytes - before.bytes;
    const { seconds: measuredSeconds, brokerCores, loadCores } = meter.stop();
    this.#settle();
    const due = this.#sent * streams;
    return {
      eventsPerSecond: received / measuredSeconds,
      p50: this.#latency.quantile(0.5),
      p99: this.#latency.quantile(0.99),
      eventBytes: bytes / received,
      due,
      lost: due - this.#received,
      brokerCores,
      loadCores,
    };
  }

  #open(): void {
    const { port, streamPath, streams } = this.#options;
    const request = encoder.encode(
      `GET ${streamPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`,
    );
    for (let stream = 0; stream < streams; stream++) {
      this.#sockets.connect(port, stream);
      this.#sockets.write(stream, request);
      if (stream % BATCH === BATCH - 1) this.#until(() => this.#opened > stream);
    }
    this.#until(() => this.#opened === streams);
    this.#sockets.connect(port, this.#publisher);
  }

  #publishFor(milliseconds: number): void {
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
      this.#publishDue();
      this.#sockets.wait(TICK_MS, this.#ready);
    }
  }

  #publishDue(): void {
    const { streams, window } = this.#options;
    if (!this.#isAnswered || this.#sent - Math.floor(this.#received / streams) >= window) return;
    this.#isAnswered = false;
    this.#sentAt[this.#sent++ % TIMES] = performance.now();
    this.#sockets.write(this.#publisher, this.#request);
  }

  readonly #ready = (number: number): void => {
    const count = this.#sockets.read(number);
    if (count === 0) throw new Error("The server closed a connection under load");
    if (number === this.#publisher) this.#takeAnswer(count);
    else this.#takeEvents(number, count);
    this.#publishDue();
  };

  #takeEvents(stream: number, count: number): void {
    const { bytes } = this.#sockets;
    if (this.#opened < this.#options.streams && this.#sent === 0) this.#takeHead(count);
    const now = performance.now();
    this.#receivedBytes += count;
    bytes[count] = MARK; // So that the search ends where what was read does, and not with the buffer.
    for (let at = bytes.indexOf(MARK); at < count; at = bytes.indexOf(MARK, at + 1)) {
      const sentAt = this.#sentAt[this.#counts[stream]!++ % TIMES]!;
      this.#received++;
      if (this.#isMeasuring) this.#latency.add(Math.round((now - sentAt) * 1000));
    }
  }

  /** A stream's first bytes may come in two reads; only the first of them begins with a status. */
  #takeHead(count: number): void {
    const text = decoder.decode(this.#sockets.bytes.subarray(0, count));
    if (!text.startsWith("HTTP/1.1 ")) return;
    if (!text.startsWith("HTTP/1.1 200 ")) {
      throw new Error(`The server refused a stream: ${text.slice(0, 200)}`);
    }
    this.#opened++;
  }

  #takeAnswer(count: number): void {
    this.#answer += decoder.decode(this.#sockets.bytes.subarray(0, count));
    const headEnd = this.#answer.indexOf("\r\n\r\n");
    if (headEnd === -1) return;
    if (!this.#answer.startsWith("HTTP/1.1 2")) throw new Error(`The server refused a POST: ${this.#answer}`);
    const [, length = "0"] = /^content-length: (\d+)/im.exec(this.#answer) ?? [];
    if (this.#answer.length < headEnd + 4 + Number(length)) return;
    this.#answer = "";
    this.#isAnswered = true;
  }

  #settle(): void {
    for (let before = -1; before !== this.#received && this.#received < this.#sent * this.#options.streams;) {
      before = this.#received;
      const end = performance.now() + SETTLE_MS;
      while (performance.now() < end) this.#sockets.wait(TICK_MS, this.#takeOnly);
    }
  }

  /** Without a message more. */
  readonly #takeOnly = (number: number): void => {
    const count = this.#sockets.read(number);
    if (number === this.#publisher) this.#takeAnswer(count);
    else this.#takeEvents(number, count);
  };

  #until(done: () => boolean): void {
    const end = performance.now() + PATIENCE_MS;
    while (!done()) {
      if (performance.now() > end) throw new Error(`Opened ${this.#opened} streams, no more`);
      this.#sockets.wait(TICK_MS, this.#takeOnly);
    }
  }
}

if (import.meta.main) {
  const [options] = Deno.args;
  if (options === undefined) {
    console.error("Cannot run without options: deno task bench:streams gives them");
    Deno.exit(2);
  }
  console.log(JSON.stringify(new StreamLoad(JSON.parse(options)).run()));
  Deno.exit(0);
}
