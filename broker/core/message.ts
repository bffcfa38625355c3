import {
  encodePublishFrame,
  isUtf8,
  type MessageProperties,
  payloadOf,
  type PublishFrame,
  type QoS,
  type Version,
} from "../packet/mod.ts";

export type { MessageProperties, UserProperties } from "../packet/mod.ts";

/** What somebody wants to publish; `Broker.publish` makes a `Message` of it. */
export interface MessageDraft {
  /** A valid topic name (`topic/name.ts`). */
  readonly topic: string;
  /** Not changed by anybody after this moment. */
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties?: MessageProperties | undefined;
  /** The encoded packet that the message came in, if it may be sent on as it is. */
  readonly frame?: PublishFrame | undefined;
}

/** Rough size of a Message and its entry in a table, in bytes, beside topic and payload. */
const MESSAGE_OVERHEAD_BYTES = 200;
/** Rough size of a pair and its two strings beside their characters. */
const USER_PROPERTY_OVERHEAD_BYTES = 64;

/**
 * An application message inside the broker: made once, shared by everything that holds it, never changed.
 *
 * The payload of a message from MQTT is a view of the chunk that was read. That costs no copy on the way through;
 * whoever holds the message beyond the turn calls `keep()`, and the broker then copies the payload out once, lest
 * 10 bytes hold 64 KiB in memory.
 */
export class Message {
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: MessageProperties | undefined;
  /** Number in the broker-wide order of messages, from 1. */
  readonly sequence: number;
  /** Id of the subscriber that published it, for No Local; undefined over HTTP. */
  readonly publisherId: string | undefined;
  /** When the broker took it, in milliseconds since 1970. */
  readonly time: number;
  /** From this moment on nobody receives it any more; Infinity without an expiry. */
  readonly expiresAt: number;
  /** Length of the payload. */
  readonly payloadBytes: number;
  /** Places in the store that have the message; only the journal counts them. */
  holderCount = 0;
  /** Undefined as long as nobody asked: it ends the frame that the message came in. */
  #payload: Uint8Array | undefined;
  #arrival: PublishFrame | undefined;
  #isKept = false;
  #isAtRest = false;
  /** Encoded without (QoS 0) and with (QoS 1 and 2) a packet identifier, for MQTT 3.x and for 5.0. */
  #plainFrame: PublishFrame | undefined;
  #identifiedFrame: PublishFrame | undefined;
  #plainFrame5: PublishFrame | undefined;
  #identifiedFrame5: PublishFrame | undefined;

  constructor(draft: MessageDraft, sequence: number, time: number, publisherId?: string) {
    this.topic = draft.topic;
    this.qos = draft.qos;
    this.retain = draft.retain;
    this.properties = draft.properties; // [MQTT5-3.3.2-4] [MQTT5-3.3.2-15] [MQTT5-3.3.2-16] [MQTT5-3.3.2-17] [MQTT5-3.3.2-20]
    this.sequence = sequence;
    this.time = time;
    this.publisherId = publisherId;
    const expirySeconds = draft.properties?.expirySeconds;
    this.expiresAt = expirySeconds === undefined ? Infinity : time + expirySeconds * 1000;
    const { frame } = draft;
    if (frame) {
      this.payloadBytes = frame.length - frame.payloadOffset;
      this.#arrival = frame;
      this.#remember(frame);
    } else {
      this.#payload = draft.payload;
      this.payloadBytes = draft.payload.length;
    }
  }

  get payload(): Uint8Array {
    return this.#payload ??= payloadOf(this.#arrival!);
  }

  /** Bytes that end with the payload, for who copies: what came in, where there is that, or the payload alone. */
  get bytes(): Uint8Array {
    return this.#arrival?.bytes ?? this.#payload!;
  }

  /** Bytes that the message costs whoever keeps it. */
  get size(): number {
    return sizeOf(this);
  }

  /**
   * The message as a PUBLISH, encoded once for all who receive it at this kind of QoS and of version while it is routed.
   * What differs from one to the other is written by whoever copies it into an outbox.
   */
  frame(qos: QoS, version: Version): PublishFrame {
    const isIdentified = qos > 0;
    const known = version === 5
      ? (isIdentified ? this.#identifiedFrame5 : this.#plainFrame5)
      : (isIdentified ? this.#identifiedFrame : this.#plainFrame);
    if (known) return known;
    const frame = encodePublishFrame(this, isIdentified, version);
    if (!this.#isAtRest) this.#remember(frame);
    return frame;
  }

  /** Says that somebody holds the message beyond this turn. */
  keep(): void {
    this.#isKept = true;
  }

  get isKept(): boolean {
    return this.#isKept;
  }

  /**
   * Brings the message into the form in which it waits: the payload copied out of a much larger buffer, and nothing kept
   * that can be encoded again, since that would cost twice what the bounds count. Not while the message is being routed.
   */
  compact(): void {
    if (this.#isAtRest) return;
    this.#isAtRest = true;
    const { payload } = this;
    this.#arrival = undefined;
    this.#plainFrame = undefined;
    this.#identifiedFrame = undefined;
    this.#plainFrame5 = undefined;
    this.#identifiedFrame5 = undefined;
    if (payload.buffer.byteLength > payload.byteLength * 2) this.#payload = payload.slice();
  }

  #remember(frame: PublishFrame): void {
    const isIdentified = frame.packetIdOffset > 0;
    if (frame.version === 5) {
      if (isIdentified) this.#identifiedFrame5 = frame;
      else this.#plainFrame5 = frame;
    } else if (isIdentified) this.#identifiedFrame = frame;
    else this.#plainFrame = frame;
  }
}

/** A payload, where it is known already, that says of itself that it is text, and is not. */
export function isFalseText(
  { payload, properties }: Partial<Pick<MessageDraft, "payload" | "properties">>,
): boolean {
  return properties?.payloadIsText === true && payload !== undefined && !isUtf8(payload); // [MQTT5 3.3.2.3.2]
}

/** Bytes that a message costs whoever keeps it. */
export function sizeOf(
  { topic, payload, properties }: Pick<MessageDraft, "topic" | "payload" | "properties">,
): number {
  const bytes = payload.length + topic.length + MESSAGE_OVERHEAD_BYTES;
  return properties ? bytes + sizeOfProperties(properties) : bytes;
}

function sizeOfProperties(properties: MessageProperties): number {
  const { contentType, responseTopic, correlationData, userProperties } = properties;
  let bytes = (contentType?.length ?? 0) + (responseTopic?.length ?? 0) + (correlationData?.length ?? 0);
  for (const [name, value] of userProperties ?? []) {
    bytes += name.length + value.length + USER_PROPERTY_OVERHEAD_BYTES;
  }
  return bytes;
}
