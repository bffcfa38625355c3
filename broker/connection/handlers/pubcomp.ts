import type { PubcompPacket } from "../../packet/mod.ts";
import type { ConnectionPort } from "../connection_port.ts";
import { checkFlow } from "./_flow.ts";

/** A QoS 2 message of ours is done with. */
export function handlePubcomp(connection: ConnectionPort, { packetId }: PubcompPacket): void {
  checkFlow(connection, "PUBCOMP", packetId, connection.session.outbound.complete(packetId));
}
