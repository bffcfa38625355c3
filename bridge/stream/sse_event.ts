import { encodeBase64 } from "@std/encoding/base64";
import type { Clock, Message } from "../../broker/mod.ts";
import { decodeText, encodeEnvelope, type PayloadForm, TimeText } from "../envelope.ts";
import { formatId } from "../message_id.ts";
import type { Bye, FormatOptions, Origin, Ready, StreamFormat } from "./stream_format.ts";

/** Events that EventSource makes itself, and ours: no topic may pass for one. */
const TAKEN_NAMES: ReadonlySet<string> = new Set([
  "open",
  "error",
  "message",
  "ready",
  "live",
  "reset",
  "gap",
  "bye",
]);

const encoder = new TextEncoder();

/** `text/event-stream`, for browsers. */
export class SseEvents implements StreamFormat {
  readonly type = "text/event-stream";
  readonly separatorLength = 0;
  readonly #epoch: string;
  readonly #clock: Clock;
  readonly #options: FormatOptions;
  readonly #times = new TimeText();

  constructor(epoch: string, clock: Clock, options: FormatOptions) {
    this.#epoch = epoch;
    this.#clock = clock;
    this.#options = options;
  }

  opening(ready: Ready, retryMs: number): string {
    // The comment alone makes browsers open the stream, and proxies pass it on.
    const event = this.#options.quiet ? "" : fields("event", "ready") + fields("data", JSON.stringify(ready));
    return `: ok\n\n${fields("retry", String(retryMs))}${event}\n`;
  }

  message(message: Message, origin: Origin): Uint8Array {
    // A snapshot has no ids: whoever is cut off within it must start it again.
    const id = origin === "retained" ? "" : fields("id", formatId(this.#epoch, message.sequence));
    return encoder.encode(`${id}${this.#eventOf(message, origin)}\n`);
  }

  control(name: string, data: Readonly<Record<string, unknown>>, id?: string): string {
    const idField = id === undefined ? "" : fields("id", id);
    if (name === "live" && this.#options.quiet) return `${idField}\n`;
    return `${fields("event", name)}${idField}${fields("data", JSON.stringify(data))}\n`;
  }

  /** A block without data is no event, but its id counts. */
  heartbeat(id: string): string {
    return `${fields("id", id)}: hb\n\n`;
  }

  closing({ reason, retryMs, cursor }: Bye): string {
    const retry = retryMs === undefined ? "" : fields("retry", String(retryMs));
    return retry + this.control("bye", { reason, retry_ms: retryMs }, cursor);
  }

  #eventOf(message: Message, origin: Origin): string {
    const { event, payload } = this.#options;
    const isNamed = event === "topic" && !TAKEN_NAMES.has(message.topic) && !/[\r\n\0]/.test(message.topic);
    const data = isNamed ? rawData(message.payload, payload) : undefined;
    if (data !== undefined) return fields("event", message.topic) + fields("data", data);
    const view = {
      epoch: this.#epoch,
      times: this.#times,
      payload,
      retain: isRetain(message, origin, this.#options),
      replay: origin === "replay",
      now: this.#clock.now(),
    };
    return `data: ${encodeEnvelope(message, view)}\n`; // JSON has no line breaks.
  }
}

/** The retain flag as MQTT delivers it: set on what was retained before, and with `rap` as it was published. */
export function isRetain(message: Message, origin: Origin, { retainAsPublished }: FormatOptions): boolean {
  return origin === "retained" || (retainAsPublished && message.retain);
}

/** The one place where text becomes fields: a line break in it begins another line of the same field. */
function fields(name: string, text: string): string {
  if (!/[\r\n]/.test(text)) return `${name}: ${text}\n`;
  return text.split(/\r\n|\r|\n/).map((line) => `${name}: ${line}\n`).join("");
}

/** Undefined if an event cannot carry the payload as it is. */
function rawData(payload: Uint8Array, form: PayloadForm): string | undefined {
  if (form === "none") return "";
  return form === "base64" ? encodeBase64(payload) : decodeText(payload);
}
