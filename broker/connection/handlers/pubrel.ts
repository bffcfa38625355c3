import { type PubrelPacket, ReasonCode } from "../../packet/mod.ts";
import type { ConnectionPort } from "../connection_port.ts";

/** The client lets a QoS 2 identifier go; one that is not open was let go before a cut. [MQTT-4.3.3-2] [MQTT5-4.3.3-12] */
export function handlePubrel(connection: ConnectionPort, { packetId }: PubrelPacket): void {
  const isKnown = connection.session.inbound.release(packetId);
  if (!isKnown) connection.broker.counters.acksUnexpected++;
  connection.acknowledge("pubcomp", packetId, isKnown ? 0 : ReasonCode.packetIdentifierNotFound); // [MQTT5-4.3.3-11]
}
