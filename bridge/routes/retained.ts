import type { Message } from "../../broker/mod.ts";
import { encodeBase64Url } from "@std/encoding/base64url";
import type { Bridge, BridgeContext } from "../context.ts";
import { decodeText, encodeEnvelope, PAYLOAD_FORMS, retainedView, secondsLeft } from "../envelope.ts";
import { formatId } from "../message_id.ts";
import { requireRight } from "../middleware/identity.ts";
import { Problem } from "../middleware/problem.ts";
import type { Parameters } from "../parameters.ts";
import { etagOf, isUnchanged } from "../preconditions.ts";

const RETAINED_PARAMETERS = ["topic", "deep", "format", "payload"] as const;

/** Clients refuse answers with larger headers; what is longer is only named, and format=json has it. */
const HEADER_LENGTH_MAX = 4 * 1024;
const CONTENT_TYPE_LENGTH_MAX = 256;
const OCTETS = "application/octet-stream";
const TEXT = "text/plain; charset=utf-8";

/** What a browser would run, or take apart and run: the payload and its type are anybody's. */
const ACTIVE_TYPE =
  /^(text\/(html|xml|xsl|javascript|ecmascript|jscript|livescript|x-.*)|image\/svg.*|multipart\/.*|message\/.*|application\/(pdf|x-shockwave-flash)|.*(xml|javascript|ecmascript).*)$/;
const MEDIA_TYPE =
  /^([\w!#$&^.+-]+\/[\w!#$&^.+-]+)(\s*;\s*[\w!#$&^.+-]+=([\w!#$&^.+-]+|"[\x20-\x21\x23-\x5b\x5d-\x7e]*"))*$/;

/** `GET /topics/{topic}`: the retained message as it was published, or as an envelope. */
export function readRetained(
  bridge: Bridge,
  context: BridgeContext,
  topic: string,
  parameters: Parameters,
): Response {
  parameters.allowOnly(RETAINED_PARAMETERS);
  const { broker } = bridge;
  const format = parameters.choice("format", ["raw", "json"], "raw");
  const payload = parameters.choice("payload", PAYLOAD_FORMS, "auto");
  const identity = context.env.identity;
  requireRight(identity, "receive", topic);
  const message = broker.retained.get(identity, topic);
  if (!message) throw noRetainedValue(topic);
  const etag = etagOf(broker.epoch, message);
  const shared = {
    "etag": etag,
    "last-modified": new Date(message.time).toUTCString(),
    "mqtt-last-event-id": formatId(broker.epoch, broker.sequence),
    "cache-control": "no-cache",
    "vary": "Accept, Authorization, Cookie",
    ...GUARD_HEADERS,
  };
  if (isUnchanged(context.env.headers, etag)) return new Response(null, { status: 304, headers: shared });
  if (format === "raw") {
    return rawResponse(message, { ...shared, ...mqttHeaders(message, broker.clock.now()) });
  }
  return new Response(encodeEnvelope(message, retainedView(broker, payload)) + "\n", {
    headers: { ...shared, "content-type": "application/json" },
  });
}

/** Keeps a browser from running what somebody published, whatever type it claims. */
export const GUARD_HEADERS = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "sandbox; default-src 'none'",
} as const;

function rawResponse(message: Message, headers: Record<string, string>): Response {
  return new Response(new Uint8Array(message.payload), {
    headers: { ...headers, ...contentHeaders(message), "content-length": String(message.payload.length) },
  });
}

function contentHeaders({ payload, properties }: Message): Record<string, string> {
  const type = properties?.contentType;
  if (type === undefined) {
    const isText = properties?.payloadIsText || decodeText(payload) !== undefined;
    return { "content-type": isText ? TEXT : OCTETS };
  }
  const [, essence] = type.length <= CONTENT_TYPE_LENGTH_MAX ? MEDIA_TYPE.exec(type) ?? [] : [];
  if (essence === undefined) return { "content-type": OCTETS, "mqtt-content-type": headerText(type) };
  if (ACTIVE_TYPE.test(essence.toLowerCase())) {
    return { "content-type": TEXT, "mqtt-content-type": headerText(type) };
  }
  return { "content-type": type };
}

function mqttHeaders(message: Message, now: number): Record<string, string> {
  const { properties } = message;
  const expiry = secondsLeft(message, now);
  const pairs = (properties?.userProperties ?? [])
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
  const all: Record<string, string | undefined> = {
    "mqtt-qos": String(message.qos),
    "mqtt-message-expiry": expiry?.toString(),
    "mqtt-payload-format-indicator": properties?.payloadIsText ? "1" : undefined,
    "mqtt-response-topic": properties?.responseTopic && encodeURIComponent(properties.responseTopic),
    "mqtt-correlation-data": properties?.correlationData && encodeBase64Url(properties.correlationData),
    "mqtt-user-property": pairs.length > 0 ? pairs.join(", ") : undefined,
  };
  const headers: Record<string, string> = {};
  const omitted: string[] = [];
  for (const [name, value] of Object.entries(all)) {
    if (value === undefined) continue;
    if (value.length <= HEADER_LENGTH_MAX) headers[name] = value;
    else omitted.push(name);
  }
  if (omitted.length > 0) headers["mqtt-omitted-headers"] = omitted.join(", ");
  return headers;
}

/** Nothing that somebody published may end a header line or start another. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent).slice(0, CONTENT_TYPE_LENGTH_MAX);
}

function noRetainedValue(topic: string): Problem {
  return new Problem("no-retained-value", `There is no retained message on ${JSON.stringify(topic)}`, {
    param: "topic",
    ...(topic.endsWith("/") ? { hint: "topic ends in '/': did the shell or URL drop '#'? write %23" } : {}),
  });
}
