import { type CloseReason, QUIET_REASONS } from "../core/close_reason.ts";
import type { ConnectionPort } from "./connection_port.ts";

/** Says why a connection was closed, as loudly as the reason deserves. */
export function logClose(
  { broker: { log }, clientId, peer }: ConnectionPort,
  reason: CloseReason,
  detail: string | undefined,
): void {
  const fields = { clientId, peer, reason, detail };
  if (reason === "internal-error") log.error("connection-closed", fields);
  else if (QUIET_REASONS.has(reason)) log.debug("connection-closed", fields);
  else log.warn("connection-closed", fields);
}
