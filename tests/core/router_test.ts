import { assertEquals } from "@std/assert";
import type { Action } from "../../broker/core/identity.ts";
import { DEFAULT_LIMITS, type Limits } from "../../broker/core/limits.ts";
import { Message } from "../../broker/core/message.ts";
import { Router } from "../../broker/core/router.ts";
import type { Delivery, Readiness, Subscriber, Subscription } from "../../broker/core/subscriber.ts";
import { Counters } from "../../broker/metrics/counters.ts";
import type { QoS } from "../../broker/packet/mod.ts";
import { isShared } from "../../broker/topic/name.ts";

class Receiver implements Subscriber {
  readonly received: string[] = [];
  outcome: Delivery = "queued";
  /** Times that somebody asked whether it may receive a topic: a remembered route asks no more. */
  asked = 0;
  mayReceive = true;
  maySubscribe = true;
  readonly identity = {
    name: "receiver",
    can: (action: Action, _name?: string) => {
      if (action === "receive") this.asked++;
      return action === "subscribe" ? this.maySubscribe : this.mayReceive;
    },
  };

  constructor(readonly id: string) {}

  willing: Readiness = "now";

  readiness(): Readiness {
    return this.willing;
  }

  deliver(message: Message, subscription: Subscription): Delivery {
    this.received.push(`${message.topic} ${subscription.filter} ${subscription.qos}`);
    return this.outcome;
  }
}

const PLAIN = { noLocal: false, retainAsPublished: false, identifiers: [] } as const;

function start(limits: Partial<Limits> = {}) {
  const counters = new Counters();
  const router = new Router({ ...DEFAULT_LIMITS, ...limits }, counters);
  const add = (subscriber: Receiver, filter: string, qos: QoS = 0) =>
    router.add({ ...PLAIN, filter, qos, subscriber, isShared: isShared(filter) });
  const route = (topic: string) => router.route(messageOn(topic));
  return { counters, router, add, route };
}

function messageOn(topic: string): Message {
  return new Message({ topic, payload: new Uint8Array(0), qos: 0, retain: false }, 1, 0);
}

Deno.test("each subscriber is given a message once, by its subscription with the highest QoS [MQTT-3.3.5-1]", () => {
  const { add, route, counters } = start();
  const [one, two] = [new Receiver("one"), new Receiver("two")];
  add(one, "a/#", 1);
  add(one, "a/b", 2);
  add(one, "+/b", 0);
  add(two, "#", 0);
  add(two, "c", 2);
  assertEquals(route("a/b"), 2);
  assertEquals(one.received, ["a/b a/b 2"]);
  assertEquals(two.received, ["a/b # 0"]);
  assertEquals(counters.deliveries.queued, 2);
});

Deno.test("every outcome is counted under its name", () => {
  const { add, route, counters } = start();
  const outcomes: Delivery[] = [
    "queued",
    "dropped:full",
    "dropped:offline",
    "dropped:too-large",
    "dropped:expired",
  ];
  for (const outcome of outcomes) {
    const receiver = new Receiver(outcome);
    receiver.outcome = outcome;
    add(receiver, "a");
  }
  const denied = new Receiver("denied");
  denied.mayReceive = false;
  add(denied, "a");
  add(denied, "+");
  assertEquals(route("a"), outcomes.length);
  route("a");
  for (const outcome of outcomes) assertEquals(counters.deliveries[outcome], 2, outcome);
  assertEquals(counters.deliveries["dropped:denied"], 2);
  assertEquals(denied.received, []);
});

Deno.test("a subscription whose right is gone is silent, alone and in a group, and others of its subscriber are not", () => {
  const { add, route, router, counters } = start();
  const [one, two] = [new Receiver("one"), new Receiver("two")];
  add(one, "a/#");
  add(one, "a/b");
  add(two, "$share/g/a/#");
  const granted = new Set(["a/b"]);
  for (const receiver of [one, two]) {
    receiver.identity.can = (action: Action, name?: string) => action !== "subscribe" || granted.has(name!);
  }
  route("a/b");
  route("a/c");
  assertEquals([one.received, two.received], [["a/b a/b 0"], []]);
  assertEquals(counters.deliveries["dropped:denied"], 3);
  granted.add("a/#"); // Of the shared one too: it asks for what it is a share of.
  router.forgetAll();
  route("a/c");
  assertEquals([one.received.at(-1), two.received], ["a/c a/# 0", ["a/c $share/g/a/# 0"]]);
});

Deno.test("a route is remembered, and forgotten when a subscription that may belong to it comes or goes", () => {
  const { add, route, router } = start();
  const [one, two] = [new Receiver("one"), new Receiver("two")];
  add(one, "a/b");
  for (let count = 0; count < 3; count++) route("a/b");
  assertEquals(one.asked, 1);
  add(two, "a/c"); // Another topic: the route stays.
  route("a/b");
  assertEquals(one.asked, 1);
  add(two, "a/+");
  route("a/b");
  assertEquals(two.received, ["a/b a/+ 0"]);
  router.remove("a/+", "two");
  route("a/b");
  assertEquals(two.received.length, 1);
  add(two, "a/b");
  route("a/b");
  assertEquals(two.received.length, 2);
  router.remove("a/b", "two");
  route("a/b");
  assertEquals(two.received.length, 2);
  assertEquals(one.received.length, 8);
});

Deno.test("a topic that nobody wants is remembered as such until somebody does", () => {
  const { add, route, router } = start();
  assertEquals(route("a"), 0);
  assertEquals(router.matchCount("a"), 0);
  add(new Receiver("one"), "a");
  assertEquals(router.matchCount("a"), 1);
  assertEquals(route("a"), 1);
});

Deno.test("after forgetAll rights are asked anew", () => {
  const { add, route, router } = start();
  const one = new Receiver("one");
  add(one, "a");
  route("a");
  one.mayReceive = false;
  router.forgetAll();
  route("a");
  assertEquals(one.received.length, 1);
});

Deno.test("adding answers the subscription in whose place the new one stands", () => {
  const { add, router } = start();
  const one = new Receiver("one");
  assertEquals(add(one, "a", 1), undefined);
  assertEquals(add(one, "a", 2)?.qos, 1);
  assertEquals(router.subscriptionCount, 1);
  assertEquals(router.get("a", "one")?.qos, 2);
  assertEquals(router.remove("a", "two"), undefined);
  assertEquals(router.remove("a", "one")?.qos, 2);
  assertEquals(router.subscriptionCount, 0);
});

Deno.test("routeCacheMax 3: a fourth topic takes the place of the oldest", () => {
  const { add, route, counters } = start({ routeCacheMax: 3 });
  const one = new Receiver("one");
  add(one, "#");
  for (const topic of ["1", "2", "3", "1", "2", "3"]) route(topic);
  assertEquals([one.asked, counters.limitsMet.routeCacheMax], [3, 0]);
  route("4");
  assertEquals(counters.limitsMet.routeCacheMax, 1);
  route("2");
  route("3");
  assertEquals(one.asked, 4);
  route("1");
  assertEquals(one.asked, 5);
});

Deno.test("routeCacheTargetsMax 3: routes of three targets together are remembered, a wider one is not", () => {
  const { add, route, counters } = start({ routeCacheTargetsMax: 3 });
  const receivers = ["1", "2", "3", "4"].map((id) => new Receiver(id));
  for (const receiver of receivers.slice(0, 1)) add(receiver, "a");
  for (const receiver of receivers.slice(0, 2)) add(receiver, "b");
  for (const receiver of receivers) add(receiver, "c");
  const asked = () => receivers.reduce((sum, receiver) => sum + receiver.asked, 0);
  for (const topic of ["a", "b", "a", "b"]) route(topic);
  assertEquals([asked(), counters.limitsMet.routeCacheTargetsMax], [3, 0]);
  route("c");
  route("c");
  assertEquals(counters.limitsMet.routeCacheTargetsMax, 2);
  assertEquals(asked(), 3 + 4 + 4);
  route("a");
  route("b");
  assertEquals(asked(), 3 + 4 + 4);
});

Deno.test("the members of a shared subscription take turns, each group and each other subscriber apart", () => {
  const { add, route, router, counters } = start();
  const [one, two, three, other] = ["one", "two", "three", "other"].map((id) => new Receiver(id)) as [
    Receiver,
    Receiver,
    Receiver,
    Receiver,
  ];
  for (const member of [one, two, three]) add(member, "$share/g/a/+", 1);
  add(other, "$share/h/a/+", 1);
  add(one, "a/x", 0);
  assertEquals(router.subscriptionCount, 5);
  for (let count = 0; count < 6; count++) assertEquals(route("a/x"), 3);
  assertEquals([one, two, three, other].map(({ received }) => received.length), [2 + 6, 2, 2, 6]);
  assertEquals(counters.deliveries.queued, 18);
});

Deno.test("a member that is full or away is passed over, and gets what nobody else can take now", () => {
  const { add, route, counters } = start();
  const [full, away, ready] = [new Receiver("full"), new Receiver("away"), new Receiver("ready")];
  full.willing = "no";
  away.willing = "later";
  for (const member of [full, away, ready]) add(member, "$share/g/a", 1);
  for (let count = 0; count < 4; count++) route("a");
  assertEquals([full, away, ready].map(({ received }) => received.length), [0, 0, 4]);
  ready.willing = "no";
  route("a");
  assertEquals([full, away, ready].map(({ received }) => received.length), [0, 1, 4]);
  away.willing = "no";
  route("a");
  assertEquals([full, away, ready].map(({ received }) => received.length), [0, 1, 4]);
  assertEquals(counters.deliveries["dropped:full"], 1);
});

Deno.test("members that come, go or lose their right count from the next message on, and leave nothing behind", () => {
  const { add, route, router, counters } = start({ subscriptionsMax: 2 });
  const [one, two] = [new Receiver("one"), new Receiver("two")];
  add(one, "$share/g/a", 1);
  route("a");
  assertEquals(router.fullBy("a", "one"), undefined);
  add(two, "$share/g/a", 1);
  assertEquals([router.fullBy("a", "one"), router.subscriptionCount], ["subscriptionsMax", 2]);
  route("a");
  assertEquals([one.received.length, two.received.length], [1, 1]);
  one.mayReceive = false;
  route("a");
  two.mayReceive = false;
  route("a");
  assertEquals([one.received.length, two.received.length], [1, 2]);
  assertEquals(counters.deliveries["dropped:denied"], 1);
  assertEquals(router.get("$share/g/a", "one")?.subscriber, one);
  for (const id of ["one", "two"]) assertEquals(router.remove("$share/g/a", id)?.subscriber.id, id);
  assertEquals([router.remove("$share/g/a", "one"), router.subscriptionCount, route("a")], [undefined, 0, 0]);
});

Deno.test("filterNodesMax 3: so many levels of filters with wildcards are taken, then none of whatever filter", () => {
  const { add, router } = start({ filterNodesMax: 3 });
  const one = new Receiver("one");
  add(one, "a/b/c/d/e"); // Without wildcards it stands in no tree.
  add(one, "a/+");
  assertEquals(router.fullBy("x", "one"), undefined);
  add(one, "a/+/c");
  assertEquals(router.fullBy("x", "one"), "filterNodesMax");
  router.remove("a/+/c", "one");
  assertEquals(router.fullBy("x", "one"), undefined);
  add(one, "b/+/c"); // The last one that begins below the bound may go beyond it by its levels.
  assertEquals(router.fullBy("x", "one"), "filterNodesMax");
});

Deno.test("filterShapesMax 3: filters of so many shapes are taken, and more of the same or without wildcards", () => {
  const { add, router } = start({ filterShapesMax: 3 });
  const one = new Receiver("one");
  add(one, "a/+");
  assertEquals(router.fullBy("a/+/c", "one"), undefined);
  assertEquals(router.fullBy("a/+/c/d", "one"), "filterShapesMax");
  add(one, "a/+/c");
  for (const filter of ["a/+", "x/+/y", "$share/g/x/+/y", "x/+/y/#", "x/y/z", "x/y/z/#"]) {
    assertEquals(router.fullBy(filter, "one"), undefined, filter);
  }
  for (const filter of ["+", "a/+/+", "$share/g/+/x", "a/+/c/d"]) {
    assertEquals(router.fullBy(filter, "one"), "filterShapesMax", filter);
  }
  router.remove("a/+/c", "one");
  assertEquals(router.fullBy("+", "one"), undefined);
});

Deno.test("filterShapesPerSessionMax 4: a subscriber has so many shapes, others as many, and whoever gives one up may have another", () => {
  const { add, router } = start({ filterShapesPerSessionMax: 4 });
  const [one, two] = [new Receiver("one"), new Receiver("two")];
  add(one, "a/b/+");
  assertEquals(router.fullBy("a/b/+/d", "one"), undefined);
  add(one, "a/b/+/d");
  for (const filter of ["a/b/+", "x/y/+/z/#", "$share/g/x/y/+", "$share/g/x/y/+/z", "a/b/c/d/e/f/#", "a"]) {
    assertEquals(router.fullBy(filter, "one"), undefined, filter);
  }
  for (const filter of ["+", "+/b", "a/b/+/d/e", "$share/g/x/y/+/z/e", "a/b/+/+"]) {
    assertEquals(router.fullBy(filter, "one"), "filterShapesPerSessionMax", filter);
  }
  assertEquals(["+", "a/b/+/+"].map((filter) => router.fullBy(filter, "two")), [undefined, undefined]);
  // A shape that somebody has counts for whoever else has it as well, and stays theirs when the other goes.
  add(two, "x/y/+");
  add(two, "$share/g/x/y/+/z");
  add(two, "$share/h/x/y/+/z");
  add(two, "$share/h/x/y/+/z", 1);
  assertEquals(router.fullBy("+", "two"), "filterShapesPerSessionMax");
  for (const filter of ["a/b/+", "a/b/+/d"]) router.remove(filter, "one");
  assertEquals([router.fullBy("+/+/+/+", "one"), router.fullBy("+/+/+/+/+", "one")], [
    undefined,
    "filterShapesPerSessionMax",
  ]);
  router.remove("$share/h/x/y/+/z", "two");
  assertEquals(router.fullBy("+", "two"), "filterShapesPerSessionMax");
  router.remove("$share/g/x/y/+/z", "two");
  assertEquals(router.fullBy("+", "two"), undefined);
  assertEquals(router.remove("$share/g/x/y/+/z", "two"), undefined);
  assertEquals(router.fullBy("+/+", "two"), "filterShapesPerSessionMax");
});
