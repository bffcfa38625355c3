import { DEFAULT_LIMITS } from "../../../broker/core/limits.ts";
import { Message } from "../../../broker/core/message.ts";
import { Router } from "../../../broker/core/router.ts";
import type { Subscriber, Subscription } from "../../../broker/core/subscriber.ts";
import { Counters } from "../../../broker/metrics/counters.ts";
import { isShared } from "../../../broker/topic/name.ts";
import { RetainedTree } from "../../../broker/topic/retained_tree.ts";

/** Something that the broker does again and again while what it keeps grows. */
export interface Operation {
  readonly name: string;
  /** Values that come of it; what it costs may grow with them. 1 for those that answer nothing. */
  readonly answers: number;
  /** Does it so many times. What has to stand before it, and to go after it, is not measured. */
  run(count: number): void;
  before?(count: number): void;
  after?(count: number): void;
}

/** A part of the broker that can be filled. */
export interface Structure {
  readonly name: string;
  readonly title: string;
  /** What it holds, in the singular. */
  readonly entry: string;
  /** Fills one with so many entries, calling `added` after each; answers what there is to do with it. */
  fill(size: number, added?: () => void): readonly Operation[];
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

/** Remembers one route only, so every topic but the last is matched anew. */
function newRouter(): Router {
  return new Router({ ...DEFAULT_LIMITS, routeCacheMax: 1 }, new Counters());
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
    fill(size, added) {
      const router = newRouter();
      let client = new Stub("");
      for (let index = 0; index < size; index++) {
        if (index % FILTERS_PER_CLIENT === 0) client = new Stub(`client ${index / FILTERS_PER_CLIENT}`);
        router.add(subscriptionOf(client, filterOf(index)));
        added?.();
      }
      const another = new Stub("another");
      const filters = Array.from({ length: BATCH_MAX }, (_, index) => filterOf(size + index));
      const add = (count: number) => {
        for (let index = 0; index < count; index++) router.add(subscriptionOf(another, filters[index]!));
      };
      const remove = (count: number) => {
        for (let index = 0; index < count; index++) router.remove(filters[index]!, another.id);
      };
      const topics = scattered(size, (index) => `site/7/device/${index}/temperature`);
      let next = 0;
      return [
        {
          name: "match",
          answers: 1,
          run(count) {
            for (let index = 0; index < count; index++) router.matchCount(topics[next++ % topics.length]!);
          },
        },
        { name: "subscribe", answers: 1, run: add, after: remove },
        { name: "unsubscribe", answers: 1, before: add, run: remove },
      ];
    },
  };
}

/**
 * a or + on each level and then x, in every combination: a topic of nothing but a has all of them on its way, and none
 * that matches.
 */
function fillNear(size: number, added?: () => void): readonly Operation[] {
  const router = newRouter();
  const levels = Math.max(1, Math.floor(Math.log2(size)));
  const client = new Stub("client");
  for (let index = 0; index < 2 ** levels; index++) {
    const filter = Array.from({ length: levels }, (_, level) => (index >> level) & 1 ? "+" : "a");
    router.add(subscriptionOf(client, [...filter, "x"].join("/")));
    added?.();
  }
  const topics = ["y", "z"].map((last) => "a/".repeat(levels) + last);
  let next = 0;
  return [{
    name: "match none of them",
    answers: 1,
    run(count) {
      for (let index = 0; index < count; index++) router.matchCount(topics[next++ % 2]!);
    },
  }];
}

function fillCrowd(size: number, added?: () => void): readonly Operation[] {
  const router = newRouter();
  for (let index = 0; index < size; index++) {
    router.add(subscriptionOf(new Stub(`client ${index}`), "news"));
    added?.();
  }
  const message = messageOn("news");
  const clients = Array.from({ length: BATCH_MAX }, (_, index) => new Stub(`another ${index}`));
  const add = (count: number) => {
    for (let index = 0; index < count; index++) router.add(subscriptionOf(clients[index]!, "news"));
  };
  const remove = (count: number) => {
    for (let index = 0; index < count; index++) router.remove("news", clients[index]!.id);
  };
  return [
    {
      name: "deliver to all",
      answers: size,
      run(count) {
        for (let index = 0; index < count; index++) router.route(message);
      },
    },
    { name: "subscribe", answers: 1, run: add, after: remove },
    { name: "unsubscribe", answers: 1, before: add, run: remove },
  ];
}

function fillShare(size: number, added?: () => void): readonly Operation[] {
  const router = newRouter();
  const filter = "$share/workers/jobs";
  for (let index = 0; index < size; index++) {
    router.add(subscriptionOf(new Stub(`worker ${index}`), filter));
    added?.();
  }
  const message = messageOn("jobs");
  const workers = Array.from({ length: BATCH_MAX }, (_, index) => new Stub(`another ${index}`));
  const add = (count: number) => {
    for (let index = 0; index < count; index++) router.add(subscriptionOf(workers[index]!, filter));
  };
  const remove = (count: number) => {
    for (let index = 0; index < count; index++) router.remove(filter, workers[index]!.id);
  };
  return [
    {
      name: "deliver to one",
      answers: 1,
      run(count) {
        for (let index = 0; index < count; index++) router.route(message);
      },
    },
    { name: "join", answers: 1, run: add, after: remove },
    { name: "leave", answers: 1, before: add, run: remove },
  ];
}

/** Ten devices at each site, so that what a site answers stays the same however many there are. */
function fillRetained(size: number, added?: () => void): readonly Operation[] {
  const tree = new RetainedTree<Message>();
  const topicOf = (index: number) => `site/${Math.floor(index / SITE_DEVICES)}/device/${index}/temperature`;
  for (let index = 0; index < size; index++) {
    tree.put(topicOf(index), messageOn(topicOf(index)));
    added?.();
  }
  const topics = scattered(size, topicOf);
  const site = (index: number) => Math.floor(index / SITE_DEVICES);
  const message = messageOn(topics[0]!);
  const others = Array.from({ length: BATCH_MAX }, (_, index) => topicOf(size + index));
  const put = (count: number) => {
    for (let index = 0; index < count; index++) tree.put(others[index]!, message);
  };
  const clear = (count: number) => {
    for (let index = 0; index < count; index++) tree.delete(others[index]!);
  };
  const matching = (name: string, filters: readonly string[], answers: number): Operation => {
    let next = 0;
    return {
      name,
      answers,
      run(count) {
        for (let index = 0; index < count; index++) drain(tree.match(filters[next++ % filters.length]!));
      },
    };
  };
  return [
    matching("match by topic", topics, 1),
    matching(
      "match by +",
      scattered(size, (index) => `site/${site(index)}/device/+/temperature`),
      SITE_DEVICES,
    ),
    matching("match by #", scattered(size, (index) => `site/${site(index)}/#`), SITE_DEVICES),
    matching("match all", ["#"], size),
    matching("match none by +", ["site/+/device/+/pressure"], 1),
    {
      name: `page of ${PAGE}`,
      answers: Math.min(size, PAGE),
      run(count) {
        for (let index = 0; index < count; index++) {
          tree.page("#", { after: topics[index % topics.length]!, limit: PAGE });
        }
      },
    },
    { name: "put a new one", answers: 1, run: put, after: clear },
    { name: "clear", answers: 1, before: put, run: clear },
  ];
}

/** Of so many, some from everywhere: neighbours would be in the processor's cache. */
function scattered(size: number, of: (index: number) => string): string[] {
  return Array.from({ length: Math.min(size, SAMPLES) }, (_, index) => of((index * 7_919) % size));
}

function drain(values: Iterable<unknown>): void {
  for (const _value of values);
}
