import type { PubcompPacket } from "../../packet/mod.ts";
import type { Connection } from "../connection.ts";
import { checkFlow } from "./_flow.ts";

/** A QoS 2 message of ours is done with. */
export function handlePubcomp(connection: Connection, { packetId }: PubcompPacket): void {
  checkFlow(connection, "PUBCOMP", packetId, connection.session.complete(packetId));
}
