import { checkPacketId, decodePacketId } from "./_ack.ts";
import { PacketError } from "./packet_error.ts";
import { decodeProperties, encodeProperties } from "./property_block.ts";
import type { PropertiesOf } from "./properties.ts";
import type { Reader } from "./reader.ts";
import { ReasonCode } from "./reason_code.ts";
import type {
  QoS,
  RetainHandling,
  SubscribeFields,
  SubscribePacket,
  SubscriptionDraft,
  SubscriptionRequest,
  Version,
} from "./types.ts";
import { Writer } from "./writer.ts";

/** Subscription options. */
const QOS = 0b0000_0011;
const NO_LOCAL = 0b0000_0100;
const RETAIN_AS_PUBLISHED = 0b0000_1000;
const RETAIN_HANDLING = 0b0011_0000;
const RESERVED = 0b1100_0000;
/** The options of MQTT 3.x: a QoS and nothing else. */
const RESERVED_3 = 0b1111_1100;

const NO_PROPERTIES: PropertiesOf<"subscribe"> = {};

export function decodeSubscribe(body: Reader, version: Version): SubscribePacket {
  const packetId = decodePacketId(body);
  const said = version === 5 ? decodeProperties(body, "subscribe") : NO_PROPERTIES;
  if (body.remaining === 0) { // [MQTT-3.8.3-3] [MQTT5-3.8.3-2]
    throw new PacketError(ReasonCode.protocolError, "Cannot accept SUBSCRIBE without a topic filter");
  }
  const requests: SubscriptionRequest[] = [];
  while (body.remaining > 0) {
    const filter = body.string(); // [MQTT-3.8.3-1] [MQTT5-3.8.3-1]
    requests.push(decodeRequest(filter, body.u8(), version));
  }
  const { subscriptionIds, ...properties } = said;
  return { type: "subscribe", packetId, requests, subscriptionId: subscriptionIds?.[0] ?? 0, ...properties };
}

export function encodeSubscribe(packet: SubscribeFields, version: Version): Uint8Array {
  const { packetId, requests, subscriptionId = 0, userProperties } = packet;
  checkPacketId(packetId);
  if (requests.length === 0) { // [MQTT-3.8.3-3] [MQTT5-3.8.3-2]
    throw new PacketError(ReasonCode.protocolError, "Cannot encode SUBSCRIBE without a topic filter");
  }
  const writer = new Writer();
  writer.u16(packetId);
  if (version === 5) {
    const subscriptionIds = subscriptionId === 0 ? [] : [subscriptionId];
    encodeProperties(writer, "subscribe", { subscriptionIds, userProperties });
  }
  for (const request of requests) {
    writer.string(request.filter);
    writer.u8(version === 5 ? optionsOf(request) : request.qos);
  }
  return writer.finishPacket(0x82); // [MQTT-3.8.1-1] [MQTT5-3.8.1-1]
}

function decodeRequest(filter: string, options: number, version: Version): SubscriptionRequest {
  const qos = options & QOS;
  const retainHandling = (options & RETAIN_HANDLING) >> 4;
  if (options & (version === 5 ? RESERVED : RESERVED_3)) { // [MQTT-3.8.3-4] [MQTT5-3.8.3-5]
    refuse(ReasonCode.malformedPacket, options, "a reserved bit is 1");
  }
  // 3.8.3.1 of MQTT 5.0 has another word for it than 3.8.3-4 of MQTT 3.1.1.
  const reason = version === 5 ? ReasonCode.protocolError : ReasonCode.malformedPacket;
  if (qos === 3) refuse(reason, options, "QoS is 3"); // [MQTT-3.8.3-4]
  if (retainHandling === 3) refuse(reason, options, "Retain Handling is 3");
  return {
    filter,
    qos: qos as QoS,
    noLocal: (options & NO_LOCAL) !== 0,
    retainAsPublished: (options & RETAIN_AS_PUBLISHED) !== 0,
    retainHandling: retainHandling as RetainHandling,
  };
}

function optionsOf({ qos, noLocal, retainAsPublished, retainHandling = 0 }: SubscriptionDraft): number {
  return qos | (noLocal ? NO_LOCAL : 0) | (retainAsPublished ? RETAIN_AS_PUBLISHED : 0) |
    (retainHandling << 4);
}

function refuse(reasonCode: number, options: number, why: string): never {
  const bits = options.toString(2).padStart(8, "0");
  throw new PacketError(reasonCode, `Cannot accept options ${bits} in SUBSCRIBE: ${why}`);
}
