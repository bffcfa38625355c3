import { DEFAULT_LIMITS } from "../../../broker/core/limits.ts";
import { Message } from "../../../broker/core/message.ts";
import { Router } from "../../../broker/core/router.ts";
import type { Subscriber, Subscription } from "../../../broker/core/subscriber.ts";
import { Counters } from "../../../broker/metrics/counters.ts";
import { isShared } from "../../../broker/topic/name.ts";
import { RetainedTree } from "../../../broker/topic/retained_tree.ts";
import { found } from "../../support/found.ts";

/** Something that the broker does again and again while what it keeps grows. */
export interface Operation {
  readonly name: string;
  /** Values that come of doing it once; what it costs may grow with them. Whoever measures it looks whether they came. */
  readonly answers: number;
  readonly run: Step;
  /** What has to stand before, and to go after; not measured. */
  readonly before?: Step;
  readonly after?: Step;
}

/**
 * Does something once.
 *
 * @param index from 0, of those done at once
 * @returns how many values came of it
 */
export type Step = (index: number) => number;

export type Filling = Generator<void, readonly Operation[]>;

/** A part of the broker that can be filled. */
export interface Structure {
  readonly name: string;
  readonly title: string;
  /** What it holds, in the singular. */
  readonly entry: string;
  /** Fills one with so many entries, with a yield after each; returns what there is to do with it. */
  fill(size: number): Filling;
}

/** Times that an operation is done at once, at most. */
export const BATCH_MAX = 1_000;
/** As many as a client may have. */
const FILTERS_PER_CLIENT = 1_000;
const SITE_DEVICES = 10;
const SAMPLES = 1_024;
const PAGE = 100;

export const STRUCTURES: readonly Structure[] = [
  subscriptions("exact", "Filters without wildcards", (index) => `site/7/device/${index}/temperature`),
  subscriptions("plus", "Filters with +", (index) => `site/+/device/${index}/temperature`),
  subscriptions("hash", "Filters with #", (index) => `site/7/device/${index}/#`),
  { name: "near", title: "Filters with + that nearly match", entry: "subscription", fill: fillNear },
  { name: "crowd", title: "Subscribers of one filter", entry: "subscription", fill: fillCrowd },
  { name: "share", title: "Members of one shared subscription", entry: "member", fill: fillShare },
  { name: "retained", title: "Retained messages", entry: "message", fill: fillRetained },
];

class Stub implements Subscriber {
  readonly identity = { name: "stub", can: () => true };

  constructor(readonly id: string) {}

  deliver(): "queued" {
    return "queued";
  }

  readiness(): "now" {
    return "now";
  }
}

/**
 * Remembers one route only, so every topic but the last is matched anew; and lets one subscriber have the shapes that
 * otherwise take many.
 */
function newRouter(): Router {
  const filterShapesPerSessionMax = DEFAULT_LIMITS.filterShapesMax;
  return new Router({ ...DEFAULT_LIMITS, routeCacheMax: 1, filterShapesPerSessionMax }, new Counters());
}

function subscriptionOf(subscriber: Subscriber, filter: string): Subscription {
  return {
    filter,
    isShared: isShared(filter),
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    identifiers: [],
    subscriber,
  };
}

function messageOn(topic: string): Message {
  return new Message({ topic, payload: new Uint8Array(64), qos: 0, retain: false }, 1, 0);
}

/** Clients with a thousand filters each; every topic has one that matches. */
function subscriptions(name: string, title: string, filterOf: (index: number) => string): Structure {
  return {
    name,
    title,
    entry: "subscription",
    *fill(size) {
      const router = newRouter();
      let client = new Stub("");
      for (let index = 0; index < size; index++) {
        if (index % FILTERS_PER_CLIENT === 0) client = new Stub(`client ${index / FILTERS_PER_CLIENT}`);
        router.add(subscriptionOf(client, filterOf(index)));
        yield;
      }
      const topics = inTurn(scattered(size, (index) => `site/7/device/${index}/temperature`));
      const another = new Stub("another");
      const comers = Array.from(
        { length: BATCH_MAX },
        (_, index) => subscriptionOf(another, filterOf(size + index)),
      );
      return [
        { name: "match", answers: 1, run: () => router.matchCount(topics()) },
        ...comingAndGoing(router, comers, ["subscribe", "unsubscribe"]),
      ];
    },
  };
}

/** Subscriptions that come beside those that are there, and go again. */
function comingAndGoing(
  router: Router,
  subscriptions: readonly Subscription[],
  [coming, going]: readonly [coming: string, going: string],
): readonly Operation[] {
  const add = (index: number) => Number(router.add(subscriptions[index]!) === undefined);
  const remove = (index: number) => {
    const { filter, subscriber } = subscriptions[index]!;
    return Number(router.remove(filter, subscriber.id) !== undefined);
  };
  return [
    { name: coming, answers: 1, run: add, after: remove },
    { name: going, answers: 1, before: add, run: remove },
  ];
}

/**
 * a or + on each level and then x, in every combination: a topic of nothing but a has all of them on its way, and none
 * that matches. What no combination is left for is elsewhere, and so is what the bound of shapes refuses.
 */
function* fillNear(size: number): Filling {
  const router = newRouter();
  const levels = Math.floor(Math.log2(size));
  const client = new Stub("client");
  for (let index = 0; index < size; index++) {
    const path = Array.from({ length: levels }, (_, level) => (index >> level) & 1 ? "+" : "a");
    const filter = [...path, "x"].join("/");
    const isTaken = index < 2 ** levels && router.fullBy(filter, client.id) === undefined;
    router.add(subscriptionOf(client, isTaken ? filter : `elsewhere/+/${index}`));
    yield;
  }
  const topics = inTurn(["y", "z"].map((last) => "a/".repeat(levels) + last));
  return [{ name: "match none of them", answers: 0, run: () => router.matchCount(topics()) }];
}

function* fillCrowd(size: number): Filling {
  const router = newRouter();
  for (let index = 0; index < size; index++) {
    router.add(subscriptionOf(new Stub(`client ${index}`), "news"));
    yield;
  }
  const message = messageOn("news");
  return [
    { name: "deliver to all", answers: size, run: () => router.route(message) },
    ...comingAndGoing(router, others("news"), ["subscribe", "unsubscribe"]),
  ];
}

/** Of as many clients. */
function others(filter: string): readonly Subscription[] {
  return Array.from(
    { length: BATCH_MAX },
    (_, index) => subscriptionOf(new Stub(`another ${index}`), filter),
  );
}

function* fillShare(size: number): Filling {
  const router = newRouter();
  const filter = "$share/workers/jobs";
  for (let index = 0; index < size; index++) {
    router.add(subscriptionOf(new Stub(`worker ${index}`), filter));
    yield;
  }
  const message = messageOn("jobs");
  return [
    { name: "deliver to one", answers: 1, run: () => router.route(message) },
    ...comingAndGoing(router, others(filter), ["join", "leave"]),
  ];
}

/** Ten devices at each site, so that what a site answers stays the same however many there are. */
function* fillRetained(size: number): Filling {
  const tree = new RetainedTree<Message>();
  const topicOf = (index: number) => `site/${Math.floor(index / SITE_DEVICES)}/device/${index}/temperature`;
  for (let index = 0; index < size; index++) {
    tree.put(topicOf(index), messageOn(topicOf(index)));
    yield;
  }
  const topics = scattered(size, topicOf);
  const site = (index: number) => Math.floor(index / SITE_DEVICES);
  const matching = (name: string, filters: readonly string[], answers: number): Operation => {
    const next = inTurn(filters);
    return { name, answers, run: () => countOf(found(tree.match(next()))) };
  };
  const message = messageOn(topics[0]!);
  const comers = Array.from({ length: BATCH_MAX }, (_, index) => topicOf(size + index));
  const put = (index: number) => Number(tree.put(comers[index]!, message) === undefined);
  const clear = (index: number) => Number(tree.delete(comers[index]!) !== undefined);
  return [
    matching("match by topic", topics, 1),
    matching(
      "match by +",
      scattered(size, (index) => `site/${site(index)}/device/+/temperature`),
      SITE_DEVICES,
    ),
    matching("match by #", scattered(size, (index) => `site/${site(index)}/#`), SITE_DEVICES),
    matching("match all", ["#"], size),
    matching("match none by +", ["site/+/device/+/pressure"], 0),
    {
      name: `page of ${PAGE}`,
      answers: Math.min(size - 1, PAGE),
      // After the first topic in the order, so that there are as many behind it.
      run: () => countOf(found(tree.inOrder("#", topicOf(0))), PAGE),
    },
    { name: "put a new one", answers: 1, run: put, after: clear },
    { name: "clear", answers: 1, before: put, run: clear },
  ];
}

/** Of so many, some from everywhere: neighbours would be in the processor's cache. */
function scattered(size: number, of: (index: number) => string): string[] {
  return Array.from({ length: Math.min(size, SAMPLES) }, (_, index) => of((index * 7_919) % size));
}

function inTurn(names: readonly string[]): () => string {
  let next = 0;
  return () => names[next++ % names.length]!;
}

function countOf(values: Iterable<unknown>, most = Infinity): number {
  let count = 0;
  for (const _value of values) if (++count === most) break;
  return count;
}
