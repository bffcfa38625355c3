import type { Clock, Message } from "../../broker/mod.ts";
import { encodeEnvelope, TimeText } from "../envelope.ts";
import { isRetain } from "./sse_event.ts";
import type { Bye, FormatOptions, Origin, Ready, StreamFormat, StreamType } from "./stream_format.ts";

const encoder = new TextEncoder();

/** JSON objects, one a line: messages have a `topic`, everything else an `event`. */
export class JsonLines implements StreamFormat {
  readonly type: StreamType;
  readonly separatorLength: number = 0;
  readonly #epoch: string;
  readonly #clock: Clock;
  readonly #options: FormatOptions;
  readonly #times = new TimeText();

  constructor(type: StreamType, epoch: string, clock: Clock, options: FormatOptions) {
    this.type = type;
    this.#epoch = epoch;
    this.#clock = clock;
    this.#options = options;
  }

  opening(ready: Ready): string {
    return this.#options.quiet ? "" : line("ready", ready);
  }

  message(message: Message, origin: Origin): Uint8Array {
    return encoder.encode(this.envelope(message, origin) + "\n");
  }

  control(name: string, fields: Readonly<Record<string, unknown>>, id?: string): string {
    return name === "live" && this.#options.quiet ? "" : line(name, { ...fields, id });
  }

  heartbeat(id: string): string {
    return this.#options.quiet ? "" : line("heartbeat", { id });
  }

  closing({ reason, retryMs, cursor }: Bye): string {
    const isExpected = reason === "limit" || reason === "timeout";
    return this.#options.quiet && isExpected ? "" : line("bye", { reason, retry_ms: retryMs, id: cursor });
  }

  protected envelope(message: Message, origin: Origin): string {
    return encodeEnvelope(message, {
      epoch: this.#epoch,
      times: this.#times,
      payload: this.#options.payload,
      retain: isRetain(message, origin, this.#options),
      replay: origin === "replay",
      now: this.#clock.now(),
    });
  }
}

/** One JSON object at the end, for who polls: the messages are its items. */
export class JsonItems extends JsonLines implements StreamFormat {
  override readonly separatorLength: number = 1;

  override opening(): string {
    return '{"items":[';
  }

  override message(message: Message, origin: Origin): Uint8Array {
    return encoder.encode(`,${this.envelope(message, origin)}`);
  }

  override control(): string {
    return "";
  }

  override heartbeat(): string {
    return "";
  }

  override closing({ reason, cursor, resume, droppedCount }: Bye): string {
    const rest = { last_event_id: cursor ?? null, resume, reason, dropped: droppedCount };
    return `],${JSON.stringify(rest).slice(1)}\n`;
  }
}

function line(event: string, fields: object): string {
  return JSON.stringify({ event, ...fields }) + "\n";
}
