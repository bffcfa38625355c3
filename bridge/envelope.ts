import { encodeBase64 } from "@std/encoding/base64";
import type { Broker, Message } from "../broker/mod.ts";
import { formatId } from "./message_id.ts";

export const PAYLOAD_FORMS = ["auto", "json", "base64", "none"] as const;
/** How an envelope shows the payload. */
export type PayloadForm = typeof PAYLOAD_FORMS[number];

export interface EnvelopeView {
  readonly epoch: string;
  readonly times: TimeText;
  readonly payload: PayloadForm;
  readonly retain: boolean;
  /** The message comes from the log, not from its publisher. */
  readonly replay?: boolean;
  /** For what is left of the expiry, in milliseconds since 1970. */
  readonly now: number;
  readonly withSize?: boolean;
}

/** Longest payload that is decoded character by character, which is faster for so few. */
const SHORT_BYTES_MAX = 64;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** How lists and reads show a retained message. */
export function retainedView({ epoch, clock }: Broker, payload: PayloadForm): EnvelopeView {
  return { epoch, times: new TimeText(), payload, retain: true, now: clock.now(), withSize: true };
}

/** The message as a line of JSON without line breaks. */
export function encodeEnvelope(message: Message, view: EnvelopeView): string {
  const { topic, properties } = message;
  let json = `{"topic":${JSON.stringify(topic)}${payloadMember(message.payload, view.payload)}`;
  json += `,"qos":${message.qos},"retain":${view.retain}`;
  if (view.replay) json += `,"replay":true`;
  json += `,"id":"${formatId(view.epoch, message.sequence)}","time":"${view.times.format(message.time)}"`;
  if (view.withSize) json += `,"size":${message.payload.length}`;
  if (properties) json += propertyMembers(message, view.now);
  return json + "}";
}

/** Writes times; messages come many in one millisecond, so the last one is remembered. */
export class TimeText {
  #milliseconds = NaN;
  #text = "";

  format(milliseconds: number): string {
    if (milliseconds !== this.#milliseconds) {
      this.#milliseconds = milliseconds;
      this.#text = new Date(milliseconds).toISOString();
    }
    return this.#text;
  }
}

/** Undefined if the bytes are not UTF-8. */
export function decodeText(bytes: Uint8Array): string | undefined {
  return (bytes.length <= SHORT_BYTES_MAX ? decodeAscii(bytes) : undefined) ?? decodeUtf8(bytes);
}

function decodeAscii(bytes: Uint8Array): string | undefined {
  let text = "";
  for (const byte of bytes) {
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Whole seconds until the message expires; undefined if it never does. */
export function secondsLeft(message: Message, now: number): number | undefined {
  return message.expiresAt === Infinity
    ? undefined
    : Math.max(0, Math.ceil((message.expiresAt - now) / 1000));
}

/** `payload` exists only for UTF-8, so that a reader gets nothing rather than something wrong. */
function payloadMember(payload: Uint8Array, form: PayloadForm): string {
  if (form === "none") return "";
  const text = form === "base64" ? undefined : decodeText(payload);
  if (text === undefined) return `,"payload_base64":"${encodeBase64(payload)}"`;
  if (form === "json" && isJson(text)) return `,"json":${text.replaceAll(/[\r\n]/g, " ")}`;
  return `,"payload":${JSON.stringify(text)}`;
}

/** The text itself is passed on: parsing and writing it anew would change large numbers and repeated keys. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function propertyMembers(message: Message, now: number): string {
  const { contentType, responseTopic, correlationData, userProperties } = message.properties!;
  const expiry = secondsLeft(message, now);
  let json = "";
  if (contentType !== undefined) json += `,"content_type":${JSON.stringify(contentType)}`;
  if (expiry !== undefined) json += `,"expiry":${expiry}`;
  if (responseTopic !== undefined) json += `,"response_topic":${JSON.stringify(responseTopic)}`;
  if (correlationData) json += `,"correlation":"${encodeBase64(correlationData)}"`;
  if (userProperties && userProperties.length > 0) json += `,"user":${JSON.stringify(userProperties)}`;
  return json;
}
