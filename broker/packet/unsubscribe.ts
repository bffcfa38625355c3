import { checkPacketId, decodePacketId } from "./_ack.ts";
import { PacketError } from "./packet_error.ts";
import { decodeProperties, encodeProperties } from "./property_block.ts";
import type { Reader } from "./reader.ts";
import { ReasonCode } from "./reason_code.ts";
import type { UnsubscribePacket, Version } from "./types.ts";
import { Writer } from "./writer.ts";

export function decodeUnsubscribe(body: Reader, version: Version): UnsubscribePacket {
  const packetId = decodePacketId(body);
  const properties = version === 5 ? decodeProperties(body, "unsubscribe") : undefined;
  if (body.remaining === 0) { // [MQTT-3.10.3-2] [MQTT5-3.10.3-2]
    throw new PacketError(ReasonCode.protocolError, "Cannot accept UNSUBSCRIBE without a topic filter");
  }
  const filters: string[] = [];
  while (body.remaining > 0) filters.push(body.string()); // [MQTT-3.10.3-1] [MQTT5-3.10.3-1]
  return { type: "unsubscribe", packetId, filters, ...properties };
}

export function encodeUnsubscribe(packet: UnsubscribePacket, version: Version): Uint8Array {
  checkPacketId(packet.packetId);
  if (packet.filters.length === 0) { // [MQTT-3.10.3-2] [MQTT5-3.10.3-2]
    throw new PacketError(ReasonCode.protocolError, "Cannot encode UNSUBSCRIBE without a topic filter");
  }
  const writer = new Writer();
  writer.u16(packet.packetId);
  if (version === 5) encodeProperties(writer, "unsubscribe", packet);
  for (const filter of packet.filters) writer.string(filter);
  return writer.finishPacket(0xa2); // [MQTT-3.10.1-1] [MQTT5-3.10.1-1]
}
