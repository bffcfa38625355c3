/** Protocol level: 3 is MQTT 3.1 (`MQIsdp`), 4 is MQTT 3.1.1, 5 is MQTT 5.0. */
export type Version = 3 | 4 | 5;

export type QoS = 0 | 1 | 2;

/** What a client asks the server to publish when the connection ends without DISCONNECT. */
export interface WillFields {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
}

export interface ConnectPacket {
  readonly type: "connect";
  readonly version: Version;
  /** Clean Session of 3.1.1, Clean Start of 5.0. */
  readonly cleanStart: boolean;
  readonly keepAliveSeconds: number;
  readonly clientId: string;
  readonly will: WillFields | undefined;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
}

export interface ConnackPacket {
  readonly type: "connack";
  readonly sessionPresent: boolean;
  /** A reason code of MQTT 5.0; the codec turns it into the return code of 3.1.1 and back. */
  readonly reasonCode: number;
}

/** A PUBLISH as bytes, made once and sent to many. Who sends it writes the first byte and the identifier anew. */
export interface PublishFrame {
  readonly bytes: Uint8Array;
  /** Where the packet identifier stands; 0 when it has none (QoS 0). */
  readonly packetIdOffset: number;
}

/** What there is to say in a PUBLISH; enough to encode one. */
export interface PublishFields {
  readonly type: "publish";
  readonly dup: boolean;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly topic: string;
  /** 0 for QoS 0, which has none on the wire. */
  readonly packetId: number;
  readonly payload: Uint8Array;
}

export interface PublishPacket extends PublishFields {
  /** The packet as it came in, ready to be sent on. */
  readonly frame: PublishFrame;
}

/** PUBACK, PUBREC, PUBREL and PUBCOMP have one shape. */
export interface AckPacket<Type extends string> {
  readonly type: Type;
  readonly packetId: number;
  /** 0x00 in 3.1.1, which has no reason codes here. */
  readonly reasonCode: number;
}
export type PubackPacket = AckPacket<"puback">;
export type PubrecPacket = AckPacket<"pubrec">;
export type PubrelPacket = AckPacket<"pubrel">;
export type PubcompPacket = AckPacket<"pubcomp">;

export interface SubscriptionRequest {
  readonly filter: string;
  readonly qos: QoS;
}

export interface SubscribePacket {
  readonly type: "subscribe";
  readonly packetId: number;
  readonly requests: readonly SubscriptionRequest[];
}

export interface SubackPacket {
  readonly type: "suback";
  readonly packetId: number;
  /** One a filter: granted QoS 0x00 to 0x02, or a reason code of MQTT 5.0 from 0x80 (all of them 0x80 in 3.1.1). */
  readonly reasonCodes: readonly number[];
}

export interface UnsubscribePacket {
  readonly type: "unsubscribe";
  readonly packetId: number;
  readonly filters: readonly string[];
}

export interface UnsubackPacket {
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

export interface DisconnectPacket {
  readonly type: "disconnect";
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
  | DisconnectPacket;

/** What can be encoded: every packet, and a PUBLISH that has no frame yet. */
export type OutgoingPacket = Packet | PublishFields;
