import type { Reader } from "./reader.ts";
import type { PingreqPacket, Version } from "./types.ts";

export function decodePingreq(body: Reader, _version: Version): PingreqPacket {
  body.end();
  return { type: "pingreq" };
}

export function encodePingreq(_packet: PingreqPacket, _version: Version): Uint8Array {
  return Uint8Array.of(0xc0, 0x00);
}
