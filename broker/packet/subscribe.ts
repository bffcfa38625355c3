import { checkPacketId, decodePacketId } from "./_ack.ts";
import { PacketError } from "./packet_error.ts";
import type { Reader } from "./reader.ts";
import { ReasonCode } from "./reason_code.ts";
import type { QoS, SubscribePacket, SubscriptionRequest, Version } from "./types.ts";
import { Writer } from "./writer.ts";

export function decodeSubscribe(body: Reader, _version: Version): SubscribePacket {
  const packetId = decodePacketId(body);
  if (body.remaining === 0) { // [MQTT-3.8.3-3]
    throw new PacketError(ReasonCode.protocolError, "Cannot accept SUBSCRIBE without a topic filter");
  }
  const requests: SubscriptionRequest[] = [];
  while (body.remaining > 0) {
    const filter = body.string(); // [MQTT-3.8.3-1]
    const options = body.u8();
    if (options > 2) { // [MQTT-3.8.3-4]
      throw new PacketError(
        ReasonCode.malformedPacket,
        `Cannot accept requested QoS byte ${options} in SUBSCRIBE: it must be 0, 1 or 2`,
      );
    }
    requests.push({ filter, qos: options as QoS });
  }
  return { type: "subscribe", packetId, requests };
}

export function encodeSubscribe(packet: SubscribePacket, _version: Version): Uint8Array {
  checkPacketId(packet.packetId);
  if (packet.requests.length === 0) { // [MQTT-3.8.3-3]
    throw new PacketError(ReasonCode.protocolError, "Cannot encode SUBSCRIBE without a topic filter");
  }
  const writer = new Writer();
  writer.u16(packet.packetId);
  for (const { filter, qos } of packet.requests) {
    writer.string(filter);
    writer.u8(qos);
  }
  return writer.finishPacket(0x82); // [MQTT-3.8.1-1]
}
