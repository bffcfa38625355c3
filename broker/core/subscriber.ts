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

/** A subscriber's wish for the messages of one filter. */
export interface Subscription {
  readonly filter: string;
  /** Granted, so the most at which a message is delivered. */
  readonly qos: QoS;
  readonly subscriber: Subscriber;
}

/** Anything that can take a message: an MQTT session, an HTTP stream, a peer node. */
export interface Subscriber {
  /** Unique among the broker's subscribers. */
  readonly id: string;
  readonly identity: Identity;
  /**
   * Queues the message and returns at once. Never throws, never waits. Several of the subscriber's filters that match
   * one message are one delivery, at the highest QoS of them.
   *
   * @param subscription the one with the highest QoS
   */
  deliver(message: Message, subscription: Subscription): Delivery;
}
