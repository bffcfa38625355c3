import type { Clock } from "../core/clock.ts";
import type { ConnectFields, QoS } from "../packet/mod.ts";
import type { Link } from "../transport/transport.ts";

export interface ConnectOptions {
  /** 127.0.0.1 unless given. */
  readonly host?: string;
  /** 1883 unless given. */
  readonly port?: number;
  /** Without one the broker makes one up. */
  readonly clientId?: string;
  /** False: the session goes on where it was, and stays when the connection ends. */
  readonly cleanStart?: boolean;
  /** 60 unless given; 0 for no keep-alive. */
  readonly keepAliveSeconds?: number;
  readonly username?: string | undefined;
  readonly password?: string | Uint8Array | undefined;
  /** What the broker publishes if the connection is lost. */
  readonly will?: WillOptions | undefined;
  /** 4 is MQTT 3.1.1, 3 is MQTT 3.1. */
  readonly version?: 3 | 4;
  /**
   * Messages of QoS 1, and of QoS 2, that may be on their way to the broker. 1000 and 20 unless given: mosquitto ends the
   * connection of a client that begins more of QoS 2.
   */
  readonly inFlightMax?: number | undefined;
  /** 10 unless given. */
  readonly connectTimeoutSeconds?: number;
  /** Used in the place of a new TCP connection; the client closes it. */
  readonly link?: Link;
  readonly clock?: Clock;
}

export interface WillOptions {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly qos?: QoS;
  readonly retain?: boolean;
}

const encoder = new TextEncoder();

export function connectPacket(options: ConnectOptions): ConnectFields {
  const { password, will, version = 4, clientId = "" } = options;
  return {
    type: "connect",
    version,
    cleanStart: options.cleanStart ?? true,
    keepAliveSeconds: options.keepAliveSeconds ?? 60,
    // A broker makes one up since MQTT 3.1.1 only.
    clientId: clientId === "" && version === 3 ? `pregon-${crypto.randomUUID().slice(0, 8)}` : clientId,
    username: options.username,
    password: password === undefined ? undefined : bytesOf(password),
    will: will &&
      { topic: will.topic, payload: bytesOf(will.payload), qos: will.qos ?? 0, retain: will.retain ?? false },
  };
}

export function bytesOf(payload: string | Uint8Array): Uint8Array {
  return typeof payload === "string" ? encoder.encode(payload) : payload;
}
