import { decodeBase64Url } from "@std/encoding/base64url";
import type { Limits, MessageProperties, QoS } from "../broker/mod.ts";
import type { HeaderReader } from "./header_fields.ts";
import { Problem } from "./middleware/problem.ts";
import { notAllowed, type Parameters, readChoice, readSeconds, unknownName } from "./parameters.ts";
import { percentDecode } from "./raw_url.ts";
import { requireTopic } from "./topic_address.ts";

const PUBLISH_PARAMETERS = [
  "topic",
  "qos",
  "retain",
  "expiry",
  "content_type",
  "pfi",
  "response_topic",
  "correlation",
  "mandatory",
  "user.",
] as const;

export const MQTT_HEADERS = [
  "mqtt-qos",
  "mqtt-retain",
  "mqtt-message-expiry",
  "mqtt-payload-format-indicator",
  "mqtt-response-topic",
  "mqtt-correlation-data",
  "mqtt-user-property",
] as const;

const FLAGS = ["0", "1"] as const;
const QOS_VALUES = ["0", "1", "2"] as const;
/** Longest Message Expiry Interval and longest string or binary of MQTT 5.0. */
const EXPIRY_SECONDS_MAX = 0xffff_ffff;
const FIELD_BYTES_MAX = 0xffff;
/** What forms and curl's `-d` send without being asked: it says nothing about the payload. */
const FORM_TYPE = "application/x-www-form-urlencoded";
const TRACE_HEADERS = ["traceparent", "tracestate"] as const;
const NO_TRACE: [string, string][] = [];

const encoder = new TextEncoder();

/** How to publish the body, as the parameters and, where they are silent, the headers say. */
export interface PublishRequest {
  readonly qos: QoS;
  /** Undefined when nothing was said. */
  readonly retain: boolean | undefined;
  readonly properties: MessageProperties | undefined;
  /** Of the trace that the request belongs to; they differ from try to try. */
  readonly traceProperties: [string, string][];
  readonly mandatory: boolean;
}

export function readPublishRequest(
  headers: HeaderReader,
  parameters: Parameters,
  limits: Limits,
): PublishRequest {
  parameters.allowOnly(PUBLISH_PARAMETERS);
  let isPlain = parameters.isEmpty;
  for (const name of headers.keys()) {
    if (!name.startsWith("mqtt-")) continue;
    isPlain = false;
    if (!(MQTT_HEADERS as readonly string[]).includes(name)) {
      throw unknownName("unknown-header", name, MQTT_HEADERS);
    }
  }
  refuseEncodedBody(headers);
  if (isPlain) return plainRequest(headers);
  const [qosName, qosText] = pick(parameters, headers, "qos", "mqtt-qos");
  const [retainName, retainText] = pick(parameters, headers, "retain", "mqtt-retain");
  return {
    qos: Number(readChoice(qosName, qosText ?? "0", QOS_VALUES)) as QoS,
    retain: retainText === undefined ? undefined : readChoice(retainName, retainText, FLAGS) === "1",
    properties: readProperties(parameters, headers, limits),
    traceProperties: readTrace(headers),
    mandatory: parameters.flag("mandatory"),
  };
}

/** Nothing was said of the message but its type, as by most: a twentieth of a publish went into asking for the rest. */
function plainRequest(headers: HeaderReader): PublishRequest {
  const contentType = readContentType(headers);
  return {
    qos: 0,
    retain: undefined,
    properties: contentType === undefined
      ? undefined
      : { contentType: requireField("content_type", contentType) },
    traceProperties: readTrace(headers),
    mandatory: false,
  };
}

/** Adds the trace to the properties of the message. */
export function withTrace({ properties, traceProperties }: PublishRequest): MessageProperties | undefined {
  if (traceProperties.length === 0) return properties;
  return { ...properties, userProperties: [...properties?.userProperties ?? [], ...traceProperties] };
}

function refuseEncodedBody(headers: HeaderReader): void {
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw new Problem(
      "unsupported-media-type",
      `Cannot take a body in the encoding ${encoding.slice(0, 80)}`,
      {
        param: "Content-Encoding",
      },
    );
  }
  if (headers.get("content-type")?.trimStart().toLowerCase().startsWith("multipart/")) {
    throw new Problem("unsupported-media-type", "Cannot take a multipart body", {
      param: "Content-Type",
      hint: "send the payload as it is: curl --data-binary @file",
    });
  }
}

function readProperties(
  parameters: Parameters,
  headers: HeaderReader,
  limits: Limits,
): MessageProperties | undefined {
  const properties: { -readonly [Key in keyof MessageProperties]: MessageProperties[Key] } = {};
  const [expiryName, expiryText] = pick(parameters, headers, "expiry", "mqtt-message-expiry");
  if (expiryText !== undefined) {
    properties.expirySeconds = readSeconds(expiryName, expiryText, { min: 1, max: EXPIRY_SECONDS_MAX });
  }
  const contentType = parameters.text("content_type") ?? readContentType(headers);
  if (contentType !== undefined) properties.contentType = requireField("content_type", contentType);
  const [pfiName, pfiText] = pick(parameters, headers, "pfi", "mqtt-payload-format-indicator");
  if (pfiText !== undefined && readChoice(pfiName, pfiText, FLAGS) === "1") properties.payloadIsText = true;
  const [responseName, responseTopic] = pick(parameters, headers, "response_topic", "mqtt-response-topic");
  if (responseTopic !== undefined) {
    properties.responseTopic = requireTopic(responseTopic, limits.topicLevelsMax, responseName);
  }
  const [correlationName, correlation] = pick(parameters, headers, "correlation", "mqtt-correlation-data");
  if (correlation !== undefined) properties.correlationData = readBase64Url(correlationName, correlation);
  const userProperties = readUserProperties(parameters, headers, limits);
  if (userProperties.length > 0) properties.userProperties = userProperties;
  return Object.keys(properties).length > 0 ? properties : undefined;
}

/** The query beats the header. */
function pick(
  parameters: Parameters,
  headers: HeaderReader,
  name: string,
  header: string,
): [name: string, text: string | undefined] {
  const text = parameters.text(name);
  if (text !== undefined) return [name, text];
  const value = headers.get(header);
  return [header, value === null ? undefined : percentDecode(requireAscii(header, value), header)];
}

function readContentType(headers: HeaderReader): string | undefined {
  const type = headers.get("content-type");
  if (type === null || type === "") return undefined;
  if (type.split(";")[0]!.trim().toLowerCase() === FORM_TYPE) return undefined;
  return requireAscii("content-type", type);
}

/** Both sides are percent-encoded, so a comma always divides two properties. */
function readUserProperties(
  parameters: Parameters,
  headers: HeaderReader,
  limits: Limits,
): [string, string][] {
  const header = headers.get("mqtt-user-property");
  const inHeader = header === null ? [] : requireAscii("mqtt-user-property", header).split(",")
    .map((pair): [string, string] => {
      const mark = pair.indexOf("=");
      if (mark === -1) {
        throw notAllowed("mqtt-user-property", pair.trim(), "it is key=value, both percent-encoded");
      }
      const key = percentDecode(pair.slice(0, mark).trim(), "mqtt-user-property");
      return [key, percentDecode(pair.slice(mark + 1).trim(), "mqtt-user-property")];
    });
  const properties = [...inHeader, ...parameters.prefixed("user.")];
  let bytes = 0;
  for (const [key, value] of properties) {
    bytes += encoder.encode(requireField(`user.${key}`, key)).length;
    bytes += encoder.encode(requireField(`user.${key}`, value)).length;
  }
  const isMany = properties.length > limits.userPropertiesMax;
  if (isMany || bytes > limits.userPropertiesBytesMax) {
    throw new Problem(
      "too-many-user-properties",
      `Cannot take ${properties.length} user properties of ${bytes} bytes: at most ${limits.userPropertiesMax} of ` +
        `${limits.userPropertiesBytesMax} bytes are allowed`,
      { limit: isMany ? "userPropertiesMax" : "userPropertiesBytesMax" },
    );
  }
  return properties;
}

function readTrace(headers: HeaderReader): [string, string][] {
  if (!TRACE_HEADERS.some((name) => headers.has(name))) return NO_TRACE;
  return TRACE_HEADERS.flatMap((name): [string, string][] => {
    const value = headers.get(name);
    // A trace that is no good is not worth refusing a message for.
    return value !== null && value.length <= 512 && isAscii(value) ? [[name, value]] : [];
  });
}

function readBase64Url(name: string, text: string): Uint8Array {
  const withoutPadding = text.replace(/={1,2}$/, "");
  if (/^[A-Za-z0-9_-]*$/.test(withoutPadding)) {
    try {
      const bytes = decodeBase64Url(withoutPadding);
      if (bytes.length <= FIELD_BYTES_MAX) return bytes;
    } catch { /* The length is not one that base64 has. */ }
  }
  throw notAllowed(name, text, `it is base64url of at most ${FIELD_BYTES_MAX} bytes`);
}

/** What MQTT demands of every string. */
function requireField(name: string, text: string): string {
  if (text.includes("\0")) throw notAllowed(name, text, "it has no U+0000");
  if (encoder.encode(text).length > FIELD_BYTES_MAX) {
    throw notAllowed(name, text, `it has at most ${FIELD_BYTES_MAX} bytes`);
  }
  return text;
}

/** A header is bytes without a declared encoding; percent-encoding is how it carries more than ASCII. */
function requireAscii(name: string, text: string): string {
  if (isAscii(text)) return text;
  throw new Problem("invalid-header", `Cannot read the header ${name}: it is not ASCII`, {
    param: name,
    hint: "percent-encode it",
  });
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e\t]*$/.test(text);
}
