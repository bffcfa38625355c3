import type { Counters } from "../metrics/counters.ts";
import { FilterTree } from "../topic/filter_tree.ts";
import { hasWildcards } from "../topic/name.ts";
import type { Limits } from "./limits.ts";
import type { Message } from "./message.ts";
import type { Subscription } from "./subscriber.ts";

/** Who receives the messages of one topic: each subscriber once, by its subscription with the highest QoS. */
interface Route {
  readonly targets: readonly Subscription[];
  /** Subscribers that match but may not receive the topic. */
  readonly deniedCount: number;
}

/**
 * From a message to its subscribers.
 *
 *     topic ──> remembered routes ──(not there)──> FilterTree.match ──> merge, check rights ──> remember
 *                     '──────────> deliver to each
 *
 * A route is forgotten when a subscription that might belong to it comes or goes: one topic's for a filter without
 * wildcards, all of them for one with. Rights are asked when the route is made, so a change of rights forgets all too.
 */
export class Router {
  readonly #tree = new FilterTree<Subscription>();
  readonly #routes = new Map<string, Route>();
  readonly #limits: Limits;
  readonly #counters: Counters;
  #targetsRemembered = 0;

  constructor(limits: Limits, counters: Counters) {
    this.#limits = limits;
    this.#counters = counters;
  }

  get subscriptionCount(): number {
    return this.#tree.size;
  }

  /** Whether a subscription more can be added. */
  get isFull(): boolean {
    const { subscriptionsMax, filterNodesMax } = this.#limits;
    return this.#tree.size >= subscriptionsMax || this.#tree.nodeCount >= filterNodesMax;
  }

  /** Adds the subscription or puts it in the place of its subscriber's earlier one, which it answers. */
  add(subscription: Subscription): Subscription | undefined {
    const previous = this.#tree.set(subscription.filter, subscription.subscriber.id, subscription);
    this.#forget(subscription.filter);
    return previous;
  }

  /** Removes what the subscriber has for exactly this filter. [MQTT-3.10.4-1] */
  remove(filter: string, subscriberId: string): Subscription | undefined {
    const removed = this.#tree.delete(filter, subscriberId);
    if (removed) this.#forget(filter);
    return removed;
  }

  get(filter: string, subscriberId: string): Subscription | undefined {
    return this.#tree.get(filter, subscriberId);
  }

  /**
   * Delivers the message to everybody who wants and may have it; answers how many subscribers match. Whoever calls in
   * order is delivered in order, on every topic. [MQTT-4.6.0-5] [MQTT-4.6.0-6]
   */
  route(message: Message): number {
    const route = this.#routes.get(message.topic) ?? this.#resolve(message.topic);
    const { targets } = route;
    const { deliveries } = this.#counters;
    let queuedCount = 0;
    for (let index = 0; index < targets.length; index++) {
      const subscription = targets[index]!;
      const delivery = subscription.subscriber.deliver(message, subscription);
      if (delivery === "queued") queuedCount++;
      else deliveries[delivery]++;
    }
    deliveries.queued += queuedCount;
    deliveries["dropped:denied"] += route.deniedCount;
    return targets.length;
  }

  /** How many subscribers a message on this topic would have. */
  matchCount(topic: string): number {
    return (this.#routes.get(topic) ?? this.#resolve(topic)).targets.length;
  }

  /** Forgets every route, as a change of rights requires. */
  forgetAll(): void {
    this.#routes.clear();
    this.#targetsRemembered = 0;
  }

  #resolve(topic: string): Route {
    const best = new Map<string, Subscription>();
    const denied = new Set<string>();
    for (const subscription of this.#tree.match(topic)) { // [MQTT-3.3.2-3]
      const { subscriber } = subscription;
      const other = best.get(subscriber.id);
      if (other) {
        // One delivery for overlapping filters, at the highest QoS of them. [MQTT-3.3.5-1]
        if (subscription.qos > other.qos) best.set(subscriber.id, subscription);
      } else if (subscriber.identity.can("receive", topic)) {
        best.set(subscriber.id, subscription);
      } else {
        denied.add(subscriber.id);
      }
    }
    const route = { targets: [...best.values()], deniedCount: denied.size };
    this.#remember(topic, route);
    return route;
  }

  #remember(topic: string, route: Route): void {
    const { routeCacheMax, routeCacheTargetsMax } = this.#limits;
    if (route.targets.length > routeCacheTargetsMax) return;
    for (const [oldest, { targets }] of this.#routes) {
      const isFull = this.#routes.size >= routeCacheMax ||
        this.#targetsRemembered + route.targets.length > routeCacheTargetsMax;
      if (!isFull) break;
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
