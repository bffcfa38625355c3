import { checkAuthentication } from "./auth.ts";
import { PacketError } from "./packet_error.ts";
import { decodeProperties, encodeProperties } from "./property_block.ts";
import type { PropertiesOf } from "./properties.ts";
import type { Reader } from "./reader.ts";
import { checkReasonCode, connectReturnCode, ReasonCode, reasonOfReturnCode } from "./reason_code.ts";
import type { ConnackFields, ConnackPacket, Version } from "./types.ts";
import type { UnsupportedVersionError } from "./unsupported_version_error.ts";
import { Writer } from "./writer.ts";

/** What MQTT 5.0 takes for said when it was not. */
const DEFAULTS = {
  receiveMaximum: 65_535,
  qosMax: 2,
  retainAvailable: true,
  packetBytesMax: Infinity,
  topicAliasMax: 0,
  wildcardSubscriptionsAvailable: true,
  subscriptionIdsAvailable: true,
  sharedSubscriptionsAvailable: true,
} as const;

export function decodeConnack(body: Reader, version: Version): ConnackPacket {
  const flags = body.u8();
  const code = body.u8();
  // A server that knows 3.1.1 only refuses 5.0 in its own words, without properties.
  const isOlder = version !== 5 || (code === 1 && body.remaining === 0);
  const reasonCode = isOlder ? decodeReturnCode(code) : code;
  const said: PropertiesOf<"connack"> = isOlder ? {} : decodeProperties(body, "connack");
  body.end();
  checkReasonCode("connack", reasonCode); // [MQTT5-3.2.2-8]
  checkAuthentication(said);
  // MQTT 3.1 has no session present flag: its byte is reserved and says nothing.
  const sessionPresent = flags === 1 && version !== 3;
  if (version !== 3 && (flags > 1 || (sessionPresent && reasonCode !== ReasonCode.success))) { // [MQTT-3.2.2-4] [MQTT5-3.2.2-1] [MQTT5-3.2.2-6]
    malformed(`Cannot accept CONNACK flags ${flags} with code ${code}`);
  }
  return { type: "connack", sessionPresent, reasonCode, ...DEFAULTS, ...said };
}

/** In MQTT 3.x, ask `connectReturnCode` first: without a return code there is no CONNACK. */
export function encodeConnack(packet: ConnackFields, version: Version): Uint8Array {
  const { reasonCode } = packet;
  const sessionPresent = packet.sessionPresent && reasonCode === ReasonCode.success && version !== 3; // [MQTT-3.2.2-4] [MQTT5-3.2.2-6]
  if (version !== 5) return Uint8Array.of(0x20, 2, sessionPresent ? 1 : 0, encodeReturnCode(reasonCode));
  checkReasonCode("connack", reasonCode); // [MQTT5-3.2.2-8]
  checkAuthentication(packet);
  const writer = new Writer();
  writer.u8(sessionPresent ? 1 : 0); // [MQTT5-3.2.2-1]
  writer.u8(reasonCode);
  encodeProperties(writer, "connack", packet, DEFAULTS);
  return writer.finishPacket(0x20);
}

/**
 * The CONNACK that refuses a version in the words of that version. Undefined when the peer does not speak MQTT at all:
 * then the connection closes without a word.
 */
export function encodeVersionRefusal(error: UnsupportedVersionError): Uint8Array | undefined {
  const { protocolName, protocolLevel } = error;
  if (protocolName !== "MQTT" && protocolName !== "MQIsdp") return undefined; // [MQTT-3.1.2-1]
  if (protocolName === "MQTT" && protocolLevel === 5) {
    return Uint8Array.of(0x20, 3, 0, ReasonCode.unsupportedProtocolVersion, 0); // [MQTT5-3.1.2-2]
  }
  return Uint8Array.of(0x20, 2, 0, 1); // [MQTT-3.1.2-2]
}

function decodeReturnCode(returnCode: number): number {
  const reasonCode = reasonOfReturnCode(returnCode);
  return reasonCode ?? malformed(`Cannot accept CONNACK return code ${returnCode}: 5 is the last`);
}

function encodeReturnCode(reasonCode: number): number {
  const returnCode = connectReturnCode(reasonCode);
  if (returnCode !== undefined) return returnCode; // [MQTT-3.2.2-6]
  throw new PacketError(
    ReasonCode.unspecifiedError,
    `Cannot encode CONNACK with reason code ${reasonCode}: no return code fits`,
  );
}

function malformed(message: string): never {
  throw new PacketError(ReasonCode.malformedPacket, message);
}
