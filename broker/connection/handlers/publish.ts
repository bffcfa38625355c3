import { ProtocolError } from "../../core/errors.ts";
import type { Publication } from "../../core/outcome.ts";
import { isStoreRefusal, PUBLISH_REFUSALS } from "../../core/refusal.ts";
import { isReasonOf, type PublishPacket, ReasonCode } from "../../packet/mod.ts";
import { checkTopic } from "../../topic/name.ts";
import type { ConnectionPort } from "../connection_port.ts";

/**
 * Takes a message from a client. To one that may not be published MQTT 5.0 has an answer; 3.1.1 has none but closing,
 * so there it is acknowledged all the same. [MQTT-3.3.5-2]
 */
export function handlePublish(connection: ConnectionPort, packet: PublishPacket): void {
  const { session } = connection;
  const { qos, packetId } = packet;
  const topic = resolveTopic(connection, packet);
  if (qos === 2) { // [MQTT5-4.3.2-5]
    const flow = session.beginInbound(packetId); // [MQTT-4.3.3-2]
    if (flow === "full") throw tooManyOpen(connection);
    if (flow === "duplicate") return connection.acknowledgeAgain("pubrec", packetId); // [MQTT5-4.3.3-10]
  }
  // The packet is the draft as it is, unless an alias stood for its topic.
  const draft = topic === packet.topic ? packet : { ...packet, payload: packet.payload, topic };
  const publication = connection.broker.publish(session.identity, draft, session.id);
  if (!publication.accepted) return refuse(connection, packet, publication);
  if (qos === 0) return;
  const reasonCode = publication.matched === 0 ? ReasonCode.noMatchingSubscribers : ReasonCode.success;
  connection.acknowledge(qos === 1 ? "puback" : "pubrec", packetId, reasonCode); // [MQTT-4.3.2-2] [MQTT-4.6.0-2] [MQTT-3.3.4-1] [MQTT-4.6.0-3] [MQTT5-3.3.4-1] [MQTT5-4.3.2-4] [MQTT5-4.3.3-8] [MQTT5-4.6.0-2] [MQTT5-4.6.0-3]
}

/**
 * Says in the acknowledgement that the message was not taken, and why. What no acknowledgement can say ends the
 * connection: in 5.0 the client was told in CONNACK what there is not, in 3.1.1 there is no other answer.
 */
function refuse(
  connection: ConnectionPort,
  { qos, packetId }: PublishPacket,
  { refusal, reasonCode }: Publication & { accepted: false },
): void {
  const { words } = PUBLISH_REFUSALS[refusal];
  const isForNow = isStoreRefusal(refusal) || refusal === "overloaded";
  const isOver = qos === 2 && (connection.version === 5 || isForNow);
  if (isOver) connection.session.releaseInbound(packetId); // [MQTT5-4.3.3-9]
  // An acknowledgement would say that it is kept, and the client has time to try again.
  if (isForNow && connection.version !== 5 && (qos > 0 || refusal !== "overloaded")) {
    return connection.close(refusal === "overloaded" ? refusal : "store-failed", words); // [MQTT-4.8.0-2]
  }
  if (!isReasonOf("puback", reasonCode) || (qos === 0 && refusal === "payload-not-text")) {
    throw new ProtocolError(reasonCode, words);
  }
  if (qos === 0) return;
  const type = qos === 1 ? "puback" : "pubrec";
  if (connection.version !== 5) return connection.acknowledge(type, packetId);
  connection.answer({ type, packetId, reasonCode }, words);
}

/** Alias first, then the rules for topics: what is checked is what is used. */
function resolveTopic(connection: ConnectionPort, packet: PublishPacket): string {
  const { limits, topicCheck } = connection.broker;
  const topic = connection.resolveTopic(packet.topic, packet.topicAlias);
  const problem = topicCheck.problemOf(topic); // [MQTT-3.3.2-2] [MQTT-4.7.3-1] [MQTT5-3.3.2-2] [MQTT5-4.7.3-1]
  if (problem) {
    const isMissing = problem.code === "empty"; // [MQTT5 3.3.2.1]
    throw new ProtocolError(
      isMissing ? ReasonCode.protocolError : ReasonCode.topicNameInvalid,
      problem.message,
    );
  }
  if (packet.subscriptionIds.length > 0) { // [MQTT5-3.3.4-6]
    throw new ProtocolError(ReasonCode.protocolError, "Cannot accept subscription identifiers from a client");
  }
  const responseTopic = packet.properties?.responseTopic;
  const responseProblem = responseTopic === undefined
    ? undefined
    : checkTopic(responseTopic, limits.topicLevelsMax);
  if (responseProblem) throw new ProtocolError(ReasonCode.protocolError, responseProblem.message); // [MQTT5-3.3.2-14]
  return topic;
}

function tooManyOpen({ broker }: ConnectionPort): ProtocolError {
  const { inboundQos2Max } = broker.limits;
  const message = `Cannot accept PUBLISH: ${inboundQos2Max} QoS 2 messages wait for their PUBREL`;
  return new ProtocolError(ReasonCode.receiveMaximumExceeded, message); // [MQTT5-3.3.4-7]
}
