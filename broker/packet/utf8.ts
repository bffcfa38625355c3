import { PacketError } from "./packet_error.ts";
import { ReasonCode } from "./reason_code.ts";

/** The length of a string stands in two bytes. */
export const STRING_BYTES_MAX = 0xffff;

// Both are without state between calls: nothing is decoded with `stream`.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }); // [MQTT-1.5.3-3] [MQTT5-1.5.4-3]
const encoder = new TextEncoder();

/** Decodes an MQTT string (without its length). */
export function decodeUtf8(bytes: Uint8Array): string {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    // Ill-formed UTF-8, which includes surrogates. [MQTT-1.5.3-1] [MQTT5-1.5.4-1]
    throw new PacketError(
      ReasonCode.malformedPacket,
      `Cannot decode string of ${bytes.length} bytes: not UTF-8`,
    );
  }
  const nulAt = text.indexOf("\0");
  if (nulAt >= 0) { // [MQTT-1.5.3-2] [MQTT5-1.5.4-2]
    throw new PacketError(
      ReasonCode.malformedPacket,
      `Cannot accept string of ${text.length} characters: U+0000 at character ${nulAt}`,
    );
  }
  return text;
}

/** Whether a payload is text, as the Payload Format Indicator means it; U+0000 is allowed there. */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Encodes an MQTT string (without its length). */
export function encodeUtf8(text: string): Uint8Array {
  if (!text.isWellFormed()) { // [MQTT-1.5.3-1] [MQTT5-1.5.4-1]
    throw new PacketError(
      ReasonCode.malformedPacket,
      `Cannot encode string of ${text.length} characters: it has a lone surrogate`,
    );
  }
  const nulAt = text.indexOf("\0");
  if (nulAt >= 0) { // [MQTT-1.5.3-2] [MQTT5-1.5.4-2]
    throw new PacketError(
      ReasonCode.malformedPacket,
      `Cannot encode string of ${text.length} characters: U+0000 at character ${nulAt}`,
    );
  }
  const bytes = encoder.encode(text);
  if (bytes.length > STRING_BYTES_MAX) { // [MQTT-4.7.3-3] [MQTT5-4.7.3-3]
    throw new PacketError(
      ReasonCode.malformedPacket,
      `Cannot encode string of ${bytes.length} bytes: at most ${STRING_BYTES_MAX} fit`,
    );
  }
  return bytes;
}
