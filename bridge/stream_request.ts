import { type Identity, isShared, type QoS } from "../broker/mod.ts";
import type { Bridge } from "./context.ts";
import { parseDurationSeconds } from "./duration.ts";
import { PAYLOAD_FORMS } from "./envelope.ts";
import type { HeaderReader } from "./header_fields.ts";
import { parseId } from "./message_id.ts";
import { Problem } from "./middleware/problem.ts";
import { negotiate } from "./negotiate.ts";
import { notAllowed, type Parameters } from "./parameters.ts";
import type { Since } from "./stream/resume.ts";
import { STREAM_TYPES } from "./stream/stream_format.ts";
import { OVERFLOWS } from "./stream/stream_queue.ts";
import type { StreamWish } from "./stream/stream_table.ts";
import { filterWarnings } from "./topic_address.ts";

const STREAM_PARAMETERS = [
  "filter",
  "topic",
  "deep",
  "qos",
  "retained",
  "since",
  "last_event_id",
  "limit",
  "timeout",
  "payload",
  "event",
  "overflow",
  "rap",
  "quiet",
  // Read by whoever finds out who asks.
  "token",
] as const;

const QOS_VALUES = ["0", "1", "2"] as const;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+ -]\d\d:\d\d)$/i;

/** Reads what a stream is asked to be. */
export function readStreamWish(
  { broker }: Bridge,
  { identity, headers, parameters, filters }: {
    readonly identity: Identity;
    readonly headers: HeaderReader;
    readonly parameters: Parameters;
    readonly filters: readonly string[];
  },
): StreamWish {
  const { limits } = broker;
  parameters.allowOnly(STREAM_PARAMETERS);
  if (filters.length > limits.filtersPerStreamMax) {
    throw new Problem(
      "too-many-filters",
      `Cannot take ${filters.length} filters: at most ${limits.filtersPerStreamMax} are allowed`,
      { param: "filter", limit: "filtersPerStreamMax" },
    );
  }
  const isSharing = filters.some(isShared);
  if (isSharing && !filters.every(isShared)) {
    throw new Problem("shared-filter", "Cannot take shared and other filters in one stream", {
      param: "filter",
      hint: "open two streams",
    });
  }
  const type = negotiate(headers.get("accept"), STREAM_TYPES);
  const limit = parameters.integer("limit", { min: 1, max: Number.MAX_SAFE_INTEGER });
  const timeoutSeconds = parameters.seconds("timeout", {
    min: 0,
    max: limits.waitSecondsMax,
    limit: "waitSecondsMax",
  });
  if (type === "application/json" && limit === undefined && timeoutSeconds === undefined) {
    throw new Problem("not-acceptable", "Cannot answer with one JSON object: the stream has no end", {
      param: "Accept",
      hint: "give limit= or timeout=, or accept application/x-ndjson",
    });
  }
  return {
    identity,
    type,
    since: isSharing ? { kind: "now" } : readSince(headers, parameters, broker.clock.now()),
    format: {
      payload: parameters.choice("payload", PAYLOAD_FORMS, "auto"),
      event: parameters.choice("event", ["message", "topic"], "message"),
      retainAsPublished: parameters.flag("rap"),
      quiet: parameters.flag("quiet"),
    },
    options: {
      filters,
      // As a subscription: who wants more than there is gets what there is, and `ready` says so.
      qos: Math.min(Number(parameters.choice("qos", QOS_VALUES, "0")), broker.features.maximumQos) as QoS,
      retained: parameters.choice("retained", ["all", "none"], "all") === "all",
      limit,
      timeoutSeconds,
      overflow: parameters.choice("overflow", OVERFLOWS, "close"),
      warnings: filterWarnings(filters),
    },
  };
}

/** EventSource keeps its URL when it reconnects, so the header, which tells where it really is, goes first. */
function readSince(headers: HeaderReader, parameters: Parameters, now: number): Since {
  const text = parameters.text("since");
  const since = text === undefined || text === "" ? { kind: "now" } as const : parseSince(text, now);
  const id = headers.get("last-event-id") || parameters.text("last_event_id");
  return id ? { kind: "id", text: id } : since;
}

function parseSince(text: string, now: number): Since {
  if (text === "all") return { kind: "all" };
  const seconds = parseDurationSeconds(text);
  if (seconds !== undefined) return { kind: "time", text, time: now - seconds * 1000 };
  if (RFC3339.test(text)) {
    const time = Date.parse(text.replace(" ", "+").toUpperCase());
    if (!Number.isNaN(time)) return { kind: "time", text, time };
  }
  if (parseId(text)) return { kind: "id", text };
  throw notAllowed(
    "since",
    text,
    "it is an id, a duration such as 10m, a time such as 2026-11-22T09:00:00Z, or all",
  );
}
