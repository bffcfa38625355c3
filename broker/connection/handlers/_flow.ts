import { ProtocolError } from "../../core/errors.ts";
import { ReasonCode } from "../../packet/mod.ts";
import type { FlowOutcome } from "../../session/inflight.ts";
import type { ConnectionPort } from "../connection_port.ts";

/**
 * An acknowledgement of nothing is left over from a cut and only counted; one that its flow does not wait for breaks
 * the protocol.
 */
export function checkFlow(
  connection: ConnectionPort,
  name: string,
  packetId: number,
  outcome: FlowOutcome,
): void {
  if (outcome === "unknown") connection.broker.counters.acksUnexpected++;
  if (outcome !== "unexpected") return;
  const message =
    `Cannot accept ${name} for packet identifier ${packetId}: its message waits for another packet`;
  throw new ProtocolError(ReasonCode.protocolError, message);
}
