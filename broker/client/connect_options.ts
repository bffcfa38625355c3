import type { Clock } from "../core/clock.ts";
import type { ConnectFields, MessageProperties, QoS, UserProperties } from "../packet/mod.ts";
import { hasWildcards } from "../topic/name.ts";
import type { Link } from "../transport/transport.ts";
import type { Authentication, AuthenticationData } from "./authentication.ts";
import type { AddressOptions } from "./broker_address.ts";

export interface ConnectOptions extends AddressOptions, ConnectOptions5 {
  /** Without one the broker makes one up. */
  readonly clientId?: string;
  /** False: the session goes on where it was, and stays when the connection ends. */
  readonly cleanStart?: boolean;
  /** 60 unless given; 0 for no keep-alive. A broker of MQTT 5.0 may say another. */
  readonly keepAliveSeconds?: number;
  readonly username?: string | undefined;
  readonly password?: string | Uint8Array | undefined;
  /** What the broker publishes if the connection is lost. */
  readonly will?: WillOptions | undefined;
  /** 5 is MQTT 5.0, 4 is MQTT 3.1.1, 3 is MQTT 3.1; 4 unless given. */
  readonly version?: 3 | 4 | 5;
  /**
   * Messages of QoS 1, and of QoS 2, that may be on their way to the broker. 1000 and 20 unless given: mosquitto ends the
   * connection of a client that begins more of QoS 2. In MQTT 5.0 messages of both together, 1000 unless given, and never
   * more than the broker takes.
   */
  readonly inFlightMax?: number | undefined;
  /** 10 unless given. */
  readonly connectTimeoutSeconds?: number;
  /** Used in the place of a new connection; the client closes it. */
  readonly link?: Link;
  readonly clock?: Clock;
}

/** What only MQTT 5.0 can say. */
interface ConnectOptions5 {
  /**
   * How long the session outlives the connection; Infinity for ever. Unless given, as long as in MQTT 3.1.1: not at all
   * with `cleanStart`, for ever without.
   */
  readonly sessionExpirySeconds?: number | undefined;
  /**
   * Messages of QoS 1 and 2 that the broker may send before they are taken and acknowledged; 65,535 unless given. A broker
   * that sends more breaks the protocol and is left, as mosquitto 2.0.11 may have to be.
   */
  readonly receiveMaximum?: number | undefined;
  /** The largest packet that the broker may send. */
  readonly packetBytesMax?: number | undefined;
  /** Topics that the broker may call something shorter; 0 unless given. */
  readonly topicAliasMax?: number | undefined;
  /** False: the broker leaves reason strings and user properties out where it can. */
  readonly requestProblemInformation?: boolean | undefined;
  /** True: the broker may say where answers to requests should go, as `responseInformation`. */
  readonly requestResponseInformation?: boolean | undefined;
  readonly userProperties?: UserProperties | undefined;
  /** Proves who is who in as many steps as it takes. */
  readonly authentication?: Authentication | undefined;
}

export interface WillOptions {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly qos?: QoS;
  readonly retain?: boolean;
  /** How long the broker waits with it, in MQTT 5.0; not at all unless given. */
  readonly delaySeconds?: number | undefined;
  /** Only in MQTT 5.0. */
  readonly properties?: MessageProperties | undefined;
}

const encoder = new TextEncoder();

export function connectPacket(
  options: ConnectOptions,
  authenticationData?: AuthenticationData,
): ConnectFields {
  const { password, will, version = 4, clientId = "", cleanStart = true } = options;
  return {
    type: "connect",
    version,
    cleanStart,
    keepAliveSeconds: options.keepAliveSeconds ?? 60,
    // A broker makes one up since MQTT 3.1.1 only.
    clientId: clientId === "" && version === 3 ? `pregon-${crypto.randomUUID().slice(0, 8)}` : clientId,
    username: options.username,
    password: password === undefined ? undefined : bytesOf(password),
    will: will && willOf(will, version),
    ...properties5(options, cleanStart, authenticationData),
  };
}

export function bytesOf(payload: string | Uint8Array): Uint8Array {
  return typeof payload === "string" ? encoder.encode(payload) : payload;
}

/** Refuses what MQTT 3.x has no place for, rather than let it go unsaid. */
export function refuseBefore5(version: 3 | 4 | 5, words: Readonly<Record<string, unknown>>): void {
  if (version === 5) return;
  const name = Object.keys(words).find((name) => words[name] !== undefined);
  if (name !== undefined) throw new TypeError(`Cannot use ${name}: only MQTT 5.0 has it (version: 5)`);
}

/** Refuses what cannot be published to, and answers to what could not be. */
export function checkTopics(topic: string, properties: MessageProperties | undefined): void {
  if (topic === "" || hasWildcards(topic)) {
    throw new TypeError(
      `Cannot publish to topic ${JSON.stringify(topic)}: it must not be empty nor have wildcards`,
    );
  }
  const { responseTopic } = properties ?? {};
  if (responseTopic !== undefined && hasWildcards(responseTopic)) { // [MQTT5-3.3.2-14]
    throw new TypeError(
      `Cannot use response topic ${JSON.stringify(responseTopic)}: it must not have wildcards`,
    );
  }
}

function properties5(
  options: ConnectOptions,
  cleanStart: boolean,
  authenticationData: AuthenticationData,
): Partial<ConnectFields> {
  const {
    version = 4,
    sessionExpirySeconds,
    receiveMaximum,
    packetBytesMax,
    topicAliasMax,
    requestProblemInformation,
    requestResponseInformation,
    userProperties,
    authentication,
  } = options;
  const said = {
    sessionExpirySeconds,
    receiveMaximum,
    packetBytesMax,
    topicAliasMax,
    requestProblemInformation,
    requestResponseInformation,
    userProperties,
  };
  refuseBefore5(version, { ...said, authentication });
  if (version !== 5) return {};
  return {
    ...said,
    sessionExpirySeconds: sessionExpirySeconds ?? (cleanStart ? 0 : Infinity),
    authenticationMethod: authentication?.method,
    authenticationData,
  };
}

function willOf(will: WillOptions, version: 3 | 4 | 5): ConnectFields["will"] {
  const { topic, payload, qos = 0, retain = false, delaySeconds, properties } = will;
  checkTopics(topic, properties);
  refuseBefore5(version, { "will.delaySeconds": delaySeconds, "will.properties": properties });
  return { topic, payload: bytesOf(payload), qos, retain, delaySeconds: delaySeconds ?? 0, properties };
}
