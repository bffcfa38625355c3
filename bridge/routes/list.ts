import { type Identity, isShared, type Message } from "../../broker/mod.ts";
import type { Bridge, BridgeContext } from "../context.ts";
import { encodeEnvelope, PAYLOAD_FORMS, type PayloadForm, retainedView } from "../envelope.ts";
import { formatId, parseId } from "../message_id.ts";
import { Problem } from "../middleware/problem.ts";
import { negotiate } from "../negotiate.ts";
import { notAllowed, type Parameters } from "../parameters.ts";
import { requireOffered } from "../refusal.ts";
import { filterWarnings, topicsUrl } from "../topic_address.ts";
import { GUARD_HEADERS } from "./retained.ts";

const LIST_PARAMETERS = [
  "filter",
  "topic",
  "deep",
  "limit",
  "after",
  "payload",
  "shape",
  "depth",
  "changed_since",
] as const;

const LIMIT_DEFAULT = 100;
/** Messages looked at for one page or chunk; a page may be short, but whoever asked does not wait for long. */
const SCANNED_MAX = 10_000;
/** A page ends after that many bytes of messages, and the last of them. */
const PAGE_BYTES = 4 * 1024 * 1024;
const SHAPES = ["list", "map", "tree"] as const;
const JSON_LINES = ["application/x-ndjson", "application/jsonl"] as const;

const encoder = new TextEncoder();

/** What to list, page after page. */
interface Listing {
  readonly identity: Identity;
  readonly filter: string;
  readonly limit: number | undefined;
  readonly payload: PayloadForm;
  /** Levels of the deepest topic listed. */
  readonly levelsMax: number;
  /** Sequence of the newest message that is not listed. */
  readonly changedSince: number;
}

/** `GET /topics/{filter}`: the retained messages that the filter matches and the identity may read. */
export async function listRetained(
  bridge: Bridge,
  context: BridgeContext,
  filter: string,
  parameters: Parameters,
): Promise<Response> {
  parameters.allowOnly(LIST_PARAMETERS);
  requireOffered(bridge.broker, filter);
  const identity = context.env.identity;
  const listing = readListing(bridge, identity, filter, parameters);
  const shape = parameters.choice("shape", SHAPES, "list");
  const after = parameters.text("after");
  const type = negotiate(context.env.headers.get("accept"), ["application/json", ...JSON_LINES]);
  const headers = {
    "content-type": type,
    "cache-control": "no-cache",
    "vary": "Accept, Authorization, Cookie",
    "mqtt-last-event-id": formatId(bridge.broker.epoch, bridge.broker.sequence),
    ...GUARD_HEADERS,
  };
  if (type !== "application/json") {
    if (shape !== "list") throw notAllowed("shape", shape, "lines are always a list");
    if (context.env.method === "HEAD") return new Response(null, { headers });
    return new Response(linesOf(bridge, listing, after), { headers });
  }
  const { signal } = context.req.raw; // As deno.json asks, it aborts for nobody but who is gone, and Deno says nothing of it
  const found = await page(bridge, listing, {
    after,
    limit: listing.limit ?? LIMIT_DEFAULT,
    isGone: () => signal.aborted,
  });
  if (!found) return new Response(null); // Nobody hears it
  const { messages, next } = found;
  const nextUrl = next === undefined ? undefined : nextPage(filter, next, parameters);
  const warnings = filterWarnings([filter]);
  const json =
    `{"items":${shaped(bridge, listing, shape, messages)},"next":${JSON.stringify(nextUrl ?? null)},` +
    `"last_event_id":"${headers["mqtt-last-event-id"]}"` +
    (warnings.length > 0 ? `,"warnings":${JSON.stringify(warnings)}}` : "}");
  return new Response(json + "\n", {
    headers: nextUrl === undefined ? headers : { ...headers, link: `<${nextUrl}>; rel="next"` },
  });
}

function readListing(bridge: Bridge, identity: Identity, filter: string, parameters: Parameters): Listing {
  const { broker } = bridge;
  const depth = parameters.integer("depth", { min: 1, max: broker.limits.topicLevelsMax });
  const levels = filter.split("/").length;
  const since = parameters.text("changed_since");
  const cursor = since === undefined ? undefined : parseId(since);
  if (since !== undefined && !cursor) throw notAllowed("changed_since", since, "it is the id of a message");
  return {
    identity,
    filter,
    limit: parameters.integer("limit", { min: 1, max: broker.limits.listMax, limit: "listMax" }),
    payload: parameters.choice("payload", PAYLOAD_FORMS, "auto"),
    levelsMax: depth !== undefined && filter.endsWith("#") ? levels - 1 + depth : Infinity,
    // Since another epoch, everything has changed.
    changedSince: cursor && cursor.epoch === broker.epoch ? cursor.sequence : 0,
  };
}

/** A page of a listing. */
interface PageWish {
  /** The topic before it. */
  readonly after: string | undefined;
  readonly limit: number;
  /** Whether nobody waits for it any more. */
  readonly isGone: () => boolean;
}

interface Page {
  readonly messages: readonly Message[];
  /** The topic to go on after, if there are more. */
  readonly next: string | undefined;
}

/**
 * A page may be shorter than its limit although more follow, and ends only at a topic that fits into the next URL. A
 * filter that matches few of many topics is searched in slices between which others have a turn: in one piece, a page of
 * `+/+/x` kept everybody waiting for 130 ms among a million topics. Undefined for somebody who is gone.
 */
async function page(
  { broker }: Bridge,
  listing: Listing,
  { after, limit, isGone }: PageWish,
): Promise<Page | undefined> {
  const { identity, filter } = listing;
  const messages: Message[] = [];
  let end: string | undefined;
  let bytes = 0;
  let scannedCount = 0;
  let hasPaused = false;
  for (const message of broker.retained.inOrder(identity, filter, after)) {
    if (!message) {
      await broker.turn.heard();
      if (isGone()) return undefined;
      hasPaused = true;
      continue;
    }
    if (end !== undefined) return { messages: current(), next: end };
    scannedCount++;
    if (isListed(message, listing)) {
      messages.push(message);
      bytes += message.size;
    }
    const isFull = messages.length >= limit || bytes >= PAGE_BYTES || scannedCount >= SCANNED_MAX;
    if (isFull && fitsIntoUrl(message.topic, broker.limits.urlBytesMax)) end = message.topic;
  }
  return { messages: current(), next: undefined };

  /** Without what was cleared or forbidden meanwhile. */
  function current(): readonly Message[] {
    return hasPaused ? messages.filter(({ topic }) => broker.retained.get(identity, topic)) : messages;
  }
}

/** Half of a URL is for the filter. */
function fitsIntoUrl(topic: string, urlBytesMax: number): boolean {
  return encodeURIComponent(topic).length <= urlBytesMax / 2;
}

function isListed(message: Message, { levelsMax, changedSince }: Listing): boolean {
  if (message.sequence <= changedSince) return false;
  return levelsMax === Infinity || message.topic.split("/").length <= levelsMax;
}

function shaped(
  { broker }: Bridge,
  { payload }: Listing,
  shape: typeof SHAPES[number],
  messages: readonly Message[],
): string {
  const view = retainedView(broker, payload);
  if (shape === "list") return `[${messages.map((message) => encodeEnvelope(message, view)).join(",")}]`;
  if (shape === "map") {
    const members = messages.map((message) =>
      `${JSON.stringify(message.topic)}:${encodeEnvelope(message, view)}`
    );
    return `{${members.join(",")}}`;
  }
  const root: TreeNode = { value: undefined, levels: new Map() };
  for (const message of messages) {
    let node = root;
    for (const level of message.topic.split("/")) {
      let child = node.levels.get(level);
      if (!child) node.levels.set(level, child = { value: undefined, levels: new Map() });
      node = child;
    }
    node.value = encodeEnvelope(message, view);
  }
  return treeJson(root);
}

interface TreeNode {
  value: string | undefined;
  readonly levels: Map<string, TreeNode>;
}

/** As deep as topics have levels, which is bounded. */
function treeJson({ value, levels }: TreeNode): string {
  const members = [...levels].map(([level, node]) => `${JSON.stringify(level)}:${treeJson(node)}`);
  const parts = [
    ...(value === undefined ? [] : [`"value":${value}`]),
    ...(members.length === 0 ? [] : [`"levels":{${members.join(",")}}`]),
  ];
  return `{${parts.join(",")}}`;
}

/** All of the list, one message a line, as fast as the reader takes it. */
function linesOf(bridge: Bridge, listing: Listing, start: string | undefined): ReadableStream<Uint8Array> {
  const { broker } = bridge;
  let after = start;
  let left = listing.limit ?? Infinity;
  let isGone = false;
  return new ReadableStream({
    async pull(controller) {
      for (;;) {
        const limit = Math.min(left, LIMIT_DEFAULT);
        const found = await page(bridge, listing, { after, limit, isGone: () => isGone });
        if (!found) return;
        const { messages, next } = found;
        const view = retainedView(broker, listing.payload);
        const lines = messages.map((message) => encodeEnvelope(message, view) + "\n").join("");
        if (lines !== "") controller.enqueue(encoder.encode(lines));
        left -= messages.length;
        after = next;
        if (next === undefined || left <= 0) return controller.close();
        if (lines !== "") return;
      }
    },
    cancel() {
      isGone = true;
    },
  }, { highWaterMark: 0 });
}

function nextPage(filter: string, after: string, parameters: Parameters): string {
  const kept = ["limit", "payload", "shape", "depth", "changed_since"].flatMap((name) => {
    const value = parameters.text(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return topicsUrl(filter, [["after", after], ...kept]);
}

/** The filter to list; several would have no common order. */
export function requireOneFilter(filters: readonly string[]): string {
  const [filter, ...others] = filters;
  if (filter !== undefined && isShared(filter)) {
    throw new Problem(
      "shared-filter",
      `Cannot list ${JSON.stringify(filter)}: nothing is retained for a group`,
      {
        param: "filter",
        hint: "take the filter without $share/ and the group",
      },
    );
  }
  if (filter !== undefined && others.length === 0) return filter;
  throw new Problem("duplicate-parameter", `Cannot list ${filters.length} filters at once`, {
    param: "filter",
  });
}
