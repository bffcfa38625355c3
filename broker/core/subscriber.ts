import type { QoS } from "../packet/types.ts";
import type { Identity } from "./identity.ts";
import type { Message } from "./message.ts";

/** What became of one message for one subscriber. Everything but `queued` is counted under its name. */
export type Delivery =
  | "queued"
  | "dropped:full"
  | "dropped:expired"
  | "dropped:denied"
  | "dropped:offline"
  | "dropped:too-large";

/** Whether a subscriber can take a message: at once, for later, or not. */
export type Readiness = "now" | "later" | "no";

/** A subscriber's wish for the messages of one filter. */
export interface Subscription {
  /** As it was asked for: that of a shared subscription begins with `$share/` and the group. */
  readonly filter: string;
  readonly isShared: boolean;
  /** Granted, so the most at which a message is delivered. */
  readonly qos: QoS;
  /** Not the messages that the subscriber itself published. [MQTT5-3.8.3-3] */
  readonly noLocal: boolean;
  /** Messages keep the RETAIN flag that they were published with. [MQTT5-3.3.1-12] [MQTT5-3.3.1-13] */
  readonly retainAsPublished: boolean;
  /** The subscription identifier, if it has one; those of all that match, once they are merged for one delivery. */
  readonly identifiers: readonly number[];
  readonly subscriber: Subscriber;
}

/** What a subscriber may wish of a subscription, beside the filter. */
export interface SubscriptionWish {
  readonly qos: QoS;
  readonly noLocal?: boolean;
  readonly retainAsPublished?: boolean;
  /** 0 or left out: none. */
  readonly identifier?: number;
}

/** Anything that can take a message: an MQTT session, an HTTP stream, a peer node. */
export interface Subscriber {
  /** Unique among the broker's subscribers. */
  readonly id: string;
  readonly identity: Identity;
  /** What it takes at QoS 1 and 2 is written down for it in the store. */
  readonly isKept?: boolean;
  /**
   * Queues the message and returns at once. Never throws, never waits. Several of the subscriber's filters that match
   * one message are one delivery, at the highest QoS of them.
   *
   * @param subscription the one with the highest QoS
   */
  deliver(message: Message, subscription: Subscription): Delivery;
  /** Asked before one of the members of a shared subscription is chosen. */
  readiness(message: Message, subscription: Subscription): Readiness;
}
