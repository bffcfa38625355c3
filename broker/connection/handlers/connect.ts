import type { Grant } from "../../auth/authenticator.ts";
import {
  type ConnackFields,
  type ConnectPacket,
  connectReturnCode,
  encode,
  ReasonCode,
  type WillFields,
} from "../../packet/mod.ts";
import { ProtocolError } from "../../core/errors.ts";
import type { Identity } from "../../core/identity.ts";
import { Will } from "../../session/will.ts";
import { checkTopic } from "../../topic/name.ts";
import { type ConnectionPort, NO_PEER_LIMITS, type PeerLimits } from "../connection_port.ts";

const REASON_OF_GRANT: Readonly<Record<(Grant & { granted: false })["reason"], number>> = {
  "bad-credentials": ReasonCode.badUserNameOrPassword,
  "not-authorized": ReasonCode.notAuthorized,
  "unavailable": ReasonCode.serverUnavailable,
};

const encoder = new TextEncoder();

/** Says who the client is, then gives it its session: CONNACK, and what it left unfinished. */
export async function handleConnect(connection: ConnectionPort, packet: ConnectPacket): Promise<void> {
  const { broker, peer } = connection;
  connection.version = packet.version;
  connection.clientId = packet.clientId;
  const refusal = refusalOfClientId(packet, broker.limits.clientIdBytesMax);
  if (refusal !== undefined) return refuse(connection, refusal);
  if (packet.authenticationMethod !== undefined) {
    return refuse(connection, ReasonCode.badAuthenticationMethod); // [MQTT5-4.12.0-1]
  }
  if (packet.will) checkWill(packet.will, broker.limits.topicLevelsMax);
  const { username, password } = packet;
  const grant = await broker.authenticate({ username, password, clientId: packet.clientId, peer });
  if (connection.isClosing) return;
  if (!grant.granted) return refuse(connection, REASON_OF_GRANT[grant.reason]); // [MQTT5-3.1.4-2]
  accept(connection, packet, grant.identity);
}

function accept(connection: ConnectionPort, packet: ConnectPacket, identity: Identity): void {
  const { broker } = connection;
  const { will, cleanStart, sessionExpirySeconds: expirySeconds } = packet;
  if (will && broker.publishRefusal(identity, will.topic)) {
    return refuse(connection, ReasonCode.notAuthorized);
  }
  const clientId = packet.clientId || `auto-${crypto.randomUUID()}`; // [MQTT-3.1.3-6] [MQTT5-3.1.3-6]
  const opened = broker.sessions.open({ clientId, identity, cleanStart, expirySeconds, outlet: connection }); // [MQTT-3.1.4-3] [MQTT5-3.1.4-4]
  if (opened === "full") return refuse(connection, ReasonCode.serverUnavailable);
  const { session, isPresent } = opened;
  connection.clientId = clientId;
  connection.keepAliveSeconds = packet.keepAliveSeconds; // [MQTT5-3.2.2-22]
  connection.open(session, peerLimitsOf(packet));
  connection.promise(encode(connackFor(connection, packet, isPresent), packet.version)); // [MQTT-3.1.4-4] [MQTT-3.2.0-1] [MQTT-3.2.2-2] [MQTT5-3.1.4-5] [MQTT5-3.2.0-1]
  if (connection.isClosing) return;
  connection.will = will && new Will(will, identity, clientId); // [MQTT-3.1.2-12] [MQTT5-3.1.2-7]
  broker.log.debug("connected", { clientId, peer: connection.peer, isPresent, identity: identity.name });
  session.resume();
}

/** Not the packet itself, which would live as long as the connection; and before 5.0 all clients are alike. */
function peerLimitsOf(packet: ConnectPacket): PeerLimits {
  const { receiveMaximum, packetBytesMax, topicAliasMax, requestProblemInformation } = packet;
  if (packet.version < 5) return NO_PEER_LIMITS;
  return { receiveMaximum, packetBytesMax, topicAliasMax, requestProblemInformation };
}

/** What MQTT 5.0 is told of our limits, and of what became of its wishes; earlier versions hear only of the session. */
function connackFor(
  { broker, session }: ConnectionPort,
  packet: ConnectPacket,
  sessionPresent: boolean,
): ConnackFields {
  const { limits, sessions } = broker;
  const expirySeconds = sessions.expiryOf(session);
  return {
    type: "connack",
    sessionPresent,
    reasonCode: ReasonCode.success,
    receiveMaximum: Math.min(limits.inboundQos2Max, 0xffff),
    packetBytesMax: limits.packetBytesMax,
    topicAliasMax: limits.topicAliasesMax,
    ...(packet.clientId === "" && { assignedClientId: session.id }), // [MQTT5-3.2.2-16] [MQTT5-3.1.3-7]
    ...(expirySeconds !== packet.sessionExpirySeconds && { sessionExpirySeconds: expirySeconds }),
  };
}

/** Without a client identifier there is nothing to come back to, and MQTT 3.1 does not know such a thing at all. */
function refusalOfClientId(
  { clientId, cleanStart, version }: ConnectPacket,
  bytesMax: number,
): number | undefined {
  const isNameless = clientId === "" && version < 5 && (!cleanStart || version === 3); // [MQTT-3.1.3-7] [MQTT-3.1.3-8]
  const isTooLong = encoder.encode(clientId).length > bytesMax; // [MQTT-3.1.3-5] [MQTT5-3.1.3-5]
  return isNameless || isTooLong ? ReasonCode.clientIdentifierNotValid : undefined; // [MQTT-3.1.3-9] [MQTT5-3.1.3-8]
}

function checkWill(will: WillFields, levelsMax: number): void {
  const problem = checkTopic(will.topic, levelsMax); // [MQTT-4.7.1-1] [MQTT5-4.7.0-1]
  if (problem) throw new ProtocolError(ReasonCode.topicNameInvalid, problem.message);
}

/** Answers with the reason where the client's version has a word for it, and closes. [MQTT-3.2.2-4] [MQTT-3.2.2-5] [MQTT5-3.2.2-7] */
function refuse(connection: ConnectionPort, reasonCode: number): void {
  if (connection.version === 5 || connectReturnCode(reasonCode) !== undefined) { // [MQTT-3.2.2-6]
    connection.send(encode({ type: "connack", sessionPresent: false, reasonCode }, connection.version));
  }
  connection.close("refused", `0x${reasonCode.toString(16)}`);
}
