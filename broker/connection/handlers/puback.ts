import type { PubackPacket } from "../../packet/mod.ts";
import type { ConnectionPort } from "../connection_port.ts";
import { checkFlow } from "./_flow.ts";

/** The client has a QoS 1 message: its flow is over and its packet identifier free. */
export function handlePuback(connection: ConnectionPort, { packetId }: PubackPacket): void {
  checkFlow(connection, "PUBACK", packetId, connection.session.outbound.acknowledge(packetId)); // [MQTT5-4.4.0-2] [MQTT5-4.8.2-6]
}
