import type { Message } from "../../broker/mod.ts";
import type { PayloadForm } from "../envelope.ts";

export const STREAM_TYPES = [
  "application/x-ndjson",
  "application/jsonl",
  "text/event-stream",
  "text/plain",
  "application/json",
] as const;
export type StreamType = typeof STREAM_TYPES[number];

/** Where a message of a stream comes from. */
export type Origin = "live" | "retained" | "replay";

export interface FormatOptions {
  readonly payload: PayloadForm;
  /** SSE: every message is a `message` event, or an event named like its topic. */
  readonly event: "message" | "topic";
  readonly retainAsPublished: boolean;
  /** Leaves out what is not a message, unless it tells of a loss. */
  readonly quiet: boolean;
}

/** What a stream tells before its first message. */
export interface Ready {
  readonly stream: string;
  readonly resume: "fresh" | "resumed" | "reset";
  readonly filters: readonly { readonly filter: string; readonly qos: number }[];
  readonly replay: { readonly oldest: string; readonly max_age_s: number };
  readonly warnings: readonly string[];
}

export type ByeReason =
  | "limit"
  | "timeout"
  | "slow-consumer"
  | "overloaded"
  | "too-many-streams"
  | "shutdown"
  /** To come back needs another token. */
  | "token-expired"
  /** Whoever had opened it is known no more. */
  | "revoked";

/** What a stream tells after its last message. */
export interface Bye {
  readonly reason: ByeReason;
  /** When to come back, if the reason passes. */
  readonly retryMs: number | undefined;
  /** The client has everything up to here; undefined before it has the whole snapshot. */
  readonly cursor: string | undefined;
  readonly resume: Ready["resume"];
  readonly droppedCount: number;
}

/** One way to write a stream. Everything but messages is rare, so it may be text. */
export interface StreamFormat {
  readonly type: StreamType;
  /** Bytes at the start of each message that the first one leaves out. */
  readonly separatorLength: number;
  opening(ready: Ready, retryMs: number): string;
  message(message: Message, origin: Origin): Uint8Array;
  control(name: "live" | "reset" | "gap", fields: Readonly<Record<string, unknown>>, id?: string): string;
  /** Keeps proxies from closing a silent connection, and moves the client's cursor on. */
  heartbeat(id: string): string;
  closing(bye: Bye): string;
}

/** A message, written once for all streams of one format. */
export interface StreamEvent {
  readonly topic: string;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/**
 * Writes each live message once, however many streams take it. They do so one right after the other, so remembering
 * the last is enough.
 */
export class LiveEncoder {
  readonly format: StreamFormat;
  #message: Message | undefined;
  #event: StreamEvent | undefined;

  constructor(format: StreamFormat) {
    this.format = format;
  }

  encode(message: Message): StreamEvent {
    if (this.#message !== message || !this.#event) {
      this.#event = {
        topic: message.topic,
        sequence: message.sequence,
        bytes: this.format.message(message, "live"),
      };
      this.#message = message;
    }
    return this.#event;
  }
}
