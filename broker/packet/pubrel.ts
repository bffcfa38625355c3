import { decodeAck, encodeAck } from "./_ack.ts";
import type { Reader } from "./reader.ts";
import type { PubrelPacket, Version } from "./types.ts";

export function decodePubrel(body: Reader, _version: Version): PubrelPacket {
  return decodeAck("pubrel", body);
}

export function encodePubrel(packet: PubrelPacket, _version: Version): Uint8Array {
  return encodeAck(0x62, packet.packetId); // [MQTT-3.6.1-1]
}
