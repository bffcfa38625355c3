import type { TopicProblem } from "../topic/name.ts";
import type { Message, MessageDraft } from "./message.ts";
import type { Refusal, SubscribeRefusal } from "./refusal.ts";
import type { Subscription } from "./subscriber.ts";

/** As much of a message as is known when somebody asks whether it may be published. */
export type PublishWish =
  & Pick<MessageDraft, "topic" | "qos" | "retain">
  & Partial<Pick<MessageDraft, "payload" | "properties">>;

/** What became of a publish as a whole. */
export type Publication =
  | {
    readonly accepted: true;
    readonly message: Message;
    /** Subscribers that match. */
    readonly matched: number;
    /** Something of it was written down: `Broker.settled` tells when that is safe. */
    readonly isKept: boolean;
  }
  | {
    readonly accepted: false;
    readonly refusal: Refusal;
    /** Of MQTT 5.0. */
    readonly reasonCode: number;
  };

export type SubscribeOutcome =
  | { readonly granted: true; readonly subscription: Subscription; readonly isNew: boolean }
  | {
    readonly granted: false;
    readonly refusal: SubscribeRefusal;
    /** Of MQTT 5.0. */
    readonly reasonCode: number;
    readonly problem?: TopicProblem;
  };
