import type { PubrecPacket } from "../../packet/mod.ts";
import type { ConnectionPort } from "../connection_port.ts";
import { checkFlow } from "./_flow.ts";

/** The client has a QoS 2 message: PUBREL, even for one we do not know, so that its side can end. [MQTT-4.6.0-4] */
export function handlePubrec(connection: ConnectionPort, { packetId }: PubrecPacket): void {
  checkFlow(connection, "PUBREC", packetId, connection.session.release(packetId));
  connection.sendPubrel(packetId); // [MQTT-4.3.3-1]
}
