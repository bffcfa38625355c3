import type { Clock } from "../core/clock.ts";
import {
  type ConnackPacket,
  type ConnectFields,
  type Packet,
  PacketError,
  ReasonCode,
} from "../packet/mod.ts";
import { type AuthenticationData, AuthenticationExchange } from "./authentication.ts";
import { ClosedError, RefusedError } from "./client_error.ts";
import { type ConnectOptions, connectPacket } from "./connect_options.ts";
import type { Sender } from "./sender.ts";

export interface HandshakeInit {
  readonly options: ConnectOptions;
  /** What the authentication begins with. */
  readonly authenticationData: AuthenticationData;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly onTimeout: (error: ClosedError) => void;
}

/** The beginning of a connection: CONNECT, AUTH if there is an authentication, CONNACK. */
export class Handshake {
  readonly request: ConnectFields;
  readonly authentication: AuthenticationExchange;
  /** Undefined before CONNACK. */
  #answer: ConnackPacket | undefined;
  readonly #init: HandshakeInit;
  #cancelTimer: () => void = () => {};

  constructor(init: HandshakeInit) {
    const { options, authenticationData, sender } = init;
    this.#init = init;
    this.request = connectPacket(options, authenticationData);
    this.authentication = new AuthenticationExchange(options.authentication, sender);
  }

  /** Sends CONNECT; throws when it cannot be said. */
  start(): void {
    const { options, sender, clock, onTimeout } = this.#init;
    const { connectTimeoutSeconds: seconds = 10 } = options;
    sender.send(this.request); // [MQTT5-3.1.0-1]
    this.#cancelTimer = clock.after(seconds * 1000, () => {
      onTimeout(new ClosedError(`The broker did not answer CONNECT within ${seconds} s`));
    });
  }

  get answer(): ConnackPacket | undefined {
    return this.#answer;
  }

  get clientId(): string {
    return this.#answer?.assignedClientId ?? this.request.clientId;
  }

  get sessionExpirySeconds(): number {
    const asked = this.request.sessionExpirySeconds ?? (this.request.cleanStart ? 0 : Infinity);
    return this.#answer?.sessionExpirySeconds ?? asked;
  }

  get keepAliveSeconds(): number {
    return this.#answer?.serverKeepAliveSeconds ?? this.request.keepAliveSeconds; // [MQTT5-3.1.2-21] [MQTT5-3.2.2-21]
  }

  /** Takes a packet before there is an `answer`. Throws `RefusedError` when the broker says no. */
  async received(packet: Packet): Promise<void> {
    if (packet.type === "auth") return await this.authentication.received(packet);
    if (packet.type !== "connack") { // [MQTT-3.2.0-1] [MQTT5-3.2.0-1]
      refuse(`Cannot accept ${packet.type.toUpperCase()} before CONNACK`);
    }
    const { reasonCode, sessionPresent } = packet;
    if (reasonCode !== ReasonCode.success) throw new RefusedError("Connection", reasonCode, packet);
    const { version, cleanStart } = this.request;
    if (version === 5 && sessionPresent && cleanStart) { // [MQTT5-3.2.2-4]
      refuse("Cannot accept CONNACK with a session: a new one was asked for");
    }
    await this.authentication.accepted(packet);
    this.#answer = packet;
    this.#cancelTimer();
  }

  /** The connection ends. */
  end(error: ClosedError): void {
    this.#cancelTimer();
    this.authentication.end(error);
  }
}

function refuse(message: string): never {
  throw new PacketError(ReasonCode.protocolError, message);
}
