import { PacketError } from "./packet_error.ts";
import { decodeProperties, encodeProperties, hasProperties } from "./property_block.ts";
import type { Reader } from "./reader.ts";
import { checkReasonCode, ReasonCode } from "./reason_code.ts";
import type { AuthPacket, Version } from "./types.ts";
import { Writer } from "./writer.ts";

/** An empty AUTH is success and names no method; every other one names it (3.15.2.1, 3.15.2.2.2). */
export function decodeAuth(body: Reader): AuthPacket {
  if (body.remaining === 0) return { type: "auth", reasonCode: ReasonCode.success };
  const reasonCode = body.u8();
  checkReasonCode("auth", reasonCode); // [MQTT5-3.15.2-1]
  const properties = decodeProperties(body, "auth");
  body.end();
  checkMethod(properties);
  return { type: "auth", reasonCode, ...properties };
}

export function encodeAuth(packet: AuthPacket, version: Version): Uint8Array {
  const { reasonCode } = packet;
  if (version !== 5) {
    throw new PacketError(ReasonCode.protocolError, `Cannot encode AUTH for MQTT level ${version}: 5 has it`);
  }
  checkReasonCode("auth", reasonCode); // [MQTT5-3.15.2-1]
  if (reasonCode === ReasonCode.success && !hasProperties("auth", packet)) return Uint8Array.of(0xf0, 0);
  checkMethod(packet);
  const writer = new Writer();
  writer.u8(reasonCode);
  encodeProperties(writer, "auth", packet);
  return writer.finishPacket(0xf0); // [MQTT5-3.15.1-1]
}

/** What CONNECT, CONNACK and AUTH say of it. */
interface Authentication {
  readonly authenticationMethod?: string;
  readonly authenticationData?: Uint8Array;
}

/** Data mean nothing without the method that they are of (3.1.2.11.10). */
export function checkAuthentication({ authenticationMethod, authenticationData }: Authentication): void {
  if (authenticationData === undefined || authenticationMethod !== undefined) return;
  throw new PacketError(
    ReasonCode.protocolError,
    "Cannot accept authenticationData without authenticationMethod",
  );
}

function checkMethod({ authenticationMethod }: Authentication): void {
  if (authenticationMethod !== undefined) return;
  throw new PacketError(ReasonCode.protocolError, "Cannot accept AUTH without authenticationMethod");
}
