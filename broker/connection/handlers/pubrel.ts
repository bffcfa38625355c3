import { type PubrelPacket, ReasonCode } from "../../packet/mod.ts";
import type { ConnectionPort } from "../connection_port.ts";

/** The client lets a QoS 2 identifier go; one that is not open was let go before a cut. [MQTT-4.3.3-2] [MQTT5-4.3.3-12] */
export function handlePubrel(connection: ConnectionPort, { packetId }: PubrelPacket): void {
  const isKnown = connection.session.releaseInbound(packetId);
  if (!isKnown) connection.broker.counters.acksUnexpected++;
  if (isKnown) connection.acknowledge("pubcomp", packetId); // [MQTT5-4.3.3-11]
  else connection.acknowledgeAgain("pubcomp", packetId, ReasonCode.packetIdentifierNotFound);
}
