import type { QoS } from "../packet/types.ts";

/**
 * What of MQTT the broker offers. A client of MQTT 5.0 hears of it in CONNACK, and who asks for more all the same is
 * refused: MQTT 5.0 with the reason code of the feature, earlier versions and HTTP in their own words.
 */
export interface Features {
  /** Highest QoS of a message. Subscriptions that ask for more are granted this. */
  readonly maximumQos: QoS;
  readonly retainAvailable: boolean;
  readonly wildcardSubscriptionsAvailable: boolean;
  readonly subscriptionIdentifiersAvailable: boolean;
  readonly sharedSubscriptionsAvailable: boolean;
  /**
   * Longest keep-alive, and that of a client that wants none: who holds connections open and says nothing is found out
   * in 1.5 times this. 0: each client has its way.
   */
  readonly keepAliveSecondsMax: number;
  /** Whether a payload that is said to be text is looked at. That costs a decoding of each such payload. */
  readonly checkPayloadFormat: boolean;
  /**
   * The topic below which a client that asks for it may have its replies, `%c` being its client identifier. Empty: none
   * is said.
   */
  readonly responseInformation: string;
}

/** All that there is, and nothing that MQTT leaves open. */
export const ALL_FEATURES: Features = {
  maximumQos: 2,
  retainAvailable: true,
  wildcardSubscriptionsAvailable: true,
  subscriptionIdentifiersAvailable: true,
  sharedSubscriptionsAvailable: true,
  keepAliveSecondsMax: 0,
  checkPayloadFormat: false,
  responseInformation: "",
};
