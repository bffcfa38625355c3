import type { IncomingMessage } from "../client/mod.ts";
import type { FormatContext, MessageFormat } from "../client/sub.ts";
import { UsageError } from "./command_line.ts";
import { convert, isConversion } from "./strftime.ts";

/** A piece of a format; text is encoded as UTF-8, bytes stay as they are. */
type Piece = (message: IncomingMessage, context: FormatContext) => string | Uint8Array;

/** The flags between `%` and its letter. */
interface Field {
  readonly isLeft: boolean;
  readonly filler: " " | "0";
  readonly width: number;
  /** Undefined for no limit. */
  readonly widthMax: number | undefined;
}

const SEQUENCE =
  /%(?<left>-?)(?<zero>0?)(?<width>\d*)(?:\.(?<max>\d*))?(?<letter>.?)|@(?<time>.?)|\\(?<escape>.?)/gsu;

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\",
  0: "\0",
  a: "\x07",
  e: "\x1b",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** By the letter, what mosquitto_sub prints for `%`; what a message does not have is nothing, as wide as asked for. */
const PARAMETERS: Readonly<Record<string, (field: Field) => Piece>> = {
  "%": () => () => "%",
  A: numberOf(({ topicAlias }) => topicAlias || undefined),
  C: textOf(({ properties }) => properties.contentType),
  D: () => ({ properties }) => properties.correlationData ?? "",
  E: numberOf(({ properties }) => properties.expirySeconds),
  F: numberOf(({ properties: { payloadIsText } }) =>
    payloadIsText === undefined ? undefined : +payloadIsText
  ),
  I: textOf((_, { now }) => `${time("F", now)}T${time("T", now)}${time("z", now)}`),
  j: () => (message, { now }) => json(message, now, payloadAsText(message)),
  J: () => (message, { now, warn }) => {
    const payload = payloadAsJson(message);
    if (payload === undefined) warn(`Message payload is not valid JSON on topic ${message.topic}`);
    return payload === undefined ? "" : json(message, now, payload);
  },
  l: numberOf(({ payload }) => payload.length),
  m: numberOf(({ packetId }) => packetId),
  p: (field) => ({ payload }) => padBytes(payload, field),
  P: () => ({ properties: { userProperties = [] } }) =>
    userProperties.map(([name, value]) => `${name}:${value}`).join(" "),
  q: () => ({ qos }) => String(qos),
  R: textOf(({ properties }) => properties.responseTopic),
  r: () => ({ retain }) => retain ? "1" : "0",
  S: numberOf(({ subscriptionIds }) => subscriptionIds[0]),
  t: textOf(({ topic }) => topic),
  U: () => (_, { now }) => `${time("s", now)}.${time("N", now)}`,
  x: (field) => ({ payload }) => padHex(payload, field),
  X: (field) => ({ payload }) => padHex(payload, field).toUpperCase(),
};

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads a format of mosquitto_sub's `-F`: `%t %p`. Throws `UsageError` for a sequence that there is none of. */
export function parseMessageFormat(text: string): MessageFormat {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(SEQUENCE)) {
    const literal = text.slice(end, match.index);
    if (literal !== "") pieces.push(() => literal);
    pieces.push(pieceOf(match[0], match.groups!));
    end = match.index + match[0].length;
  }
  const rest = text.slice(end);
  if (rest !== "") pieces.push(() => rest);
  return (message, context) => join(pieces.map((piece) => piece(message, context)));
}

function pieceOf(sequence: string, groups: Readonly<Record<string, string | undefined>>): Piece {
  const { letter, time: conversion, escape, left, zero, width, max } = groups;
  if (letter !== undefined && Object.hasOwn(PARAMETERS, letter)) {
    return PARAMETERS[letter]!({
      isLeft: left === "-",
      filler: zero === "0" && left === "" ? "0" : " ",
      width: Number(width),
      widthMax: max === undefined ? undefined : Number(max),
    });
  }
  if (escape !== undefined && Object.hasOwn(ESCAPES, escape)) return () => ESCAPES[escape]!;
  if (conversion === "@") return () => "@";
  if (conversion !== undefined && isConversion(conversion)) return (_, { now }) => time(conversion, now);
  const why = (letter ?? conversion ?? escape) === "" ? "it is not complete" : "there is none such";
  throw new UsageError(`Cannot use ${sequence} in -F: ${why}; \\\\ stands for \\, %% for % and @@ for @`);
}

function numberOf(value: (message: IncomingMessage) => number | undefined): (field: Field) => Piece {
  return ({ isLeft, filler, width }) => (message) => {
    const number = value(message);
    const text = number === undefined ? "" : String(number);
    return isLeft ? text.padEnd(width) : text.padStart(width, filler);
  };
}

function textOf(
  value: (message: IncomingMessage, context: FormatContext) => string | undefined,
): (field: Field) => Piece {
  return ({ isLeft, width, widthMax }) => (message, context) => {
    const text = (value(message, context) ?? "").slice(0, widthMax);
    return isLeft ? text.padEnd(width) : text.padStart(width);
  };
}

/** Whoever gives a width wants a table: what is longer is cut. */
function padBytes(payload: Uint8Array, { isLeft, filler, width }: Field): Uint8Array {
  if (width === 0) return payload;
  const shown = payload.subarray(0, width);
  const padded = new Uint8Array(width).fill(filler.charCodeAt(0));
  padded.set(shown, isLeft ? 0 : width - shown.length);
  return padded;
}

function padHex(payload: Uint8Array, { isLeft, filler, width }: Field): string {
  const shown = width === 0 ? payload : payload.subarray(0, Math.floor(width / 2));
  const hex = Array.from(shown, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return isLeft ? hex.padEnd(width) : hex.padStart(width, filler);
}

function time(letter: string, now: number): string {
  return convert(letter, new Date(now));
}

/** @param payload as JSON */
function json(message: IncomingMessage, now: number, payload: string): string {
  const tst = `${time("F", now)}T${time("T", now)}.${time("N", now).slice(0, 6)}Z${time("z", now)}`;
  const { topic, qos, packetId } = message;
  const fields = {
    tst,
    topic,
    qos,
    retain: message.retain ? 1 : 0,
    payloadlen: message.payload.length,
    ...(qos > 0 && { mid: packetId }),
    ...jsonProperties(message),
  };
  return `${JSON.stringify(fields).slice(0, -1)},"payload":${payload}}`;
}

/** Of several user properties of one name JSON has the last. */
function jsonProperties({ properties, subscriptionIds, topicAlias }: IncomingMessage): object {
  const { expirySeconds, payloadIsText, contentType, responseTopic, correlationData } = properties;
  const named = {
    "payload-format-indicator": payloadIsText === undefined ? undefined : +payloadIsText,
    "message-expiry-interval": expirySeconds,
    "content-type": contentType,
    "response-topic": responseTopic,
    "correlation-data": correlationData && new TextDecoder().decode(correlationData),
    "subscription-identifier": subscriptionIds[0],
    "topic-alias": topicAlias || undefined,
    "user-properties": properties.userProperties && Object.fromEntries(properties.userProperties),
  };
  return Object.values(named).some((value) => value !== undefined) ? { properties: named } : {};
}

/** Text as a string; what is none as a list of its bytes. */
function payloadAsText({ payload }: IncomingMessage): string {
  if (payload.length === 0) return "null";
  try {
    return JSON.stringify(strictDecoder.decode(payload));
  } catch {
    return JSON.stringify([...payload]);
  }
}

/** The payload as it is, if it is JSON, in one line; undefined if not. */
function payloadAsJson({ payload }: IncomingMessage): string | undefined {
  if (payload.length === 0) return "null";
  try {
    const text = strictDecoder.decode(payload);
    JSON.parse(text);
    // Parsed and printed anew, long numbers would be others. No string in JSON has a line break as such.
    return text.trim().replaceAll(/[\r\n]+/g, " ");
  } catch {
    return undefined;
  }
}

function join(parts: readonly (string | Uint8Array)[]): Uint8Array {
  const chunks = parts.map((part) => typeof part === "string" ? encoder.encode(part) : part);
  const joined = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let end = 0;
  for (const chunk of chunks) {
    joined.set(chunk, end);
    end += chunk.length;
  }
  return joined;
}
