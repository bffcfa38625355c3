import { ProtocolError } from "../../core/errors.ts";
import { type PublishPacket, ReasonCode } from "../../packet/mod.ts";
import { checkTopic } from "../../topic/name.ts";
import type { ConnectionPort } from "../connection_port.ts";

/**
 * Takes a message from a client. One that may not be published is acknowledged all the same: MQTT 3.1.1 has no other
 * way to say so but closing. [MQTT-3.3.5-2]
 */
export function handlePublish(connection: ConnectionPort, packet: PublishPacket): void {
  const { broker, session } = connection;
  const { topic, qos, packetId } = packet;
  const problem = checkTopic(topic, broker.limits.topicLevelsMax); // [MQTT-3.3.2-2] [MQTT-4.7.3-1]
  if (problem) throw new ProtocolError(ReasonCode.topicNameInvalid, problem.message);
  if (qos === 2) {
    const flow = session.inbound.begin(packetId); // [MQTT-4.3.3-2]
    if (flow === "full") {
      const { inboundQos2Max } = broker.limits;
      const message = `Cannot accept PUBLISH: ${inboundQos2Max} QoS 2 messages wait for their PUBREL`;
      throw new ProtocolError(ReasonCode.receiveMaximumExceeded, message);
    }
    if (flow === "duplicate") return connection.acknowledge("pubrec", packetId);
  }
  broker.publish(session.identity, packet);
  if (qos === 1) connection.acknowledge("puback", packetId); // [MQTT-4.3.2-2] [MQTT-4.6.0-2]
  else if (qos === 2) connection.acknowledge("pubrec", packetId); // [MQTT-3.3.4-1] [MQTT-4.6.0-3]
}
