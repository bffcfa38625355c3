import type { MessageProperties, QoS, RetainHandling, UserProperties } from "../packet/mod.ts";

export interface PublishOptions {
  readonly qos?: QoS;
  readonly retain?: boolean;
  /** Content type, response topic, expiry, user properties and the like, in MQTT 5.0. */
  readonly properties?: MessageProperties | undefined;
  /** In MQTT 5.0: a number to call the topic by. From the second message on the topic itself is not sent any more. */
  readonly topicAlias?: number | undefined;
}

export interface SubscribeOptions {
  /** The most at which messages come. */
  readonly qos?: QoS;
  /** Also take the messages that no subscription of this client asks for: a resumed session may bring some. */
  readonly catchAll?: boolean;
  /** In MQTT 5.0: no message that this client itself published. */
  readonly noLocal?: boolean | undefined;
  /** In MQTT 5.0: messages say whether they were published with retain; otherwise whether they come from the past. */
  readonly retainAsPublished?: boolean | undefined;
  /** In MQTT 5.0: whether retained messages come. 0: always, 1: if the subscription is new, 2: never. */
  readonly retainHandling?: RetainHandling | undefined;
  /** In MQTT 5.0: a number from 1 on that the messages of this subscription carry. */
  readonly subscriptionId?: number | undefined;
  readonly userProperties?: UserProperties | undefined;
}

export interface UnsubscribeOptions {
  readonly userProperties?: UserProperties | undefined;
}

/** What only MQTT 5.0 can say at the end. */
export interface CloseOptions {
  /** 0x04 has the broker publish the will all the same. */
  readonly reasonCode?: number | undefined;
  readonly reasonString?: string | undefined;
  /** In the place of what was agreed when connecting. */
  readonly sessionExpirySeconds?: number | undefined;
  readonly userProperties?: UserProperties | undefined;
}
