import type { CloseReason } from "../core/close_reason.ts";
import { ProtocolError } from "../core/errors.ts";
import { PacketError, ReasonCode, UnsupportedVersionError } from "../packet/mod.ts";
import { LinkError } from "../transport/transport.ts";

/** Why an error ends the connection that met it. */
export interface Failure {
  readonly reason: CloseReason;
  readonly detail: string;
  /** For the peer, if it says more than the reason's own. */
  readonly reasonCode?: number;
}

/** What is wrong with a packet that is not malformed: it is more than we take. */
const PACKET_REASONS: Readonly<Record<number, CloseReason>> = {
  [ReasonCode.packetTooLarge]: "packet-too-large",
  [ReasonCode.quotaExceeded]: "too-many-properties",
};

/** The one place where what a peer did wrong, what the world did and what we did wrong become the end of a connection. */
export function failureOf(error: unknown): Failure {
  if (error instanceof UnsupportedVersionError) return { reason: "refused", detail: error.message };
  if (error instanceof PacketError) { // [MQTT-1.5.3-1] [MQTT-2.2.2-2]
    const { reasonCode } = error;
    return { reason: PACKET_REASONS[reasonCode] ?? "malformed-packet", detail: error.message, reasonCode };
  }
  if (error instanceof ProtocolError) { // [MQTT-4.8.0-1]
    const isFull = error.reasonCode === ReasonCode.receiveMaximumExceeded;
    return {
      reason: isFull ? "inbound-qos2-full" : "protocol-error",
      detail: error.message,
      reasonCode: error.reasonCode,
    };
  }
  if (error instanceof LinkError) return { reason: error.fault, detail: error.message };
  if (isOfTheSystem(error)) return { reason: "link-failed", detail: String(error) };
  // Ours. Only this connection met the defect, so only it ends. [MQTT-4.8.0-2]
  return { reason: "internal-error", detail: stackOf(error) };
}

export function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

/** What the operating system says of a link comes as an error of Deno's. */
function isOfTheSystem(error: unknown): boolean {
  return error instanceof Error && Object.values(Deno.errors).some((kind) => error instanceof kind);
}
