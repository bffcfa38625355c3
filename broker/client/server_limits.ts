import type { ConnackPacket, SubscribeFields } from "../packet/mod.ts";
import { hasWildcards, isShared } from "../topic/name.ts";
import { LimitError } from "./client_error.ts";
import type { PublishDraft } from "./publisher.ts";

/** What a broker takes, as its CONNACK says; before MQTT 5.0 it says nothing, and takes everything. */
export type ServerLimits = Pick<
  ConnackPacket,
  | "receiveMaximum"
  | "qosMax"
  | "retainAvailable"
  | "packetBytesMax"
  | "topicAliasMax"
  | "wildcardSubscriptionsAvailable"
  | "subscriptionIdsAvailable"
  | "sharedSubscriptionsAvailable"
>;

/** Throws `LimitError` for a message that the broker must not be sent. */
export function checkPublish({ topic, qos, retain, topicAlias }: PublishDraft, limits: ServerLimits): void {
  const { qosMax, topicAliasMax } = limits;
  if (qos > qosMax) { // [MQTT5-3.2.2-11]
    refuse(`publish to ${topic} at QoS ${qos}`, `the broker takes at most QoS ${qosMax}`);
  }
  if (retain && !limits.retainAvailable) { // [MQTT5-3.2.2-14]
    refuse(`publish to ${topic} with retain`, "the broker retains no messages");
  }
  if (topicAlias > topicAliasMax) { // [MQTT5-3.2.2-17] [MQTT5-3.2.2-18] [MQTT5-3.3.2-9]
    const max = topicAliasMax === 0 ? "no topic aliases" : `topic aliases up to ${topicAliasMax}`;
    refuse(`publish to ${topic} with topic alias ${topicAlias}`, `the broker takes ${max}`);
  }
}

/** Throws `LimitError` for a subscription that the broker must not be asked for. */
export function checkSubscribe(
  { requests, subscriptionId }: Pick<SubscribeFields, "requests" | "subscriptionId">,
  limits: ServerLimits,
): void {
  if (subscriptionId && !limits.subscriptionIdsAvailable) {
    refuse(
      `subscribe with subscription identifier ${subscriptionId}`,
      "the broker has no subscription identifiers",
    );
  }
  for (const { filter, noLocal } of requests) {
    if (isShared(filter)) {
      if (!limits.sharedSubscriptionsAvailable) {
        refuse(`subscribe to ${filter}`, "the broker has no shared subscriptions");
      }
      if (noLocal) { // [MQTT5-3.8.3-4]
        throw new TypeError(`Cannot subscribe to ${filter} with noLocal: it is shared`);
      }
    }
    if (hasWildcards(filter) && !limits.wildcardSubscriptionsAvailable) {
      refuse(`subscribe to ${filter}`, "the broker takes no wildcards");
    }
  }
}

function refuse(what: string, why: string): never {
  throw new LimitError(`Cannot ${what}: ${why}`);
}
