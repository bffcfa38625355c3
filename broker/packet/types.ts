import type { PropertiesOf } from "./properties.ts";
import type { PublishFrame } from "./publish_frame.ts";

export type { UserProperties } from "./properties.ts";

/** Protocol level: 3 is MQTT 3.1 (`MQIsdp`), 4 is MQTT 3.1.1, 5 is MQTT 5.0. */
export type Version = 3 | 4 | 5;

export type QoS = 0 | 1 | 2;

/** What MQTT 5.0 and HTTP can say about a payload. */
export type MessageProperties = Omit<PropertiesOf<"publish">, "topicAlias" | "subscriptionIds">;

/** What a client asks the server to publish when the connection ends without DISCONNECT; enough to encode one. */
export interface WillDraft {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly delaySeconds?: number;
  readonly properties?: MessageProperties | undefined;
}

export interface WillFields extends WillDraft {
  /** Will Delay Interval; 0 in MQTT 3.x. */
  readonly delaySeconds: number;
  readonly properties: MessageProperties | undefined;
}

/** What there is to say in a CONNECT; enough to encode one. MQTT 3.x says nothing of the properties. */
export interface ConnectFields extends PropertiesOf<"connect"> {
  readonly type: "connect";
  readonly version: Version;
  /** Clean Session of 3.1.1, Clean Start of 5.0. */
  readonly cleanStart: boolean;
  readonly keepAliveSeconds: number;
  readonly clientId: string;
  readonly will: WillDraft | undefined;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
}

/** A CONNECT that came in, with the defaults of MQTT 5.0 for whatever its version or its sender did not say. */
export interface ConnectPacket extends ConnectFields {
  readonly will: WillFields | undefined;
  /** How long the session outlives the connection; Infinity for ever. In 3.x that follows from Clean Session. */
  readonly sessionExpirySeconds: number;
  readonly receiveMaximum: number;
  readonly packetBytesMax: number;
  readonly topicAliasMax: number;
  readonly requestProblemInformation: boolean;
  readonly requestResponseInformation: boolean;
}

/** What there is to say in a CONNACK; enough to encode one. */
export interface ConnackFields extends PropertiesOf<"connack"> {
  readonly type: "connack";
  readonly sessionPresent: boolean;
  /** A reason code of MQTT 5.0; the codec turns it into the return code of 3.1.1 and back. */
  readonly reasonCode: number;
}

/** A CONNACK that came in, with the defaults of MQTT 5.0. A Session Expiry Interval left out is the one asked for. */
export interface ConnackPacket extends ConnackFields {
  readonly receiveMaximum: number;
  readonly qosMax: QoS;
  readonly retainAvailable: boolean;
  readonly packetBytesMax: number;
  readonly topicAliasMax: number;
  readonly wildcardSubscriptionsAvailable: boolean;
  readonly subscriptionIdsAvailable: boolean;
  readonly sharedSubscriptionsAvailable: boolean;
}

/** What there is to say in a PUBLISH; enough to encode one. MQTT 3.x says nothing of the last three. */
export interface PublishFields {
  readonly type: "publish";
  readonly dup: boolean;
  readonly qos: QoS;
  readonly retain: boolean;
  /** May be empty in MQTT 5.0 if there is an alias, which then stands for a topic said before. */
  readonly topic: string;
  /** 0 for QoS 0, which has none on the wire. */
  readonly packetId: number;
  readonly payload: Uint8Array;
  readonly properties?: MessageProperties | undefined;
  /** 0 for none. */
  readonly topicAlias?: number;
  /** Of the subscriptions that match. Only a server says them. */
  readonly subscriptionIds?: readonly number[];
}

export interface PublishPacket extends PublishFields {
  readonly properties: MessageProperties | undefined;
  readonly topicAlias: number;
  readonly subscriptionIds: readonly number[];
  /**
   * The packet as it came in, ready to be sent on. Undefined when it says what is between its two ends only: a topic
   * alias or subscription identifiers.
   */
  readonly frame: PublishFrame | undefined;
}

/** PUBACK, PUBREC, PUBREL and PUBCOMP have one shape. */
export interface AckPacket<Type extends string> extends PropertiesOf<"puback"> {
  readonly type: Type;
  readonly packetId: number;
  /** 0x00 in 3.1.1, which has no reason codes here. */
  readonly reasonCode: number;
}
export type PubackPacket = AckPacket<"puback">;
export type PubrecPacket = AckPacket<"pubrec">;
export type PubrelPacket = AckPacket<"pubrel">;
export type PubcompPacket = AckPacket<"pubcomp">;

/** When a subscription brings retained messages: always, if it is new, or never. */
export type RetainHandling = 0 | 1 | 2;

/** What MQTT 5.0 can say of a subscription; MQTT 3.x gets false, false and 0. */
export interface SubscriptionOptions {
  /** No message that the subscriber itself published. */
  readonly noLocal: boolean;
  /** Messages keep the RETAIN flag that they were published with. */
  readonly retainAsPublished: boolean;
  readonly retainHandling: RetainHandling;
}

/** One filter of a SUBSCRIBE; enough to encode it. */
export interface SubscriptionDraft extends Partial<SubscriptionOptions> {
  readonly filter: string;
  readonly qos: QoS;
}

export interface SubscriptionRequest extends SubscriptionOptions {
  readonly filter: string;
  readonly qos: QoS;
}

/** What there is to say in a SUBSCRIBE; enough to encode one. */
export interface SubscribeFields extends Omit<PropertiesOf<"subscribe">, "subscriptionIds"> {
  readonly type: "subscribe";
  readonly packetId: number;
  readonly requests: readonly SubscriptionDraft[];
  /** 0 for none. */
  readonly subscriptionId?: number;
}

export interface SubscribePacket extends SubscribeFields {
  readonly requests: readonly SubscriptionRequest[];
  readonly subscriptionId: number;
}

export interface SubackPacket extends PropertiesOf<"suback"> {
  readonly type: "suback";
  readonly packetId: number;
  /** One a filter: granted QoS 0x00 to 0x02, or a reason code of MQTT 5.0 from 0x80 (all of them 0x80 in 3.1.1). */
  readonly reasonCodes: readonly number[];
}

export interface UnsubscribePacket extends PropertiesOf<"unsubscribe"> {
  readonly type: "unsubscribe";
  readonly packetId: number;
  readonly filters: readonly string[];
}

export interface UnsubackPacket extends PropertiesOf<"unsuback"> {
  readonly type: "unsuback";
  readonly packetId: number;
  /** One a filter in MQTT 5.0; not on the wire, and empty, in 3.1.1. */
  readonly reasonCodes: readonly number[];
}

export interface PingreqPacket {
  readonly type: "pingreq";
}

export interface PingrespPacket {
  readonly type: "pingresp";
}

export interface DisconnectPacket extends PropertiesOf<"disconnect"> {
  readonly type: "disconnect";
  /** 0x00 in 3.1.1, which has no reason codes here. */
  readonly reasonCode: number;
}

/** Only in MQTT 5.0. */
export interface AuthPacket extends PropertiesOf<"auth"> {
  readonly type: "auth";
  readonly reasonCode: number;
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | PubackPacket
  | PubrecPacket
  | PubrelPacket
  | PubcompPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingreqPacket
  | PingrespPacket
  | DisconnectPacket
  | AuthPacket;

/** What can be encoded: every packet, and those in which something is left out that has a default. */
export type OutgoingPacket = Packet | ConnectFields | ConnackFields | PublishFields | SubscribeFields;
