import { checkPacketId, decodePacketId } from "./_ack.ts";
import { PacketError } from "./packet_error.ts";
import { decodeProperties, encodeProperties } from "./property_block.ts";
import type { Reader } from "./reader.ts";
import { checkReasonCode, ReasonCode } from "./reason_code.ts";
import type { UnsubackPacket, Version } from "./types.ts";
import { Writer } from "./writer.ts";

export function decodeUnsuback(body: Reader, version: Version): UnsubackPacket {
  const packetId = decodePacketId(body);
  if (version !== 5) {
    body.end();
    return { type: "unsuback", packetId, reasonCodes: [] };
  }
  const properties = decodeProperties(body, "unsuback");
  const reasonCodes: number[] = [];
  while (body.remaining > 0) reasonCodes.push(body.u8()); // [MQTT5-3.11.3-1]
  checkReasonCodes(reasonCodes);
  return { type: "unsuback", packetId, reasonCodes, ...properties };
}

/** MQTT 3.1 and 3.1.1 have no reason codes in it. */
export function encodeUnsuback(packet: UnsubackPacket, version: Version): Uint8Array {
  const { packetId, reasonCodes } = packet;
  checkPacketId(packetId);
  const writer = new Writer();
  writer.u16(packetId);
  if (version === 5) {
    checkReasonCodes(reasonCodes);
    encodeProperties(writer, "unsuback", packet);
    for (const code of reasonCodes) writer.u8(code); // [MQTT5-3.11.3-1]
  }
  return writer.finishPacket(0xb0);
}

function checkReasonCodes(reasonCodes: readonly number[]): void {
  if (reasonCodes.length === 0) {
    throw new PacketError(ReasonCode.protocolError, "Cannot accept UNSUBACK without a reason code");
  }
  for (const code of reasonCodes) checkReasonCode("unsuback", code); // [MQTT5-3.11.3-2]
}
