import type { Credentials, EnhancedAuthenticator, Exchange, ExchangeStep } from "../auth/authenticator.ts";
import { ProtocolError } from "../core/errors.ts";
import type { AuthRefusal, Identity } from "../core/identity.ts";
import { encode, ReasonCode } from "../packet/mod.ts";
import type { ConnectionPort } from "./connection_port.ts";

/** What follows when an exchange is over, CONNACK or the end of a re-authentication. */
export interface Verdict {
  granted(identity: Identity, data: Uint8Array | undefined): void;
  refused(reason: AuthRefusal, said: { readonly data?: Uint8Array; readonly detail?: string }): void;
}

interface Running {
  readonly verdict: Verdict;
  readonly credentials: Credentials;
  /** Undefined until its first data are looked at. */
  exchange: Exchange | undefined;
  rounds: number;
  /** The client has said something that is not yet answered. */
  isAnswering: boolean;
}

/**
 * The enhanced authentication of a connection whose CONNECT named a method, and keeps to it for good.
 *
 *     CONNECT ──> running ──granted──> idle ──AUTH 0x19──> running ──granted──> idle ...
 *                    '──refused──> the connection ends <──refused──'
 *
 * While it runs, client and server take turns: what the client says out of turn is a protocol error, so that there is
 * never more than one answer under way and nothing to queue.
 */
export class Authentication {
  readonly #connection: ConnectionPort;
  readonly #authenticator: EnhancedAuthenticator;
  #running: Running | undefined;

  constructor(connection: ConnectionPort, authenticator: EnhancedAuthenticator) {
    this.#connection = connection;
    this.#authenticator = authenticator;
  }

  get method(): string {
    return this.#authenticator.method;
  }

  /** Begins an exchange, unless one runs: MQTT has no second one beside it, and mosquitto takes none either. */
  begin(data: Uint8Array | undefined, verdict: Verdict, credentials: Credentials): Promise<void> {
    if (this.#running) throw outOfTurn("re-authentication while an authentication runs"); // [MQTT5-4.12.0-3]
    this.#running = { verdict, credentials, exchange: undefined, rounds: 0, isAnswering: false };
    return this.#take(this.#running, data);
  }

  /** Goes on with the exchange that waits for the client. */
  proceed(data: Uint8Array | undefined): Promise<void> {
    if (!this.#running) throw outOfTurn("authentication data while no authentication runs");
    if (this.#running.isAnswering) throw outOfTurn("authentication data before the last were answered");
    return this.#take(this.#running, data);
  }

  async #take(running: Running, data: Uint8Array | undefined): Promise<void> {
    running.isAnswering = true;
    const step = await this.#step(running, data);
    running.isAnswering = false;
    if (this.#connection.isClosing) return;
    this.#connection.beginHandling();
    if (step.step === "continue") return this.#challenge(running, step.data);
    this.#running = undefined;
    if (step.step === "granted") {
      const { broker, clientId } = this.#connection;
      running.verdict.granted(broker.admit(step.identity, clientId), step.data);
    } else this.#refuse(running.verdict, step);
  }

  /** A method that fails finds out nothing, so it lets nobody in. */
  async #step(running: Running, data: Uint8Array | undefined): Promise<ExchangeStep> {
    try {
      running.exchange ??= this.#authenticator.begin(running.credentials);
      return await running.exchange.next(data);
    } catch (error) {
      const { clientId, peer, broker } = this.#connection;
      broker.log.error("authenticator-failed", { clientId, peer, error: String(error) });
      return { step: "refused", reason: "unavailable" };
    }
  }

  #challenge(running: Running, authenticationData: Uint8Array): void {
    const { limits: { authenticationRoundsMax }, counters } = this.#connection.broker;
    if (++running.rounds > authenticationRoundsMax) {
      counters.met("authenticationRoundsMax");
      this.#running = undefined;
      const detail = `The authentication takes more than ${authenticationRoundsMax} rounds`;
      return this.#refuse(running.verdict, { reason: "not-authorized", detail }); // [MQTT5-4.12.0-4]
    }
    this.#send(ReasonCode.continueAuthentication, authenticationData); // [MQTT5-4.12.0-2]
  }

  /** Says that a re-authentication succeeded; the first one is answered by CONNACK. */
  succeed(authenticationData: Uint8Array | undefined): void {
    this.#send(ReasonCode.success, authenticationData);
  }

  /** No reason string and no user properties, which an AUTH could do without. [MQTT5-3.15.2-2] [MQTT5-3.15.2-3] */
  #send(reasonCode: number, authenticationData: Uint8Array | undefined): void {
    const authenticationMethod = this.method; // [MQTT5-4.12.0-5]
    const said = { authenticationMethod, ...(authenticationData && { authenticationData }) };
    const bytes = encode({ type: "auth", reasonCode, ...said }, 5);
    const { packetBytesMax } = this.#connection.peerLimits;
    if (bytes.length > packetBytesMax) { // Before CONNACK that can still be said.
      throw new ProtocolError(
        ReasonCode.packetTooLarge,
        `Cannot send AUTH of ${bytes.length} bytes: the client takes ${packetBytesMax}`,
      );
    }
    this.#connection.send(bytes);
  }

  #refuse(verdict: Verdict, step: Omit<ExchangeStep & { step: "refused" }, "step">): void {
    const { reason, data, detail } = step;
    const { broker, peer } = this.#connection;
    broker.door.refused(peer, reason);
    verdict.refused(reason, { ...(data && { data }), ...(detail !== undefined && { detail }) });
  }
}

function outOfTurn(what: string): ProtocolError {
  return new ProtocolError(ReasonCode.protocolError, `Cannot accept ${what}`);
}
