import { decodeAck, encodeAck } from "./_ack.ts";
import type { Reader } from "./reader.ts";
import type { PubrecPacket, Version } from "./types.ts";

export function decodePubrec(body: Reader, _version: Version): PubrecPacket {
  return decodeAck("pubrec", body);
}

export function encodePubrec(packet: PubrecPacket, _version: Version): Uint8Array {
  return encodeAck(0x50, packet.packetId); // [MQTT-2.2.2-1]
}
