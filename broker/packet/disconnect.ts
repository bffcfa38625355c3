import { decodeProperties, encodeProperties, hasProperties } from "./property_block.ts";
import type { Reader } from "./reader.ts";
import { checkReasonCode, ReasonCode } from "./reason_code.ts";
import type { DisconnectPacket, Version } from "./types.ts";
import { Writer } from "./writer.ts";

/** All of it may be left out, or all behind the reason code (3.14.2.1). */
export function decodeDisconnect(body: Reader, version: Version): DisconnectPacket {
  if (version !== 5 || body.remaining === 0) {
    body.end();
    return { type: "disconnect", reasonCode: ReasonCode.success };
  }
  const reasonCode = body.u8();
  checkReasonCode("disconnect", reasonCode); // [MQTT5-3.14.2-1]
  if (body.remaining === 0) return { type: "disconnect", reasonCode };
  const properties = decodeProperties(body, "disconnect");
  body.end();
  return { type: "disconnect", reasonCode, ...properties };
}

/** MQTT 3.1 and 3.1.1 have no reason in it. */
export function encodeDisconnect(packet: DisconnectPacket, version: Version): Uint8Array {
  const { reasonCode } = packet;
  if (version !== 5) return Uint8Array.of(0xe0, 0);
  checkReasonCode("disconnect", reasonCode); // [MQTT5-3.14.2-1]
  if (!hasProperties("disconnect", packet)) {
    return reasonCode === ReasonCode.success ? Uint8Array.of(0xe0, 0) : Uint8Array.of(0xe0, 1, reasonCode);
  }
  const writer = new Writer();
  writer.u8(reasonCode);
  encodeProperties(writer, "disconnect", packet);
  return writer.finishPacket(0xe0);
}
