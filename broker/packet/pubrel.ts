import { decodeAck, encodeAck } from "./_ack.ts";
import type { Reader } from "./reader.ts";
import type { PubrelPacket, Version } from "./types.ts";

export function decodePubrel(body: Reader, version: Version): PubrelPacket {
  return decodeAck("pubrel", body, version);
}

export function encodePubrel(packet: PubrelPacket, version: Version): Uint8Array {
  return encodeAck(packet, version);
}
