import {
  type Client,
  ClientError,
  type CloseOptions,
  connect,
  type ConnectOptions,
  type MessageProperties,
  type QoS,
} from "./mod.ts";
import { LineSplitter } from "./line_splitter.ts";

/** What is published. */
export type Payload =
  | { readonly from: "text"; readonly text: string }
  | { readonly from: "file"; readonly path: string }
  /** The whole standard input. */
  | { readonly from: "stdin" }
  /** Each line of the standard input. */
  | { readonly from: "lines" };

export interface PubOptions {
  readonly connect: ConnectOptions;
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly payload: Payload;
  readonly properties: MessageProperties | undefined;
  readonly topicAlias: number | undefined;
  /** What is said at the end. */
  readonly close: CloseOptions;
}

export interface PubInput {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly readFile: (path: string) => Promise<Uint8Array>;
}

/** Publishes under way: the broker answers while the next lines are read. */
const PENDING_MAX = 1000;
/** And their bytes. */
const PENDING_BYTES_MAX = 4 * 1024 * 1024;
/** The most that a packet can hold. */
const PAYLOAD_BYTES_MAX = 268_435_455;

const encoder = new TextEncoder();

/** `pregon pub`: publishes and says goodbye once every message is acknowledged. */
export async function pub(options: PubOptions, input: PubInput): Promise<void> {
  const { payload } = options;
  // Before connecting: a file that cannot be read is no reason to bother the broker.
  const whole = payload.from === "lines" ? undefined : await readWhole(payload, input);
  const client = await connect(options.connect);
  try {
    if (whole) await client.publish(options.topic, whole, options);
    else await publishLines(client, options, input.stdin);
  } finally {
    await client.close(options.close);
  }
}

async function readWhole(payload: Exclude<Payload, { from: "lines" }>, input: PubInput): Promise<Uint8Array> {
  switch (payload.from) {
    case "text":
      return encoder.encode(payload.text);
    case "file":
      return await input.readFile(payload.path);
    case "stdin": {
      const whole = await joinChunks(input.stdin);
      // With --retain it would erase what is there, and an empty pipe is seldom meant to.
      if (whole.length === 0) {
        throw new ClientError("Cannot publish an empty standard input: use -n for an empty message");
      }
      return whole;
    }
  }
}

async function publishLines(
  client: Client,
  options: PubOptions,
  stdin: AsyncIterable<Uint8Array>,
): Promise<void> {
  // Input may be silent for hours; a lost connection must not wait for its next line.
  const lost = client.closed.then((error) => {
    if (error) throw error;
  });
  await Promise.race([publishEach(client, options, stdin), lost]);
}

async function publishEach(
  client: Client,
  options: PubOptions,
  stdin: AsyncIterable<Uint8Array>,
): Promise<void> {
  const pending = new Pending();
  const splitter = new LineSplitter(PAYLOAD_BYTES_MAX);
  const publish = (line: Uint8Array) =>
    pending.add(client.publish(options.topic, line, options), line.length);
  for await (const chunk of stdin) {
    for (const line of splitter.push(chunk)) {
      publish(line);
      if (pending.isFull) await pending.room();
    }
  }
  const rest = splitter.end();
  if (rest) publish(rest);
  await pending.all();
}

/** Publishes that are not acknowledged yet; rejects with the first that fails. */
class Pending {
  #count = 0;
  #bytes = 0;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  get isFull(): boolean {
    return this.#count >= PENDING_MAX || this.#bytes >= PENDING_BYTES_MAX;
  }

  add(publishing: Promise<unknown>, bytes: number): void {
    this.#count++;
    this.#bytes += bytes;
    publishing.then(() => this.#done(bytes), (error) => {
      this.#error ??= error;
      this.#done(bytes);
    });
  }

  /** Resolves when one more fits. */
  async room(): Promise<void> {
    while (this.isFull && !this.#error) await this.#change();
    if (this.#error) throw this.#error;
  }

  /** Resolves when there are none. */
  async all(): Promise<void> {
    while (this.#count > 0 && !this.#error) await this.#change();
    if (this.#error) throw this.#error;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  #done(bytes: number): void {
    this.#count--;
    this.#bytes -= bytes;
    this.#wake?.();
  }
}

async function joinChunks(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > PAYLOAD_BYTES_MAX) {
      throw new ClientError(`Cannot publish more than ${PAYLOAD_BYTES_MAX} bytes at once`);
    }
    parts.push(new Uint8Array(chunk));
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
