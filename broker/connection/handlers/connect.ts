import type { Grant } from "../../auth/authenticator.ts";
import {
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
import type { Connection } from "../connection.ts";

const REASON_OF_GRANT: Readonly<Record<(Grant & { granted: false })["reason"], number>> = {
  "bad-credentials": ReasonCode.badUserNameOrPassword,
  "not-authorized": ReasonCode.notAuthorized,
  "unavailable": ReasonCode.serverUnavailable,
};

/** Says who the client is, then gives it its session: CONNACK, and what it left unfinished. */
export async function handleConnect(connection: Connection, packet: ConnectPacket): Promise<void> {
  const { broker, link } = connection;
  connection.version = packet.version;
  connection.clientId = packet.clientId;
  const refusal = refusalOfClientId(packet, broker.limits.clientIdBytesMax);
  if (refusal !== undefined) return refuse(connection, refusal);
  if (packet.will) checkWill(packet.will, broker.limits.topicLevelsMax);
  const { username, password } = packet;
  const grant = await broker.authenticate({ username, password, clientId: packet.clientId, peer: link.peer });
  if (connection.isClosing) return;
  if (!grant.granted) return refuse(connection, REASON_OF_GRANT[grant.reason]);
  accept(connection, packet, grant.identity);
}

function accept(connection: Connection, packet: ConnectPacket, identity: Identity): void {
  const { broker } = connection;
  const { will, cleanStart } = packet;
  if (will && broker.publishRefusal(identity, will.topic)) {
    return refuse(connection, ReasonCode.notAuthorized);
  }
  const clientId = packet.clientId || `auto-${crypto.randomUUID()}`; // [MQTT-3.1.3-6]
  const opened = broker.sessions.open({ clientId, identity, cleanStart, outlet: connection }); // [MQTT-3.1.4-3]
  if (opened === "full") return refuse(connection, ReasonCode.serverUnavailable);
  const { session, isPresent } = opened;
  connection.clientId = clientId;
  connection.keepAliveSeconds = packet.keepAliveSeconds;
  connection.will = will && new Will(will, identity);
  connection.open(session);
  const connack = { type: "connack", sessionPresent: isPresent, reasonCode: ReasonCode.success } as const;
  connection.promise(encode(connack, packet.version)); // [MQTT-3.1.4-4] [MQTT-3.2.0-1] [MQTT-3.2.2-2]
  broker.log.debug("connected", { clientId, peer: connection.link.peer, isPresent, identity: identity.name });
  session.resume();
}

/** An empty client identifier has nothing to come back to. */
function refusalOfClientId({ clientId, cleanStart }: ConnectPacket, bytesMax: number): number | undefined {
  const isNameless = clientId === "" && !cleanStart; // [MQTT-3.1.3-8]
  return isNameless || clientId.length > bytesMax ? ReasonCode.clientIdentifierNotValid : undefined; // [MQTT-3.1.3-9]
}

function checkWill(will: WillFields, levelsMax: number): void {
  const problem = checkTopic(will.topic, levelsMax); // [MQTT-4.7.1-1]
  if (problem) throw new ProtocolError(ReasonCode.topicNameInvalid, problem.message);
}

/** Answers with the reason where the client's version has a word for it, and closes. [MQTT-3.2.2-4] [MQTT-3.2.2-5] */
function refuse(connection: Connection, reasonCode: number): void {
  if (connectReturnCode(reasonCode) !== undefined) { // [MQTT-3.2.2-6]
    connection.send(encode({ type: "connack", sessionPresent: false, reasonCode }, connection.version));
  }
  connection.close("refused", `0x${reasonCode.toString(16)}`);
}
