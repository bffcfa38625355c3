import { decodeAck, encodeAck } from "./_ack.ts";
import type { Reader } from "./reader.ts";
import type { PubrecPacket, Version } from "./types.ts";

export function decodePubrec(body: Reader, version: Version): PubrecPacket {
  return decodeAck("pubrec", body, version);
}

export function encodePubrec(packet: PubrecPacket, version: Version): Uint8Array {
  return encodeAck(packet, version);
}
