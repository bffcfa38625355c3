import { type PubrecPacket, ReasonCode } from "../../packet/mod.ts";
import type { ConnectionPort } from "../connection_port.ts";
import { checkFlow } from "./_flow.ts";

/**
 * The client has a QoS 2 message: PUBREL, even for one we do not know, so that its side can end. One that it does not
 * take is over. [MQTT-4.6.0-4] [MQTT5-4.6.0-4]
 */
export function handlePubrec(connection: ConnectionPort, { packetId, reasonCode }: PubrecPacket): void {
  const { session } = connection;
  if (reasonCode >= ReasonCode.unspecifiedError) { // [MQTT5-4.3.3-4] [MQTT5-4.4.0-2] [MQTT5-4.8.2-6]
    return checkFlow(connection, "PUBREC", packetId, session.outbound.reject(packetId));
  }
  const outcome = session.outbound.release(packetId);
  checkFlow(connection, "PUBREC", packetId, outcome);
  if (outcome === "unknown") connection.sendPubrel(packetId, ReasonCode.packetIdentifierNotFound);
  else session.outbound.sendPubrel(packetId); // [MQTT-4.3.3-1]
}
