import { type Clock, systemClock } from "../core/clock.ts";
import {
  type Client,
  type CloseOptions,
  connect,
  type ConnectOptions,
  type IncomingMessage,
  reasonWords,
  type SubscribeOptions,
  type UnsubscribeOptions,
} from "./mod.ts";

export interface SubOptions {
  readonly connect: ConnectOptions;
  readonly filters: readonly string[];
  /** Filters that a session from before is to give up. */
  readonly unsubscribe: readonly string[];
  readonly subscribeOptions: SubscribeOptions;
  readonly unsubscribeOptions: UnsubscribeOptions;
  /** What is said at the end. */
  readonly close: CloseOptions;
  /** Ends after so many messages. */
  readonly count: number | undefined;
  readonly timeoutSeconds: number | undefined;
  /** In the place of topic and payload. */
  readonly format: MessageFormat | undefined;
  /** The topic before the payload. */
  readonly verbose: boolean;
  /** A line feed after the payload. */
  readonly newline: boolean;
  readonly skipRetained: boolean;
  /** Ends at the first message that was not retained. */
  readonly retainedOnly: boolean;
  readonly exitOnSubscribe: boolean;
}

/** What a format needs beside the message. */
export interface FormatContext {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: number;
  /** One line for people. */
  readonly warn: (line: string) => void;
}

/** Bytes for a message. */
export type MessageFormat = (message: IncomingMessage, context: FormatContext) => Uint8Array;

export interface SubOutput {
  /** Writes all of the bytes. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** One line for people. */
  readonly warn: (line: string) => void;
  /** Ends the subscription as if all were done. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

export type SubOutcome = "done" | "timed-out";

/** Bytes that are gathered for one write, while more messages are there. */
const WRITE_BYTES = 64 * 1024;
const LINE_FEED = Uint8Array.of(0x0a);
const encoder = new TextEncoder();

/** `pregon sub`: prints messages until there is a reason to end. */
export async function sub(options: SubOptions, output: SubOutput): Promise<SubOutcome> {
  const stopped = Promise.withResolvers<SubOutcome>();
  const { timeoutSeconds } = options;
  const cancel = timeoutSeconds === undefined
    ? () => {}
    : (output.clock ?? systemClock).after(timeoutSeconds * 1000, () => stopped.resolve("timed-out"));
  output.signal?.addEventListener("abort", () => stopped.resolve("done"), { once: true });
  try {
    return await connectAndReceive(options, output, stopped.promise);
  } finally {
    cancel();
  }
}

async function connectAndReceive(
  options: SubOptions,
  output: SubOutput,
  stopped: Promise<SubOutcome>,
): Promise<SubOutcome> {
  const connecting = connect(options.connect);
  const client = await Promise.race([connecting, stopped]);
  if (typeof client === "string") {
    connecting.then((late) => late.close(), () => {});
    return client;
  }
  let isStopped = false;
  const receiving = receive(client, options, output).catch((error) => {
    if (isStopped) return "done" as const;
    throw error;
  });
  try {
    return await Promise.race([receiving, stopped]);
  } finally {
    isStopped = true;
    await client.close(options.close);
    // What was received is printed, whatever the reason to stop.
    await receiving.catch(() => {});
  }
}

async function receive(client: Client, options: SubOptions, output: SubOutput): Promise<SubOutcome> {
  if (options.unsubscribe.length > 0) {
    await client.unsubscribe(options.unsubscribe, options.unsubscribeOptions);
  }
  if (options.filters.length === 0) return "done";
  const subscribeOptions = { ...options.subscribeOptions, catchAll: true };
  const subscription = await client.subscribe(options.filters, subscribeOptions);
  for (const [index, code] of subscription.granted.entries()) {
    if (code >= 0x80) output.warn(`Subscription to ${options.filters[index]} refused: ${reasonWords(code)}`);
  }
  if (options.exitOnSubscribe) return "done";
  const printer = new Printer(options, output);
  let count = 0;
  for await (const message of subscription) {
    if (options.retainedOnly && !message.retain) break;
    if (!(options.skipRetained && message.retain)) {
      printer.add(message);
      if (++count === options.count) break;
    }
    if (subscription.waitingCount === 0 || printer.isFull) await printer.flush();
  }
  await printer.flush();
  return "done";
}

/** Messages as mosquitto_sub prints them: bytes as they are. */
class Printer {
  readonly #options: SubOptions;
  readonly #output: SubOutput;
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(options: SubOptions, output: SubOutput) {
    this.#options = options;
    this.#output = output;
  }

  get isFull(): boolean {
    return this.#bytes >= WRITE_BYTES;
  }

  add(message: IncomingMessage): void {
    const { topic, payload } = message;
    const { format, verbose, newline } = this.#options;
    const { warn, clock = systemClock } = this.#output;
    if (format) this.#push(format(message, { now: clock.now(), warn }));
    else if (verbose) this.#push(encoder.encode(payload.length > 0 ? `${topic} ` : `${topic} (null)`));
    else if (payload.length === 0) return;
    if (!format) this.#push(payload);
    if (newline) this.#push(LINE_FEED);
  }

  async flush(): Promise<void> {
    if (this.#bytes === 0) return;
    const joined = new Uint8Array(this.#bytes);
    let end = 0;
    for (const chunk of this.#chunks) {
      joined.set(chunk, end);
      end += chunk.length;
    }
    this.#chunks = [];
    this.#bytes = 0;
    await this.#output.write(joined);
  }

  #push(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
  }
}
