import { checkPacketId, decodePacketId } from "./_ack.ts";
import type { FrameReader } from "./frame.ts";
import { PacketError } from "./packet_error.ts";
import {
  decodePropertyBlock,
  decodePropertyLength,
  encodePropertyValues,
  messageProperties,
} from "./property_block.ts";
import { ReasonCode } from "./reason_code.ts";
import { frameOf, PublishFrame } from "./publish_frame.ts";
import type { MessageProperties, PublishFields, PublishPacket, QoS, Version } from "./types.ts";
import { Writer } from "./writer.ts";

const DUP = 0b1000;
const RETAIN = 0b0001;
const U32_BYTES = 4;
/** The length of a block and a topic alias. */
const SHORT_BLOCK_BYTES = 4;
/** A block with a few properties in it. */
const LONG_BLOCK_BYTES = 128;

/** What the properties of a PUBLISH say. */
interface Said {
  readonly properties: MessageProperties | undefined;
  readonly topicAlias: number;
  readonly subscriptionIds: readonly number[];
  /** Where the Message Expiry Interval stands in the packet; 0 for nowhere. */
  readonly expiryOffset: number;
}

const NOTHING: Said = { properties: undefined, topicAlias: 0, subscriptionIds: [], expiryOffset: 0 };

/**
 * A PUBLISH that came in and may be sent on as it is. On its way through nobody asks for its payload, so the view of that
 * is made for who does: to make it always took 7 % of a message's time.
 */
class ReceivedPublish implements PublishPacket {
  readonly type = "publish";
  readonly dup: boolean;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly topic: string;
  readonly packetId: number;
  readonly properties: MessageProperties | undefined;
  readonly topicAlias = 0;
  readonly subscriptionIds = NOTHING.subscriptionIds;
  readonly frame: PublishFrame;

  constructor(header: number, topic: string, packetId: number, said: Said, frame: PublishFrame) {
    this.dup = (header & DUP) !== 0;
    this.qos = decodeQos(header);
    this.retain = (header & RETAIN) !== 0;
    this.topic = topic;
    this.packetId = packetId;
    this.properties = said.properties;
    this.frame = frame;
  }

  get payload(): Uint8Array {
    return payloadOf(this.frame);
  }
}

/** The payload in the frame, as a view. */
export function payloadOf({ bytes, payloadOffset }: PublishFrame): Uint8Array {
  return bytes.subarray(payloadOffset);
}

/** Decodes the PUBLISH that `frames` found; its payload and frame are views of the bytes that came in. */
export function decodePublish(frames: FrameReader, version: Version): PublishPacket {
  const { header, body } = frames;
  const qos = decodeQos(header);
  const dup = (header & DUP) !== 0;
  if (dup && qos === 0) { // [MQTT-3.3.1-2] [MQTT5-3.3.1-2]
    throw new PacketError(ReasonCode.malformedPacket, "Cannot accept PUBLISH with DUP 1 and QoS 0");
  }
  const topic = body.cachedString(); // [MQTT-3.3.2-1] [MQTT5-3.3.2-1]
  const packetIdOffset = qos === 0 ? 0 : frames.bodyOffset;
  const packetId = qos === 0 ? 0 : decodePacketId(body); // [MQTT-2.3.1-5] [MQTT5-2.2.1-2]
  const said = version === 5 ? decodeSaid(frames) : NOTHING;
  const { properties, topicAlias, subscriptionIds, expiryOffset } = said;
  const isBetweenTwo = topicAlias !== 0 || subscriptionIds.length > 0;
  if (!isBetweenTwo && !frames.isPadded) {
    const payloadOffset = frames.bodyOffset;
    const frame = new PublishFrame(frames, { packetIdOffset, expiryOffset, payloadOffset, version });
    return new ReceivedPublish(header, topic, packetId, said, frame);
  }
  const payload = body.bytes(body.remaining);
  return {
    type: "publish",
    dup,
    qos,
    retain: (header & RETAIN) !== 0,
    topic,
    packetId,
    payload,
    properties,
    topicAlias,
    subscriptionIds,
    // Padding is the sender's business in MQTT 3.x: what others receive is as short as it can be.
    frame: isBetweenTwo ? undefined : encodePublishFrame({ topic, payload }, qos !== 0, version),
  };
}

export function encodePublish(packet: PublishFields, version: Version): Uint8Array {
  const { qos, dup, packetId } = packet;
  if (dup && qos === 0) { // [MQTT-3.3.1-2] [MQTT5-3.3.1-2]
    throw new PacketError(ReasonCode.malformedPacket, "Cannot encode PUBLISH with DUP 1 and QoS 0");
  }
  const writer = writerFor(packet, version);
  writer.string(packet.topic);
  if (qos !== 0) {
    checkPacketId(packetId);
    writer.u16(packetId);
  }
  if (version === 5) encodeSaid(writer, packet);
  writer.bytes(packet.payload);
  return writer.finishPacket(0x30 | (dup ? DUP : 0) | (qos << 1) | (packet.retain ? RETAIN : 0));
}

/** What a frame is made of. */
export type FrameFields = Pick<
  PublishFields,
  "topic" | "payload" | "properties" | "topicAlias" | "subscriptionIds"
>;

/**
 * Encodes a PUBLISH that is sent to many. Who sends it writes the first byte (0x30 | dup << 3 | qos << 1 | retain), the
 * packet identifier if it is `identified`, and the seconds that are left if it expires.
 *
 *     30 | length | topic | identifier | properties: length, 02 and seconds, the others | payload
 *     ^^                    ^^^^^^^^^^                          ^^^^^^^ written by the sender
 *
 * A topic alias and subscription identifiers are between two ends only: with them, a frame is for one peer. Once the peer
 * knows the alias, the topic is empty.
 */
export function encodePublishFrame(
  fields: FrameFields,
  identified: boolean,
  version: Version,
): PublishFrame {
  const writer = writerFor(fields, version);
  writer.string(fields.topic);
  const packetIdAt = writer.length;
  if (identified) writer.u16(0);
  const expiryAt = version === 5 ? encodeSaid(writer, fields) : 0;
  writer.bytes(fields.payload);
  const bytes = writer.finishPacket(identified ? 0x32 : 0x30);
  const headerBytes = bytes.length - writer.length;
  return frameOf(bytes, {
    packetIdOffset: identified ? headerBytes + packetIdAt : 0,
    expiryOffset: expiryAt === 0 ? 0 : headerBytes + expiryAt,
    payloadOffset: bytes.length - fields.payload.length,
    version,
  });
}

/** Has room for all but long properties: to grow costs as much again. */
function writerFor(fields: FrameFields, version: Version): Writer {
  const saidBytes = version === 5 ? roomForSaid(fields) : 0;
  return new Writer(2 + fields.topic.length + 2 + saidBytes + fields.payload.length);
}

function roomForSaid({ properties, subscriptionIds = [] }: FrameFields): number {
  return (properties === undefined ? SHORT_BLOCK_BYTES : LONG_BLOCK_BYTES) + subscriptionIds.length * 5;
}

function decodeQos(header: number): QoS {
  const qos = (header >> 1) & 3;
  if (qos === 3) throw new PacketError(ReasonCode.malformedPacket, "Cannot accept PUBLISH with QoS 3"); // [MQTT-3.3.1-4] [MQTT5-3.3.1-4]
  return qos as QoS;
}

/** Most say nothing. What a closure captures is allocated on entry, so the rest is a function of its own. */
function decodeSaid(frames: FrameReader): Said {
  const length = decodePropertyLength(frames.body);
  return length === 0 ? NOTHING : decodeSaidBlock(frames, length);
}

function decodeSaidBlock(frames: FrameReader, length: number): Said {
  const { body } = frames;
  let expiryOffset = 0;
  const values = decodePropertyBlock(body, "publish", length, (name) => {
    if (name === "expirySeconds") expiryOffset = frames.bodyOffset - U32_BYTES;
  });
  const { topicAlias = 0, subscriptionIds = NOTHING.subscriptionIds, ...rest } = values;
  return { properties: messageProperties(rest), topicAlias, subscriptionIds, expiryOffset };
}

/** Returns where the Message Expiry Interval stands, 0 for nowhere. */
function encodeSaid(writer: Writer, { properties, topicAlias = 0, subscriptionIds }: FrameFields): number {
  const start = writer.length;
  const block = writer.beginBlock();
  if (properties !== undefined) encodePropertyValues(writer, "publish", properties);
  if (topicAlias !== 0 || subscriptionIds !== undefined) {
    encodePropertyValues(writer, "publish", { topicAlias, subscriptionIds }, { topicAlias: 0 });
  }
  const lengthBytes = writer.endBlock(block);
  // It is the first in the table.
  return properties?.expirySeconds === undefined ? 0 : start + lengthBytes + 1;
}
