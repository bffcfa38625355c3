import { ANONYMOUS_NAME, type Broker, isShared } from "../../broker/mod.ts";
import type { StreamTokenWish } from "../access/stream_token_table.ts";
import type { Bridge, BridgeContext, RouteHandler } from "../context.ts";
import { invalidBody, readJsonObject } from "../json_body.ts";
import { methods } from "../methods.ts";
import { denied, requireRight } from "../middleware/identity.ts";
import { Problem } from "../middleware/problem.ts";
import { Parameters, readSeconds } from "../parameters.ts";
import { requireOffered } from "../refusal.ts";
import { requireFilter } from "../topic_address.ts";

const TTL_SECONDS = 3600;
const RETRY_AFTER_SECONDS = "60";

/** `/tokens`: gives out stream tokens, which may stand in a URL since they are good for little and not for long. */
export function tokenRoute(bridge: Bridge): RouteHandler {
  return methods({ POST: (context) => issue(bridge, context) });
}

async function issue(bridge: Bridge, context: BridgeContext): Promise<Response> {
  const { broker } = bridge;
  const identity = context.env.identity;
  new Parameters(context.env.url.query).allowOnly([]);
  const wish = readWish(await readJsonObject(bridge, context, ["filters", "ttl"]), broker);
  // All who show no name would share one bound.
  if (identity.name === ANONYMOUS_NAME) throw denied(identity, "subscribe", wish.filters[0]!);
  for (const filter of wish.filters) requireRight(identity, "subscribe", filter);
  const issued = await bridge.streamTokens.issue(identity, wish);
  if (typeof issued === "string") {
    throw new Problem(issued, "Cannot give out one more stream token now", {
      headers: { "retry-after": RETRY_AFTER_SECONDS },
    });
  }
  const { token, expiresAt } = issued;
  const answer = { token, filters: wish.filters, expires: new Date(expiresAt).toISOString() };
  return new Response(JSON.stringify(answer) + "\n", {
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

function readWish({ filters, ttl }: Readonly<Record<string, unknown>>, broker: Broker): StreamTokenWish {
  const { limits } = broker;
  if (!Array.isArray(filters) || filters.length === 0 || filters.some((each) => typeof each !== "string")) {
    throw invalidBody("filters is not a list of texts with at least one", "filters");
  }
  if (filters.length > limits.filtersPerStreamMax) {
    throw new Problem(
      "too-many-filters",
      `Cannot take ${filters.length} filters: at most ${limits.filtersPerStreamMax} are allowed`,
      { param: "filters", limit: "filtersPerStreamMax" },
    );
  }
  for (const filter of filters) {
    requireFilter(filter, limits.topicLevelsMax);
    requireOffered(broker, filter);
    if (isShared(filter)) {
      throw new Problem("shared-filter", "Cannot give out a stream token for a shared filter", {
        param: "filters",
      });
    }
  }
  if (ttl !== undefined && typeof ttl !== "string" && typeof ttl !== "number") {
    throw invalidBody("ttl is neither a text nor a number", "ttl");
  }
  const max = limits.streamTokenSecondsMax;
  return {
    filters,
    seconds: ttl === undefined
      ? Math.min(TTL_SECONDS, max)
      : readSeconds("ttl", String(ttl), { min: 1, max, limit: "streamTokenSecondsMax" }),
  };
}
