import type { Counters } from "../metrics/counters.ts";
import { FilterTree } from "../topic/filter_tree.ts";
import { hasWildcards, parseShare, type Share } from "../topic/name.ts";
import { ShapeTable } from "../topic/shape_table.ts";
import { ShareGroup } from "../topic/share_group.ts";
import type { Limits } from "./limits.ts";
import type { Message } from "./message.ts";
import type { Delivery, Readiness, Subscription } from "./subscriber.ts";

type SubscriptionLimit =
  | "subscriptionsMax"
  | "filterNodesMax"
  | "filterShapesMax"
  | "filterShapesPerSessionMax";

/** Who receives the messages of one topic: each subscriber once, by its subscription with the highest QoS. */
interface Route {
  readonly targets: readonly Subscription[];
  /** Of subscribers that said No Local: what is left of their subscriptions for messages of their own. */
  readonly own: ReadonlyMap<string, Subscription | undefined> | undefined;
  /** Of each one member receives the message. */
  readonly groups: readonly ShareGroup<Subscription>[];
  /** Subscribers that match but may not receive the topic. */
  readonly deniedCount: number;
}

/**
 * From a message to its subscribers.
 *
 *     topic ──> remembered routes ──(not there)──> FilterTree.match ──> merge, check rights ──> remember
 *                     '──────────> deliver to each
 *
 * All members of a shared subscription stand in the tree as one entry, their group.
 *
 * A route is forgotten when a subscription that might belong to it comes or goes: one topic's for a filter without
 * wildcards, all of them for one with. Rights are asked when the route is made, so a change of rights forgets all too.
 */
export class Router {
  readonly #tree = new FilterTree<Subscription | ShareGroup<Subscription>>();
  readonly #ownShapes = new ShapeTable();
  readonly #routes = new Map<string, Route>();
  readonly #limits: Limits;
  readonly #counters: Counters;
  #targetsRemembered = 0;
  #groupCount = 0;
  #memberCount = 0;

  constructor(limits: Limits, counters: Counters) {
    this.#limits = limits;
    this.#counters = counters;
  }

  get subscriptionCount(): number {
    return this.#tree.size - this.#groupCount + this.#memberCount;
  }

  /** The limit that lets no subscription to the filter be added, which the subscriber does not have yet. */
  fullBy(filter: string, subscriberId: string): SubscriptionLimit | undefined {
    const { subscriptionsMax, filterNodesMax } = this.#limits;
    if (this.subscriptionCount >= subscriptionsMax) return "subscriptionsMax";
    if (this.#tree.nodeCount >= filterNodesMax) return "filterNodesMax";
    return this.#shapesFullBy(parseShare(filter)?.filter ?? filter, subscriberId);
  }

  /** Adds the subscription or puts it in the place of its subscriber's earlier one, which it answers. */
  add(subscription: Subscription): Subscription | undefined {
    const { filter, subscriber } = subscription;
    const share = parseShare(filter);
    const previous = share ? this.#addMember(share, subscription) : this.#addSubscriber(subscription);
    if (!previous) this.#ownShapes.add(subscriber.id, share?.filter ?? filter);
    return previous;
  }

  /** Removes what the subscriber has for exactly this filter. [MQTT-3.10.4-1] [MQTT5-3.10.4-1] */
  remove(filter: string, subscriberId: string): Subscription | undefined {
    const share = parseShare(filter);
    const removed = share
      ? this.#removeMember(share, subscriberId)
      : this.#removeSubscriber(filter, subscriberId);
    if (removed) this.#ownShapes.delete(subscriberId, share?.filter ?? filter);
    return removed;
  }

  get(filter: string, subscriberId: string): Subscription | undefined {
    const share = parseShare(filter);
    if (share) return this.#group(share)?.get(subscriberId);
    return this.#tree.get(filter, subscriberId) as Subscription | undefined;
  }

  /**
   * Delivers the message to everybody who wants and may have it; answers how many subscribers match. Whoever calls in
   * order is delivered in order, on every topic. [MQTT-4.6.0-5] [MQTT-4.6.0-6] [MQTT5-4.6.0-5] [MQTT5-4.6.0-6]
   */
  route(message: Message): number {
    const route = this.#routes.get(message.topic) ?? this.#resolve(message.topic);
    const { targets } = route;
    const { deliveries } = this.#counters;
    let queuedCount = 0;
    for (let index = 0; index < targets.length; index++) {
      let subscription: Subscription | undefined = targets[index]!;
      if (route.own && subscription.subscriber.id === message.publisherId) {
        subscription = ownOf(route, subscription);
      }
      if (!subscription) continue;
      const delivery = subscription.subscriber.deliver(message, subscription);
      if (delivery === "queued") queuedCount++;
      else deliveries[delivery]++;
    }
    deliveries.queued += queuedCount;
    deliveries["dropped:denied"] += route.deniedCount;
    for (const group of route.groups) deliveries[deliverToOne(group, message)]++;
    return targets.length + route.groups.length;
  }

  /**
   * Delivers a message to another member of the shared subscription: the one who had it left for good. It may have had it
   * for long, so nobody gets what expired meanwhile. [MQTT5-3.3.2-5]
   */
  routeShared(filter: string, message: Message, now: number): void {
    const group = this.#group(parseShare(filter)!);
    if (!group) return;
    const delivery = message.expiresAt > now ? deliverToOne(group, message) : "dropped:expired";
    this.#counters.deliveries[delivery]++;
  }

  /** How many subscribers a message on this topic would have. */
  matchCount(topic: string): number {
    const { targets, groups } = this.#routes.get(topic) ?? this.#resolve(topic);
    return targets.length + groups.length;
  }

  /** Whether the store would have to know of a QoS 1 or 2 message on this topic. */
  isKept(topic: string): boolean {
    const { targets, groups } = this.#routes.get(topic) ?? this.#resolve(topic);
    return targets.some(isKeptFor) || groups.some((group) => group.some(isKeptFor));
  }

  /** Whether the message would have to wait for somebody who cannot take it at once. */
  wouldWait(message: Message): boolean {
    const { targets, groups } = this.#routes.get(message.topic) ?? this.#resolve(message.topic);
    const waits = (subscription: Subscription) =>
      subscription.qos > 0 && subscription.subscriber.readiness(message, subscription) === "later";
    // A share has others to give it to: only when nobody can take it, it waits.
    const takes = (member: Subscription) => member.subscriber.readiness(message, member) === "now";
    return targets.some(waits) || groups.some((group) => group.some(waits) && !group.some(takes));
  }

  /** Forgets every route, as a change of rights requires. */
  forgetAll(): void {
    this.#routes.clear();
    this.#targetsRemembered = 0;
  }

  #shapesFullBy(filter: string, subscriberId: string): SubscriptionLimit | undefined {
    const { filterShapesMax, filterShapesPerSessionMax } = this.#limits;
    const own = this.#ownShapes.growthBy(subscriberId, filter);
    if (own > 0 && this.#ownShapes.nodeCountOf(subscriberId) + own > filterShapesPerSessionMax) {
      return "filterShapesPerSessionMax";
    }
    const growth = this.#tree.shapeGrowthBy(filter);
    return growth > 0 && this.#tree.shapeCount + growth > filterShapesMax ? "filterShapesMax" : undefined;
  }

  #addSubscriber(subscription: Subscription): Subscription | undefined {
    const { filter, subscriber } = subscription;
    const previous = this.#tree.set(filter, subscriber.id, subscription);
    this.#forget(filter);
    return previous as Subscription | undefined;
  }

  #removeSubscriber(filter: string, subscriberId: string): Subscription | undefined {
    const removed = this.#tree.delete(filter, subscriberId);
    if (removed) this.#forget(filter);
    return removed as Subscription | undefined;
  }

  #addMember(share: Share, subscription: Subscription): Subscription | undefined {
    let group = this.#group(share);
    if (!group) {
      group = new ShareGroup(share.filter);
      this.#tree.set(share.filter, groupKey(share), group);
      this.#groupCount++;
      this.#forget(share.filter);
    }
    const previous = group.set(subscription.subscriber.id, subscription);
    if (!previous) this.#memberCount++;
    return previous;
  }

  #removeMember(share: Share, subscriberId: string): Subscription | undefined {
    const group = this.#group(share);
    const removed = group?.delete(subscriberId);
    if (removed) this.#memberCount--;
    if (group?.size === 0) {
      this.#tree.delete(share.filter, groupKey(share));
      this.#groupCount--;
      this.#forget(share.filter);
    }
    return removed;
  }

  #group(share: Share): ShareGroup<Subscription> | undefined {
    return this.#tree.get(share.filter, groupKey(share)) as ShareGroup<Subscription> | undefined;
  }

  #resolve(topic: string): Route {
    const matching = new Map<string, Subscription[]>();
    const denied = new Set<string>();
    const groups: ShareGroup<Subscription>[] = [];
    for (const entry of this.#tree.match(topic)) { // [MQTT-3.3.2-3] [MQTT5-3.3.2-3]
      if (entry instanceof ShareGroup) {
        groups.push(entry);
        continue;
      }
      const { subscriber, filter } = entry;
      if (!isStillGranted(entry, filter, topic)) {
        denied.add(subscriber.id);
        continue;
      }
      const others = matching.get(subscriber.id);
      if (others) others.push(entry);
      else matching.set(subscriber.id, [entry]);
    }
    const deniedCount = [...denied].filter((id) => !matching.has(id)).length;
    const route = { ...mergeAll(matching), groups, deniedCount };
    this.#remember(topic, route);
    return route;
  }

  #remember(topic: string, route: Route): void {
    const { routeCacheMax, routeCacheTargetsMax } = this.#limits;
    if (route.targets.length > routeCacheTargetsMax) {
      this.#counters.met("routeCacheTargetsMax");
      return;
    }
    for (const [oldest, { targets }] of this.#routes) {
      if (this.#routes.size >= routeCacheMax) this.#counters.met("routeCacheMax");
      else if (this.#targetsRemembered + route.targets.length > routeCacheTargetsMax) {
        this.#counters.met("routeCacheTargetsMax");
      } else break;
      this.#routes.delete(oldest);
      this.#targetsRemembered -= targets.length;
    }
    this.#routes.set(topic, route);
    this.#targetsRemembered += route.targets.length;
  }

  #forget(filter: string): void {
    if (hasWildcards(filter)) return this.forgetAll();
    const route = this.#routes.get(filter);
    if (!route) return;
    this.#routes.delete(filter);
    this.#targetsRemembered -= route.targets.length;
  }
}

/** One delivery for each subscriber, however many of its subscriptions match. */
function mergeAll(matching: ReadonlyMap<string, readonly Subscription[]>): Pick<Route, "targets" | "own"> {
  const targets: Subscription[] = [];
  let own: Map<string, Subscription | undefined> | undefined;
  for (const [id, subscriptions] of matching) {
    targets.push(merge(subscriptions)!);
    if (!subscriptions.some(({ noLocal }) => noLocal)) continue;
    own ??= new Map();
    own.set(id, merge(subscriptions.filter(({ noLocal }) => !noLocal)));
  }
  return { targets, own };
}

/** At the highest QoS of them [MQTT-3.3.5-1] [MQTT5-3.3.4-2], with the identifiers of all [MQTT5-3.3.4-3] [MQTT5-3.3.4-4]. */
function merge(subscriptions: readonly Subscription[]): Subscription | undefined {
  const [first, ...others] = subscriptions;
  if (!first || others.length === 0) return first;
  const best = subscriptions.reduce((best, other) => other.qos > best.qos ? other : best);
  const identifiers = [...new Set(subscriptions.flatMap((subscription) => subscription.identifiers))];
  const retainAsPublished = subscriptions.some((subscription) => subscription.retainAsPublished);
  return { ...best, identifiers, retainAsPublished };
}

/** What a subscriber gets of its own messages. */
function ownOf({ own }: Route, subscription: Subscription): Subscription | undefined {
  const { id } = subscription.subscriber;
  return own!.has(id) ? own!.get(id) : subscription;
}

/**
 * A subscription is silent while the right to it is gone, and so is a topic: neither outlives the rules by which it was
 * granted. (Mosquitto CVE-2021-34434)
 */
function isStillGranted({ subscriber }: Subscription, filter: string, topic: string): boolean {
  return subscriber.identity.can("receive", topic) && subscriber.identity.can("subscribe", filter);
}

/** Whether the store would have to know of a QoS 1 or 2 message for the subscription. */
function isKeptFor({ qos, subscriber }: Subscription): boolean {
  return qos > 0 && subscriber.isKept === true;
}

/** No subscriber has this id: those of clients have no U+0000. */
function groupKey({ group }: Share): string {
  return `\0share/${group}`;
}

/**
 * Gives the message to the member whose turn it is, of those who can take it at once; if there is none, to one who keeps
 * it for later. Never to two. Rights are asked here, as members come and go without the route being made anew.
 */
function deliverToOne(group: ShareGroup<Subscription>, message: Message): Delivery {
  let isAllowed = false;
  const choose = (wanted: Readiness) =>
    group.choose((member) => {
      if (!isStillGranted(member, group.filter, message.topic)) return false;
      isAllowed = true;
      return member.subscriber.readiness(message, member) === wanted;
    });
  const chosen = choose("now") ?? choose("later");
  if (chosen) return chosen.subscriber.deliver(message, chosen);
  return isAllowed ? "dropped:full" : "dropped:denied";
}
