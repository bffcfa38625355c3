import { checkPacketId, decodePacketId } from "./_ack.ts";
import type { FrameReader } from "./frame.ts";
import { PacketError } from "./packet_error.ts";
import { ReasonCode } from "./reason_code.ts";
import type { PublishFields, PublishFrame, PublishPacket, QoS, Version } from "./types.ts";
import { Writer } from "./writer.ts";

export type { PublishFrame } from "./types.ts";

const DUP = 0b1000;
const RETAIN = 0b0001;

/** Decodes the PUBLISH that `frames` found; its payload and frame are views of the bytes that came in. */
export function decodePublish(frames: FrameReader, version: Version): PublishPacket {
  const { header, body } = frames;
  const qos = decodeQos(header);
  const dup = (header & DUP) !== 0;
  if (dup && qos === 0) { // [MQTT-3.3.1-2]
    throw new PacketError(ReasonCode.malformedPacket, "Cannot accept PUBLISH with DUP 1 and QoS 0");
  }
  const topic = body.topic(); // [MQTT-3.3.2-1]
  const packetIdOffset = qos === 0 ? 0 : frames.bodyOffset;
  const packetId = qos === 0 ? 0 : decodePacketId(body); // [MQTT-2.3.1-5]
  const payload = body.bytes(body.remaining);
  // A padded length is the sender's business: what others receive is as short as it can be.
  const frame = frames.isPadded
    ? encodePublishFrame(topic, payload, qos !== 0, version)
    : { bytes: frames.packet(), packetIdOffset };
  return { type: "publish", dup, qos, retain: (header & RETAIN) !== 0, topic, packetId, payload, frame };
}

export function encodePublish(packet: PublishFields, _version: Version): Uint8Array {
  const { qos, dup, packetId } = packet;
  if (dup && qos === 0) { // [MQTT-3.3.1-2]
    throw new PacketError(ReasonCode.malformedPacket, "Cannot encode PUBLISH with DUP 1 and QoS 0");
  }
  const writer = writerFor(packet.topic, packet.payload);
  writer.string(packet.topic);
  if (qos !== 0) {
    checkPacketId(packetId);
    writer.u16(packetId);
  }
  writer.bytes(packet.payload);
  return writer.finishPacket(0x30 | (dup ? DUP : 0) | (qos << 1) | (packet.retain ? RETAIN : 0));
}

/**
 * Encodes a PUBLISH that is sent to many. Who sends it writes the first byte (0x30 | dup << 3 | qos << 1 | retain) and,
 * if it is `identified`, the packet identifier.
 */
export function encodePublishFrame(
  topic: string,
  payload: Uint8Array,
  identified: boolean,
  _version: Version,
): PublishFrame {
  const writer = writerFor(topic, payload);
  writer.string(topic);
  const bodyOffset = writer.length;
  if (identified) writer.u16(0);
  writer.bytes(payload);
  const bytes = writer.finishPacket(identified ? 0x32 : 0x30);
  return { bytes, packetIdOffset: identified ? bytes.length - writer.length + bodyOffset : 0 };
}

function writerFor(topic: string, payload: Uint8Array): Writer {
  return new Writer(2 + topic.length + 2 + payload.length);
}

function decodeQos(header: number): QoS {
  const qos = (header >> 1) & 3;
  if (qos === 3) throw new PacketError(ReasonCode.malformedPacket, "Cannot accept PUBLISH with QoS 3"); // [MQTT-3.3.1-4]
  return qos as QoS;
}
