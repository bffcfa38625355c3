import {
  type ConnackFields,
  type DisconnectPacket,
  encode,
  type PubackPacket,
  type PubrecPacket,
  type SubackPacket,
  type UnsubackPacket,
  type Version,
} from "../packet/mod.ts";
import type { PeerLimits } from "./connection_port.ts";

/** A packet that may say in words why something is as it is. */
export type Answer =
  | ConnackFields
  | PubackPacket
  | PubrecPacket
  | SubackPacket
  | UnsubackPacket
  | DisconnectPacket;

/**
 * Longest reason string in characters. It quotes what the client sent, and with it an answer must not be larger than what
 * it answers.
 */
const REASON_LENGTH_MAX = 256;

/**
 * The answer with its reason, if the client is one of MQTT 5.0, wants to hear it [MQTT5-3.1.2-29], and takes a packet of
 * that size [MQTT5-3.2.2-19] [MQTT5-3.4.2-2] [MQTT5-3.5.2-2] [MQTT5-3.9.2-1] [MQTT5-3.11.2-1] [MQTT5-3.14.2-3]; otherwise
 * without.
 */
export function encodeAnswer(
  answer: Answer,
  reason: string | undefined,
  { version, peerLimits }: { readonly version: Version; readonly peerLimits: PeerLimits },
): Uint8Array {
  if (version === 5 && reason !== undefined && peerLimits.requestProblemInformation) {
    const full = encode({ ...answer, reasonString: shortened(reason) }, 5);
    if (full.length <= peerLimits.packetBytesMax) return full;
  }
  return encode(answer, version);
}

/** Not in the middle of a character. */
function shortened(reason: string): string {
  if (reason.length <= REASON_LENGTH_MAX) return reason;
  return `${reason.slice(0, REASON_LENGTH_MAX).replace(/[\ud800-\udbff]$/, "")}…`;
}
