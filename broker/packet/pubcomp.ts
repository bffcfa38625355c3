import { decodeAck, encodeAck } from "./_ack.ts";
import type { Reader } from "./reader.ts";
import type { PubcompPacket, Version } from "./types.ts";

export function decodePubcomp(body: Reader, _version: Version): PubcompPacket {
  return decodeAck("pubcomp", body);
}

export function encodePubcomp(packet: PubcompPacket, _version: Version): Uint8Array {
  return encodeAck(0x70, packet.packetId); // [MQTT-2.2.2-1]
}
