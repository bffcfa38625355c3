import { ReasonCode } from "../packet/mod.ts";
import type { TopicProblem } from "../topic/name.ts";
import type { Message } from "./message.ts";
import type { Subscription } from "./subscriber.ts";

/** Why something that came in did not go on, beside what became of it for each subscriber (`Delivery`). */
export type Refusal = "denied" | "reserved-topic" | "retained-full" | StoreRefusal;

/** The store cannot take it now: its disk fails, is full, or is too slow for what comes. */
export type StoreRefusal = "store-failed" | "store-full" | "store-busy";

export function isStoreRefusal(refusal: string): refusal is StoreRefusal {
  return refusal.startsWith("store-");
}

/** What became of a publish as a whole. */
export type Publication =
  | {
    readonly accepted: true;
    readonly message: Message; /** Subscribers that match. */
    readonly matched: number;
    /** Something of it was written down: `settled` tells when that is safe. */
    readonly isKept: boolean;
  }
  | { readonly accepted: false; readonly refusal: Refusal; /** Of MQTT 5.0. */ readonly reasonCode: number };

export type SubscribeRefusal =
  | "invalid-filter"
  | "denied"
  | "too-many-subscriptions"
  | StoreRefusal;

export type SubscribeOutcome =
  | { readonly granted: true; readonly subscription: Subscription; readonly isNew: boolean }
  | {
    readonly granted: false;
    readonly refusal: SubscribeRefusal;
    /** Of MQTT 5.0. */
    readonly reasonCode: number;
    readonly problem?: TopicProblem;
  };

export const REFUSAL_REASON_CODES: Readonly<Record<Refusal, number>> = {
  "denied": ReasonCode.notAuthorized,
  "reserved-topic": ReasonCode.notAuthorized,
  "retained-full": ReasonCode.quotaExceeded,
  "store-failed": ReasonCode.unspecifiedError,
  "store-full": ReasonCode.quotaExceeded,
  "store-busy": ReasonCode.quotaExceeded,
};

export const SUBSCRIBE_REASON_CODES: Readonly<Record<SubscribeRefusal, number>> = {
  "invalid-filter": ReasonCode.topicFilterInvalid,
  "denied": ReasonCode.notAuthorized,
  "too-many-subscriptions": ReasonCode.quotaExceeded,
  "store-failed": ReasonCode.unspecifiedError,
  "store-full": ReasonCode.quotaExceeded,
  "store-busy": ReasonCode.quotaExceeded,
};
