import { decodeAuth, encodeAuth } from "./auth.ts";
import { decodeConnack, encodeConnack } from "./connack.ts";
import { decodeConnect, encodeConnect } from "./connect.ts";
import { decodeDisconnect, encodeDisconnect } from "./disconnect.ts";
import type { FrameReader } from "./frame.ts";
import { PacketError } from "./packet_error.ts";
import { decodePingreq, encodePingreq } from "./pingreq.ts";
import { decodePingresp, encodePingresp } from "./pingresp.ts";
import { decodePuback, encodePuback } from "./puback.ts";
import { decodePubcomp, encodePubcomp } from "./pubcomp.ts";
import { decodePublish, encodePublish } from "./publish.ts";
import { decodePubrec, encodePubrec } from "./pubrec.ts";
import { decodePubrel, encodePubrel } from "./pubrel.ts";
import { ReasonCode } from "./reason_code.ts";
import { decodeSuback, encodeSuback } from "./suback.ts";
import { decodeSubscribe, encodeSubscribe } from "./subscribe.ts";
import type { OutgoingPacket, Packet, Version } from "./types.ts";
import { decodeUnsuback, encodeUnsuback } from "./unsuback.ts";
import { decodeUnsubscribe, encodeUnsubscribe } from "./unsubscribe.ts";

export { type AckType, ackWord } from "./_ack.ts";
export { encodeVersionRefusal } from "./connack.ts";
export { FrameReader } from "./frame.ts";
export { PacketError } from "./packet_error.ts";
export { PROPERTY_LIMITS, type PropertyLimits } from "./property_limits.ts";
export { decodeMessageProperties, encodeMessageProperties } from "./message_properties.ts";
export { encodePublishFrame, type FrameFields, payloadOf } from "./publish.ts";
export { frameOf, type FramePlaces, type Part, PublishFrame } from "./publish_frame.ts";
export { Reader } from "./reader.ts";
export { connectReturnCode, describeReason, isReasonOf, ReasonCode } from "./reason_code.ts";
export { Slab } from "./slab.ts";
export { StringCache } from "./string_cache.ts";
export type * from "./types.ts";
export { UnsupportedVersionError } from "./unsupported_version_error.ts";
export { Writer } from "./writer.ts";
export { isUtf8 } from "./utf8.ts";

/** Flags of the fixed header by packet type; PUBLISH (type 3) has its own. */
const FLAGS = [0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0]; // [MQTT-2.2.2-1] [MQTT5-2.1.3-1]
const DUP = 0b1000;

/** Decodes the packet that `frames` found. A CONNECT says its version itself, whatever `version` is. */
export function decode(frames: FrameReader, version: Version): Packet {
  const { header, body } = frames;
  const type = header >> 4;
  if (version === 5) frames.refusePadding();
  if (type === 3) return decodePublish(frames, version);
  checkFlags(header, version);
  switch (type) {
    case 1:
      return decodeConnect(frames);
    case 2:
      return decodeConnack(body, version);
    case 4:
      return decodePuback(body, version);
    case 5:
      return decodePubrec(body, version);
    case 6:
      return decodePubrel(body, version);
    case 7:
      return decodePubcomp(body, version);
    case 8:
      return decodeSubscribe(body, version);
    case 9:
      return decodeSuback(body, version);
    case 10:
      return decodeUnsubscribe(body, version);
    case 11:
      return decodeUnsuback(body, version);
    case 12:
      return decodePingreq(body, version);
    case 13:
      return decodePingresp(body, version);
    case 14:
      return decodeDisconnect(body, version);
    case 15:
      return version === 5 ? decodeAuth(body) : refuseType(type);
    default:
      return refuseType(type);
  }
}

/** Encodes a packet as one whole frame. */
export function encode(packet: OutgoingPacket, version: Version): Uint8Array {
  switch (packet.type) {
    case "connect":
      return encodeConnect(packet);
    case "connack":
      return encodeConnack(packet, version);
    case "publish":
      return encodePublish(packet, version);
    case "puback":
      return encodePuback(packet, version);
    case "pubrec":
      return encodePubrec(packet, version);
    case "pubrel":
      return encodePubrel(packet, version);
    case "pubcomp":
      return encodePubcomp(packet, version);
    case "subscribe":
      return encodeSubscribe(packet, version);
    case "suback":
      return encodeSuback(packet, version);
    case "unsubscribe":
      return encodeUnsubscribe(packet, version);
    case "unsuback":
      return encodeUnsuback(packet, version);
    case "pingreq":
      return encodePingreq(packet, version);
    case "pingresp":
      return encodePingresp(packet, version);
    case "disconnect":
      return encodeDisconnect(packet, version);
    case "auth":
      return encodeAuth(packet, version);
  }
}

function refuseType(type: number): never {
  throw new PacketError(ReasonCode.malformedPacket, `Cannot accept packet type ${type}: it is reserved`);
}

function checkFlags(header: number, version: Version): void {
  const type = header >> 4;
  const flags = header & 0x0f;
  const expected = FLAGS[type];
  if (flags === expected) return;
  // MQTT 3.1 sets DUP on a PUBREL, SUBSCRIBE or UNSUBSCRIBE that is sent again; they are the ones with flags 2.
  if (version === 3 && expected === 2 && flags === (expected | DUP)) return;
  throw new PacketError( // [MQTT-2.2.2-2] [MQTT-3.14.1-1] [MQTT5-3.14.1-1]
    ReasonCode.malformedPacket,
    `Cannot accept packet type ${type} with flags ${flags}: they must be ${expected}`,
  );
}
