import { decodeAck, encodeAck } from "./_ack.ts";
import type { Reader } from "./reader.ts";
import type { PubackPacket, Version } from "./types.ts";

export function decodePuback(body: Reader, version: Version): PubackPacket {
  return decodeAck("puback", body, version);
}

export function encodePuback(packet: PubackPacket, version: Version): Uint8Array {
  return encodeAck(packet, version);
}
