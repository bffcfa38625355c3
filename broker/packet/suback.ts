import { checkPacketId, decodePacketId } from "./_ack.ts";
import { PacketError } from "./packet_error.ts";
import type { Reader } from "./reader.ts";
import { ReasonCode } from "./reason_code.ts";
import type { SubackPacket, Version } from "./types.ts";
import { Writer } from "./writer.ts";

/** The only failure that MQTT 3.1.1 knows here. */
const FAILURE = 0x80;

export function decodeSuback(body: Reader, _version: Version): SubackPacket {
  const packetId = decodePacketId(body);
  if (body.remaining === 0) {
    throw new PacketError(ReasonCode.protocolError, "Cannot accept SUBACK without a return code");
  }
  const reasonCodes: number[] = [];
  while (body.remaining > 0) {
    const code = body.u8();
    if (code > 2 && code !== FAILURE) { // [MQTT-3.9.3-2]
      throw new PacketError(
        ReasonCode.malformedPacket,
        `Cannot accept SUBACK return code ${code}: it must be 0, 1, 2 or 128`,
      );
    }
    reasonCodes.push(code); // [MQTT-3.9.3-1]
  }
  return { type: "suback", packetId, reasonCodes };
}

export function encodeSuback(packet: SubackPacket, _version: Version): Uint8Array {
  checkPacketId(packet.packetId);
  if (packet.reasonCodes.length === 0) {
    throw new PacketError(ReasonCode.protocolError, "Cannot encode SUBACK without a return code");
  }
  const writer = new Writer(2 + packet.reasonCodes.length);
  writer.u16(packet.packetId);
  for (const code of packet.reasonCodes) writer.u8(code > 2 ? FAILURE : code); // [MQTT-3.9.3-1] [MQTT-3.9.3-2]
  return writer.finishPacket(0x90);
}
