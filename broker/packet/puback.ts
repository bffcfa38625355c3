import { decodeAck, encodeAck } from "./_ack.ts";
import type { Reader } from "./reader.ts";
import type { PubackPacket, Version } from "./types.ts";

export function decodePuback(body: Reader, _version: Version): PubackPacket {
  return decodeAck("puback", body);
}

export function encodePuback(packet: PubackPacket, _version: Version): Uint8Array {
  return encodeAck(0x40, packet.packetId); // [MQTT-2.2.2-1]
}
