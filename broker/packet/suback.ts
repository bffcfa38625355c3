import { checkPacketId, decodePacketId } from "./_ack.ts";
import { PacketError } from "./packet_error.ts";
import { decodeProperties, encodeProperties } from "./property_block.ts";
import type { Reader } from "./reader.ts";
import { checkReasonCode, ReasonCode } from "./reason_code.ts";
import type { SubackPacket, Version } from "./types.ts";
import { Writer } from "./writer.ts";

/** The only failure that MQTT 3.1.1 knows here. */
const FAILURE = 0x80;

export function decodeSuback(body: Reader, version: Version): SubackPacket {
  const packetId = decodePacketId(body);
  const properties = version === 5 ? decodeProperties(body, "suback") : undefined;
  if (body.remaining === 0) {
    throw new PacketError(ReasonCode.protocolError, "Cannot accept SUBACK without a return code");
  }
  const reasonCodes: number[] = [];
  while (body.remaining > 0) {
    const code = body.u8();
    if (version === 5) checkReasonCode("suback", code); // [MQTT5-3.9.3-2]
    else checkReturnCode(code); // [MQTT-3.9.3-2]
    reasonCodes.push(code); // [MQTT-3.9.3-1] [MQTT5-3.9.3-1]
  }
  return { type: "suback", packetId, reasonCodes, ...properties };
}

export function encodeSuback(packet: SubackPacket, version: Version): Uint8Array {
  const { packetId, reasonCodes } = packet;
  checkPacketId(packetId);
  if (reasonCodes.length === 0) {
    throw new PacketError(ReasonCode.protocolError, "Cannot encode SUBACK without a return code");
  }
  const writer = new Writer(2 + reasonCodes.length);
  writer.u16(packetId);
  if (version === 5) encodeProperties(writer, "suback", packet);
  for (const code of reasonCodes) { // [MQTT-3.9.3-1] [MQTT5-3.9.3-1]
    if (version === 5) checkReasonCode("suback", code); // [MQTT5-3.9.3-2]
    writer.u8(version === 5 || code <= 2 ? code : FAILURE); // [MQTT-3.9.3-2]
  }
  return writer.finishPacket(0x90);
}

function checkReturnCode(code: number): void {
  if (code <= 2 || code === FAILURE) return;
  throw new PacketError(
    ReasonCode.malformedPacket,
    `Cannot accept SUBACK return code ${code}: it must be 0, 1, 2 or 128`,
  );
}
