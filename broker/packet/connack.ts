import { PacketError } from "./packet_error.ts";
import type { Reader } from "./reader.ts";
import { connectReturnCode, ReasonCode, reasonOfReturnCode } from "./reason_code.ts";
import type { ConnackPacket, Version } from "./types.ts";
import type { UnsupportedVersionError } from "./unsupported_version_error.ts";

export function decodeConnack(body: Reader, version: Version): ConnackPacket {
  const flags = body.u8();
  const returnCode = body.u8();
  body.end();
  const reasonCode = reasonOfReturnCode(returnCode);
  if (reasonCode === undefined) {
    throw new PacketError(
      ReasonCode.malformedPacket,
      `Cannot accept CONNACK return code ${returnCode}: 5 is the last`,
    );
  }
  // MQTT 3.1 has no session present flag: its byte is reserved and says nothing.
  if (version === 3) return { type: "connack", sessionPresent: false, reasonCode };
  if (flags > 1 || (flags === 1 && returnCode !== 0)) { // [MQTT-3.2.2-4]
    throw new PacketError(
      ReasonCode.malformedPacket,
      `Cannot accept CONNACK flags ${flags} with return code ${returnCode}`,
    );
  }
  return { type: "connack", sessionPresent: flags === 1, reasonCode };
}

/** Ask `connectReturnCode` first: without a return code there is no CONNACK. */
export function encodeConnack(packet: ConnackPacket, version: Version): Uint8Array {
  const { reasonCode } = packet;
  const returnCode = connectReturnCode(reasonCode);
  if (returnCode === undefined) { // [MQTT-3.2.2-6]
    throw new PacketError(
      ReasonCode.unspecifiedError,
      `Cannot encode CONNACK with reason code ${reasonCode}: no return code fits`,
    );
  }
  const sessionPresent = packet.sessionPresent && returnCode === 0 && version !== 3; // [MQTT-3.2.2-4]
  return Uint8Array.of(0x20, 2, sessionPresent ? 1 : 0, returnCode);
}

/**
 * The CONNACK that refuses a version in the words of that version. Undefined when the peer does not speak MQTT at all:
 * then the connection closes without a word.
 */
export function encodeVersionRefusal(error: UnsupportedVersionError): Uint8Array | undefined {
  const { protocolName, protocolLevel } = error;
  if (protocolName !== "MQTT" && protocolName !== "MQIsdp") return undefined; // [MQTT-3.1.2-1]
  if (protocolName === "MQTT" && protocolLevel === 5) {
    return Uint8Array.of(0x20, 3, 0, ReasonCode.unsupportedProtocolVersion, 0); // [MQTT5 3.1.2.2]
  }
  return Uint8Array.of(0x20, 2, 0, 1); // [MQTT-3.1.2-2]
}
