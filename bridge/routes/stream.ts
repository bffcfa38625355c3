import { type Identity, isShared, parseShare } from "../../broker/mod.ts";
import { STREAM_TOKEN } from "../access/stream_token.ts";
import type { Bridge, BridgeContext, RouteHandler } from "../context.ts";
import { methods } from "../methods.ts";
import { denied, requireRight } from "../middleware/identity.ts";
import { Problem } from "../middleware/problem.ts";
import { Parameters } from "../parameters.ts";
import { requireOffered } from "../refusal.ts";
import { readStreamWish } from "../stream_request.ts";
import type { StreamType } from "../stream/stream_format.ts";
import type { StreamRefusal, StreamWish } from "../stream/stream_table.ts";
import { readFilters } from "../topic_address.ts";

/** A browser comes back after that, in milliseconds; an error status would end its EventSource for good. */
const REFUSED_RETRY_MS_MIN = 15_000;
const REFUSED_RETRY_MS_MAX = 45_000;

/** `/stream/{filter}` and `/stream?filter=`: messages as they come. */
export function streamRoute(bridge: Bridge): RouteHandler {
  return methods({ GET: (context) => openStream(bridge, context) });
}

export function openStream(bridge: Bridge, context: BridgeContext): Response {
  const { broker, streams } = bridge;
  const request = context.req.raw;
  const identity = context.env.identity;
  const url = context.env.url;
  const parameters = new Parameters(url.query);
  const filters = readFilters(url, parameters, broker.limits.topicLevelsMax);
  const wish = readStreamWish(bridge, { identity, headers: context.env.headers, parameters, filters });
  for (const filter of filters) {
    requireOffered(broker, filter);
    requireRight(identity, "subscribe", parseShare(filter)?.filter ?? filter);
    // Who shares takes messages away from the others, which is more than to follow.
    if (identity.method === STREAM_TOKEN && isShared(filter)) throw denied(identity, "subscribe", filter);
  }
  // HEAD runs every check and says what would come of it: the test that EventSource lacks.
  if (request.method === "HEAD") {
    const refusal = streams.refusal(identity);
    if (refusal) throw temporaryRefusal(bridge, refusal);
    return new Response(null, { headers: streamHeaders(wish.type) });
  }
  const stream = streams.open(wish);
  if (typeof stream === "string") return refuse(bridge, wish, stream);
  context.env.follow?.();
  return new Response(stream.body, { headers: streamHeaders(wish.type) });
}

function streamHeaders(type: StreamType): Record<string, string> {
  return {
    "content-type": type === "text/plain" ? "text/plain; charset=utf-8" : type,
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
    "vary": "Accept, Authorization, Cookie",
  };
}

function refuse(bridge: Bridge, { identity, type, options }: StreamWish, refusal: StreamRefusal): Response {
  if (refusal === "denied") throw deniedFilter(identity, options.filters);
  if (type !== "text/event-stream") throw temporaryRefusal(bridge, refusal);
  const retryMs = refusedRetryMs(bridge);
  const bye = JSON.stringify({ reason: refusal, retry_ms: retryMs });
  return new Response(`: ok\n\nretry: ${retryMs}\nevent: bye\ndata: ${bye}\n\n`, {
    headers: streamHeaders(type),
  });
}

/** The rights may have changed since they were checked. */
function deniedFilter(identity: Identity, filters: readonly string[]): Problem {
  return denied(
    identity,
    "subscribe",
    filters.find((filter) => !identity.can("subscribe", filter)) ?? filters[0]!,
  );
}

function temporaryRefusal(bridge: Bridge, refusal: Exclude<StreamRefusal, "denied">): Problem {
  const headers = { "retry-after": String(Math.ceil(refusedRetryMs(bridge) / 1000)) };
  return new Problem(refusal === "shutdown" ? "draining" : refusal, "Cannot open one more stream now", {
    headers,
  });
}

function refusedRetryMs({ random }: Bridge): number {
  return Math.round(REFUSED_RETRY_MS_MIN + random() * (REFUSED_RETRY_MS_MAX - REFUSED_RETRY_MS_MIN));
}
