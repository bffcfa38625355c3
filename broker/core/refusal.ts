import { ReasonCode } from "../packet/mod.ts";

/** What MQTT 5.0 calls a refusal, and what a person is told: never whose rule it was. */
export interface RefusalWords {
  readonly reasonCode: number;
  readonly words: string;
}

/** The store cannot take it now: its disk fails, is full, or is too slow for what comes. */
const STORE_REFUSALS = {
  "store-failed": {
    reasonCode: ReasonCode.unspecifiedError,
    words: "Cannot store it: the disk fails",
  },
  "store-full": {
    reasonCode: ReasonCode.quotaExceeded,
    words: "Cannot store it: the disk is full",
  },
  "store-busy": {
    reasonCode: ReasonCode.quotaExceeded,
    words: "Cannot store it: the disk is too slow for what comes",
  },
} as const satisfies Readonly<Record<string, RefusalWords>>;

export type StoreRefusal = keyof typeof STORE_REFUSALS;

export function isStoreRefusal(refusal: string): refusal is StoreRefusal {
  return refusal in STORE_REFUSALS;
}

/** Why a message is not taken; the word is what the log says and what the counter is called. */
export const PUBLISH_REFUSALS = {
  "denied": {
    reasonCode: ReasonCode.notAuthorized,
    words: "Cannot publish: your rights do not allow it on this topic",
  },
  "reserved-topic": {
    reasonCode: ReasonCode.notAuthorized,
    words: "Cannot publish: topics that begin with $ belong to the broker",
  },
  "retained-full": {
    reasonCode: ReasonCode.quotaExceeded,
    words: "Cannot retain the message: the broker holds no more of them",
  },
  "overloaded": {
    reasonCode: ReasonCode.quotaExceeded,
    words: "Cannot keep the message for later: the broker is short of memory",
  },
  "qos-not-supported": {
    reasonCode: ReasonCode.qosNotSupported,
    words: "Cannot publish: the QoS is above the Maximum QoS of this broker",
  },
  "retain-not-supported": {
    reasonCode: ReasonCode.retainNotSupported,
    words: "Cannot retain the message: this broker retains none",
  },
  "payload-not-text": {
    reasonCode: ReasonCode.payloadFormatInvalid,
    words: "Cannot take the payload as text: it is not UTF-8",
  },
  ...STORE_REFUSALS,
} as const satisfies Readonly<Record<string, RefusalWords>>;

export type Refusal = keyof typeof PUBLISH_REFUSALS;

/** Why there is no subscription. */
export const SUBSCRIBE_REFUSALS = {
  "invalid-filter": {
    reasonCode: ReasonCode.topicFilterInvalid,
    words: "Cannot subscribe: the filter is not valid",
  },
  "denied": {
    reasonCode: ReasonCode.notAuthorized,
    words: "Cannot subscribe: your rights do not allow it with this filter",
  },
  "too-many-subscriptions": {
    reasonCode: ReasonCode.quotaExceeded,
    words: "Cannot subscribe: there are too many subscriptions",
  },
  "overloaded": {
    reasonCode: ReasonCode.quotaExceeded,
    words: "Cannot subscribe: the broker is short of memory",
  },
  "wildcards-not-supported": {
    reasonCode: ReasonCode.wildcardSubscriptionsNotSupported,
    words: "Cannot use wildcards: this broker takes none in filters",
  },
  "sharing-not-supported": {
    reasonCode: ReasonCode.sharedSubscriptionsNotSupported,
    words: "Cannot share a subscription: this broker has only those of one",
  },
  ...STORE_REFUSALS,
} as const satisfies Readonly<Record<string, RefusalWords>>;

export type SubscribeRefusal = keyof typeof SUBSCRIBE_REFUSALS;
