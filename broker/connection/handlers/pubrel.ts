import type { PubrelPacket } from "../../packet/mod.ts";
import type { ConnectionPort } from "../connection_port.ts";

/** The client lets a QoS 2 identifier go; one that is not open was let go before a cut. [MQTT-4.3.3-2] */
export function handlePubrel(connection: ConnectionPort, { packetId }: PubrelPacket): void {
  if (!connection.session.inbound.release(packetId)) connection.broker.counters.acksUnexpected++;
  connection.acknowledge("pubcomp", packetId);
}
