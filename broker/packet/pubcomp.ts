import { decodeAck, encodeAck } from "./_ack.ts";
import type { Reader } from "./reader.ts";
import type { PubcompPacket, Version } from "./types.ts";

export function decodePubcomp(body: Reader, version: Version): PubcompPacket {
  return decodeAck("pubcomp", body, version);
}

export function encodePubcomp(packet: PubcompPacket, version: Version): Uint8Array {
  return encodeAck(packet, version);
}
