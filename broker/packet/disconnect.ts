import type { Reader } from "./reader.ts";
import { ReasonCode } from "./reason_code.ts";
import type { DisconnectPacket, Version } from "./types.ts";

export function decodeDisconnect(body: Reader, _version: Version): DisconnectPacket {
  body.end();
  return { type: "disconnect", reasonCode: ReasonCode.success };
}

/** MQTT 3.1 and 3.1.1 have no reason in it. */
export function encodeDisconnect(_packet: DisconnectPacket, _version: Version): Uint8Array {
  return Uint8Array.of(0xe0, 0x00);
}
