import type { Reader } from "./reader.ts";
import type { PingrespPacket, Version } from "./types.ts";

export function decodePingresp(body: Reader, _version: Version): PingrespPacket {
  body.end();
  return { type: "pingresp" };
}

export function encodePingresp(_packet: PingrespPacket, _version: Version): Uint8Array {
  return Uint8Array.of(0xd0, 0x00);
}
