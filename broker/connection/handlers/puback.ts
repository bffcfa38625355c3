import type { PubackPacket } from "../../packet/mod.ts";
import type { Connection } from "../connection.ts";
import { checkFlow } from "./_flow.ts";

/** The client has a QoS 1 message: its flow is over and its packet identifier free. */
export function handlePuback(connection: Connection, { packetId }: PubackPacket): void {
  checkFlow(connection, "PUBACK", packetId, connection.session.acknowledge(packetId));
}
