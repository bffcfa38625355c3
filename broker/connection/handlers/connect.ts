import type { Credentials } from "../../auth/authenticator.ts";
import {
  type ConnackFields,
  type ConnectPacket,
  connectReturnCode,
  describeReason,
  encode,
  ReasonCode,
  type Version,
  type WillFields,
} from "../../packet/mod.ts";
import type { CloseReason } from "../../core/close_reason.ts";
import { ProtocolError } from "../../core/errors.ts";
import type { Features } from "../../core/features.ts";
import type { AuthRefusal, Identity } from "../../core/identity.ts";
import { PUBLISH_REFUSALS } from "../../core/refusal.ts";
import type { SessionRequest } from "../../session/session_table.ts";
import { Will } from "../../session/will.ts";
import { checkTopic, type TopicProblem } from "../../topic/name.ts";
import { Authentication, type Verdict } from "../authentication.ts";
import { type ConnectionPort, NO_PEER_LIMITS, type PeerLimits } from "../connection_port.ts";
import { responseInformationFor } from "../response_information.ts";

const REASON_OF_GRANT: Readonly<Record<AuthRefusal, number>> = {
  "bad-credentials": ReasonCode.badUserNameOrPassword,
  "not-authorized": ReasonCode.notAuthorized,
  "unavailable": ReasonCode.serverUnavailable,
  // Not 0x89, for which MQTT 3.1.1 has no word.
  "busy": ReasonCode.serverUnavailable,
  "too-many-failures": ReasonCode.connectionRateExceeded,
};

const encoder = new TextEncoder();

/** Says who the client is, then gives it its session: CONNACK, and what it left unfinished. */
export async function handleConnect(connection: ConnectionPort, packet: ConnectPacket): Promise<void> {
  const { broker, peer } = connection;
  connection.version = packet.version;
  connection.peerLimits = peerLimitsOf(packet);
  connection.clientId = packet.clientId;
  const problem = problemOfClientId(packet, broker.limits.clientIdBytesMax); // [MQTT-3.1.3-9]
  if (problem) {
    if (packet.clientId !== "") broker.counters.met("clientIdBytesMax");
    return refuse(connection, ReasonCode.clientIdentifierNotValid, problem); // [MQTT5-3.1.3-8]
  }
  const willProblem = packet.will && problemOfWill(packet.will, broker.limits.topicLevelsMax);
  if (willProblem) {
    if (willProblem.code === "too-many-levels") broker.counters.met("topicLevelsMax");
    answerNo(connection, ReasonCode.topicNameInvalid, willProblem.message);
    throw new ProtocolError(ReasonCode.topicNameInvalid, willProblem.message);
  }
  const { username, password } = packet;
  const { offer, link: { certificate } } = connection;
  const credentials = { username, password, clientId: packet.clientId, peer, certificate, offer };
  if (packet.authenticationMethod !== undefined) return await exchange(connection, packet, credentials);
  const grant = await broker.authenticate(credentials);
  if (connection.isClosing) return;
  connection.beginHandling();
  if (!grant.granted) return refuseUnknown(connection, reasonOf(grant.reason, packet.version)); // [MQTT5-3.1.4-2]
  accept(connection, packet, { identity: grant.identity }); // [MQTT5-4.12.0-6]
}

/** MQTT 3.1.1 has no word for a rate. */
function reasonOf(refusal: AuthRefusal, version: Version): number {
  const reasonCode = REASON_OF_GRANT[refusal];
  return version < 5 && connectReturnCode(reasonCode) === undefined
    ? ReasonCode.serverUnavailable
    : reasonCode;
}

/** What there is to say of an enhanced authentication in CONNACK. */
type Said = Pick<ConnackFields, "authenticationMethod" | "authenticationData">;

/** Finds out who the client is by the method that it names; the CONNACK may be some packets away. */
async function exchange(
  connection: ConnectionPort,
  packet: ConnectPacket,
  credentials: Credentials,
): Promise<void> {
  const { authenticationMethod = "", authenticationData } = packet;
  const { door } = connection.broker;
  const blocked = door.blocked(connection.peer);
  if (blocked) return refuse(connection, reasonOf(blocked.reason, packet.version));
  const authenticator = door.enhancedAuthenticator(authenticationMethod, connection.offer);
  if (!authenticator) return refuseUnknown(connection, ReasonCode.badAuthenticationMethod); // [MQTT5-4.12.0-1]
  const said = (data?: Uint8Array) => ({ authenticationMethod, ...(data && { authenticationData: data }) });
  connection.authentication = new Authentication(connection, authenticator);
  const verdict: Verdict = {
    granted: (identity, data) => accept(connection, packet, { identity, ...said(data) }), // [MQTT5-4.12.0-5]
    refused: (reason, { data, detail }) =>
      refuse(connection, reasonOf(reason, packet.version), undefined, { detail, ...(data && said(data)) }), // [MQTT5-4.12.0-4]
  };
  await connection.authentication.begin(authenticationData, verdict, credentials);
}

function accept(
  connection: ConnectionPort,
  packet: ConnectPacket,
  { identity: admitted, ...said }: Said & { readonly identity: Identity },
): void {
  const { broker } = connection;
  const { will, cleanStart, sessionExpirySeconds: expirySeconds } = packet;
  const clientId = packet.clientId || `auto-${crypto.randomUUID()}`; // [MQTT-3.1.3-6] [MQTT5-3.1.3-6]
  const identity = broker.admit(admitted, clientId);
  const refusal = will && broker.publishRefusal(identity, will); // [MQTT5-3.2.2-12] [MQTT5-3.2.2-13]
  if (refusal) {
    const { reasonCode, words } = PUBLISH_REFUSALS[refusal];
    return refuse(connection, reasonCode, `Will refused: ${words}`);
  }
  const request = { clientId, identity, cleanStart, expirySeconds };
  if (needsFailingStore(connection, request)) {
    return refuse(connection, ReasonCode.serverUnavailable, "The store can take nothing new at the moment");
  }
  // Only now: before it is known who asks, the answer would tell anybody which sessions there are. One that begins anew
  // would get no subscriptions, and 3.1.1 has no word to tell it why.
  if (broker.memory.isOverloaded && (cleanStart || !broker.sessions.get(clientId))) {
    broker.counters.connectsOverloaded++;
    const reasonCode = packet.version === 5 ? ReasonCode.serverBusy : ReasonCode.serverUnavailable;
    return refuse(connection, reasonCode, "There is too little memory for one more session");
  }
  const connack = { ...connackFor(connection, packet, clientId), ...said };
  if (!fits(connection, connack)) {
    return refuse(connection, ReasonCode.packetTooLarge, "Cannot say in a packet that small what there is");
  }
  const opened = broker.sessions.open({ ...request, outlet: connection }); // [MQTT-3.1.4-3] [MQTT5-3.1.4-4]
  if (opened === "full") {
    return refuse(connection, ReasonCode.serverUnavailable, "There are too many sessions");
  }
  if (opened === "foreign") {
    return refuse(
      connection,
      ReasonCode.clientIdentifierNotValid,
      "The client identifier belongs to another user",
    ); // [MQTT5-3.1.3-8]
  }
  if (opened === "crowded") {
    const reasonCode = packet.version === 5 ? ReasonCode.quotaExceeded : ReasonCode.serverUnavailable;
    return refuse(connection, reasonCode, "The user has too many connections", {
      closeReason: "too-many-of-identity",
    });
  }
  const { session, isPresent } = opened;
  connection.clientId = clientId;
  connection.keepAliveSeconds = keepAliveOf(packet, broker.features); // [MQTT5-3.2.2-22]
  connection.open(session);
  const bytes = encode({ ...connack, sessionPresent: isPresent }, packet.version); // [MQTT-3.1.4-4] [MQTT-3.2.0-1] [MQTT-3.2.2-2] [MQTT5-3.1.4-5] [MQTT5-3.2.0-1]
  // While the store fails, a session that it already has can be gone on with: nothing new is promised.
  if (isPresent && broker.storeRefusal) connection.send(bytes);
  else connection.promise(bytes);
  connection.will = will && new Will(will, identity, clientId); // [MQTT-3.1.2-12] [MQTT5-3.1.2-7]
  broker.log.debug("connected", { clientId, peer: connection.peer, isPresent, identity: identity.name });
  session.outbound.resume();
}

/** Whether the store would have to know of this session first, at a moment when it can take nothing. */
function needsFailingStore({ broker }: ConnectionPort, request: Omit<SessionRequest, "outlet">): boolean {
  if (!broker.storeRefusal) return false;
  const isToBeKept = request.expirySeconds > 0;
  if (broker.sessions.isPresent(request)) return !isToBeKept;
  return isToBeKept || broker.sessions.get(request.clientId)?.isKept === true;
}

/** Not the packet itself, which would live as long as the connection; and before 5.0 all clients are alike. */
function peerLimitsOf(packet: ConnectPacket): PeerLimits {
  const { receiveMaximum, packetBytesMax, topicAliasMax, requestProblemInformation } = packet;
  if (packet.version < 5) return NO_PEER_LIMITS;
  return { receiveMaximum, packetBytesMax, topicAliasMax, requestProblemInformation };
}

/**
 * What MQTT 5.0 is told of our limits, of what we do not offer, and of what became of its wishes; earlier versions hear
 * only of the session.
 */
function connackFor(connection: ConnectionPort, packet: ConnectPacket, clientId: string): ConnackFields {
  const { limits, features, sessions } = connection.broker;
  const expirySeconds = sessions.expiryOf({ expirySeconds: packet.sessionExpirySeconds });
  const keepAliveSeconds = keepAliveOf(packet, features);
  const connack: ConnackFields = {
    type: "connack",
    sessionPresent: false,
    reasonCode: ReasonCode.success,
    receiveMaximum: Math.min(limits.inboundQos2Max, 0xffff),
    packetBytesMax: limits.packetBytesMax,
    topicAliasMax: limits.topicAliasesMax,
    qosMax: features.maximumQos, // [MQTT5-3.2.2-9]
    retainAvailable: features.retainAvailable,
    wildcardSubscriptionsAvailable: features.wildcardSubscriptionsAvailable,
    subscriptionIdsAvailable: features.subscriptionIdentifiersAvailable,
    sharedSubscriptionsAvailable: features.sharedSubscriptionsAvailable,
    ...(packet.clientId === "" && { assignedClientId: clientId }), // [MQTT5-3.2.2-16] [MQTT5-3.1.3-7]
    ...(expirySeconds !== packet.sessionExpirySeconds && { sessionExpirySeconds: expirySeconds }),
    ...(keepAliveSeconds !== packet.keepAliveSeconds && { serverKeepAliveSeconds: keepAliveSeconds }), // [MQTT5-3.2.2-21]
  };
  if (!packet.requestResponseInformation) return connack; // [MQTT5-3.1.2-28]
  const responseInformation = responseInformationFor(
    features.responseInformation,
    clientId,
    limits.topicLevelsMax,
  );
  const more = { ...connack, responseInformation };
  return fits(connection, more) ? more : connack;
}

function fits({ version, peerLimits }: ConnectionPort, connack: ConnackFields): boolean {
  const { packetBytesMax } = peerLimits;
  return packetBytesMax === Infinity || encode(connack, version).length <= packetBytesMax; // [MQTT5-3.1.2-24]
}

/** As the client likes, up to the longest that we wait for. Before 5.0 it is not told, but may be cut off all the same. */
function keepAliveOf({ keepAliveSeconds }: ConnectPacket, { keepAliveSecondsMax }: Features): number {
  if (keepAliveSecondsMax === 0) return keepAliveSeconds;
  return keepAliveSeconds === 0 ? keepAliveSecondsMax : Math.min(keepAliveSeconds, keepAliveSecondsMax);
}

/** Without a client identifier there is nothing to come back to, and MQTT 3.1 does not know such a thing at all. */
function problemOfClientId(
  { clientId, cleanStart, version }: ConnectPacket,
  bytesMax: number,
): string | undefined {
  const isNameless = clientId === "" && version < 5 && (!cleanStart || version === 3); // [MQTT-3.1.3-7] [MQTT-3.1.3-8]
  if (isNameless) return "Cannot accept an empty client identifier";
  const bytes = encoder.encode(clientId).length;
  if (bytes <= bytesMax) return undefined; // [MQTT-3.1.3-5] [MQTT5-3.1.3-5]
  return `Cannot accept a client identifier of ${bytes} bytes: at most ${bytesMax} are allowed`;
}

function problemOfWill({ topic, properties }: WillFields, levelsMax: number): TopicProblem | undefined {
  const problem = checkTopic(topic, levelsMax); // [MQTT-4.7.1-1] [MQTT5-4.7.0-1]
  const responseTopic = properties?.responseTopic;
  if (problem || responseTopic === undefined) return problem;
  return checkTopic(responseTopic, levelsMax); // It is published like any other. [MQTT5-3.3.2-14]
}

/** What log and counters say of a refusal, beside what the client hears. */
interface RefusalForUs {
  readonly detail?: string | undefined;
  readonly closeReason?: CloseReason;
}

/** Answers with the reason, and closes. [MQTT-3.2.2-4] [MQTT-3.2.2-5] [MQTT5-3.2.2-7] */
function refuse(
  connection: ConnectionPort,
  reasonCode: number,
  reason: string = describeReason(reasonCode, "connack"),
  { detail = reason, closeReason = "refused", ...said }: Said & RefusalForUs = {},
): void {
  answerNo(connection, reasonCode, reason, said);
  connection.close(closeReason, `0x${reasonCode.toString(16)}: ${detail}`);
}

/** As `refuse`; the log also says what would have been looked at, so that nobody searches for a wrong password. */
function refuseUnknown(connection: ConnectionPort, reasonCode: number): void {
  const reason = describeReason(reasonCode, "connack");
  const { offer } = connection;
  refuse(connection, reasonCode, reason, { detail: offer && `${reason}, offered: ${[...offer].join()}` });
}

/** Where the client's version has a word for it. [MQTT-3.2.2-6] */
function answerNo(connection: ConnectionPort, reasonCode: number, reason: string, said: Said = {}): void {
  if (connection.version !== 5 && connectReturnCode(reasonCode) === undefined) return;
  connection.answer({ type: "connack", sessionPresent: false, reasonCode, ...said }, reason);
}
