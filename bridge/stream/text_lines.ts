import { encodeBase64 } from "@std/encoding/base64";
import type { Message } from "../../broker/mod.ts";
import type { Bye, FormatOptions, StreamFormat } from "./stream_format.ts";

const NEWLINE = 0x0a;
const NO_BYTES = new Uint8Array(0);

const encoder = new TextEncoder();

/**
 * `topic payload` lines, like `mosquitto_sub -v`: payloads are sent as they are. What is no message begins with `#`,
 * as no topic can, and is only sent when something was lost.
 */
export class TextLines implements StreamFormat {
  readonly type = "text/plain";
  readonly separatorLength = 0;
  readonly #options: FormatOptions;

  constructor(options: FormatOptions) {
    this.#options = options;
  }

  opening(): string {
    return "";
  }

  message({ topic, payload }: Message): Uint8Array {
    const { payload: form } = this.#options;
    const name = encoder.encode(form === "none" ? topic : `${topic} `);
    const body = form === "none"
      ? NO_BYTES
      : form === "base64"
      ? encoder.encode(encodeBase64(payload))
      : payload;
    const line = new Uint8Array(name.length + body.length + 1);
    line.set(name);
    line.set(body, name.length);
    line[line.length - 1] = NEWLINE;
    return line;
  }

  control(name: string, fields: Readonly<Record<string, unknown>>): string {
    return name === "live" ? "" : `# ${name} ${JSON.stringify(fields)}\n`;
  }

  heartbeat(): string {
    return "";
  }

  closing({ reason, retryMs }: Bye): string {
    return reason === "limit" || reason === "timeout"
      ? ""
      : `# bye ${JSON.stringify({ reason, retry_ms: retryMs })}\n`;
  }
}
