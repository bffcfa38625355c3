import { decodePacketId, encodeAck } from "./_ack.ts";
import type { Reader } from "./reader.ts";
import type { UnsubackPacket, Version } from "./types.ts";

export function decodeUnsuback(body: Reader, _version: Version): UnsubackPacket {
  const packetId = decodePacketId(body);
  body.end();
  return { type: "unsuback", packetId, reasonCodes: [] };
}

/** MQTT 3.1 and 3.1.1 have no reason codes in it. */
export function encodeUnsuback(packet: UnsubackPacket, _version: Version): Uint8Array {
  return encodeAck(0xb0, packet.packetId);
}
