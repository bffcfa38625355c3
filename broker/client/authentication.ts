import { type AuthPacket, PacketError, ReasonCode } from "../packet/mod.ts";
import { ClosedError, describeError } from "./client_error.ts";
import type { Sender } from "./sender.ts";

/** What an authentication method sends; undefined for nothing. */
export type AuthenticationData = Uint8Array | undefined;

/** A method by which client and broker prove to each other who they are, in as many steps as it likes (MQTT 5.0). */
export interface Authentication {
  /** Its name, which the broker must know too: `SCRAM-SHA-256`. */
  readonly method: string;
  /** The first data, for the connection and for each re-authentication. */
  start(): AuthenticationData | Promise<AuthenticationData>;
  /** The answer to what the broker wants to know. What it throws ends the connection, as with `finish`. */
  respond(data: AuthenticationData): AuthenticationData | Promise<AuthenticationData>;
  /** The broker is satisfied; these are its last data. Who is not satisfied with the broker throws. */
  finish?(data: AuthenticationData): void | Promise<void>;
}

/** What AUTH and CONNACK say of it. */
type Proof = Pick<AuthPacket, "authenticationMethod" | "authenticationData">;

/**
 * The exchange of AUTH packets, one at a time: for the connection from CONNECT to CONNACK, later for each
 * re-authentication. Nothing else is read from the broker while a step of ours is under way.
 *
 *     CONNECT ──┐            ┌──AUTH 0x18──> respond() ──AUTH 0x18──> running
 *     AUTH 0x19 ┴─> running ─┤
 *                            └──CONNACK, AUTH 0x00──> finish() ──> idle
 */
export class AuthenticationExchange {
  readonly #authentication: Authentication | undefined;
  readonly #sender: Sender;
  /** Settles when the exchange ends; undefined while there is none. */
  #running: PromiseWithResolvers<void> | undefined;
  /** The broker is to speak: something was sent that it has to answer. */
  #isAwaited = false;

  /** CONNECT is sent, with the first data. */
  constructor(authentication: Authentication | undefined, sender: Sender) {
    this.#authentication = authentication;
    this.#sender = sender;
    if (!authentication) return;
    this.#begin();
    this.#isAwaited = true;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Starts another exchange. Resolves when both ends are satisfied. */
  async restart(): Promise<void> {
    const authentication = this.#authentication;
    if (!authentication) { // [MQTT5-4.12.0-7]
      throw new TypeError("Cannot authenticate again: the connection was made without authentication");
    }
    if (this.#running) throw new TypeError("Cannot authenticate again: an authentication is under way");
    const running = this.#begin();
    try {
      const data = await authentication.start();
      if (this.#running === running) this.#say(ReasonCode.reauthenticate, data); // [MQTT5-4.12.1-1]
    } catch (error) {
      this.end(error);
    }
    await running.promise;
  }

  /** Takes AUTH from the broker. What it throws ends the connection. */
  async received(packet: AuthPacket): Promise<void> {
    const { reasonCode, authenticationData } = packet;
    if (!this.#isAwaited) {
      throw new PacketError(ReasonCode.protocolError, "Cannot accept AUTH: no authentication is under way");
    }
    if (reasonCode === ReasonCode.success) return await this.accepted(packet);
    if (reasonCode !== ReasonCode.continueAuthentication) {
      throw new PacketError(ReasonCode.protocolError, "Cannot accept AUTH 0x19 from a broker");
    }
    const authentication = this.#check(packet);
    this.#isAwaited = false;
    const running = this.#running;
    const data = await step(() => authentication.respond(authenticationData));
    if (this.#running === running) this.#say(ReasonCode.continueAuthentication, data); // [MQTT5-4.12.0-3]
  }

  /** The broker is satisfied. Resolves when this end is too; what it throws ends the connection. */
  async accepted(proof: Proof): Promise<void> {
    if (!this.#isAwaited) return; // The connection has no authentication.
    const authentication = this.#check(proof);
    this.#isAwaited = false;
    await step(() => authentication.finish?.(proof.authenticationData));
    this.#running?.resolve();
    this.#running = undefined;
  }

  /** The connection ended, or the exchange did not begin. */
  end(error: unknown): void {
    this.#running?.reject(error);
    this.#running = undefined;
    this.#isAwaited = false;
  }

  #begin(): PromiseWithResolvers<void> {
    const running = Promise.withResolvers<void>();
    // Nobody awaits the exchange of a connection: `connect` learns of its end otherwise.
    running.promise.catch(() => {});
    this.#running = running;
    return running;
  }

  #say(reasonCode: number, data: AuthenticationData): void {
    const authenticationMethod = this.#authentication!.method;
    this.#isAwaited = true;
    this.#sender.send({
      type: "auth",
      reasonCode,
      authenticationMethod,
      ...(data && { authenticationData: data }),
    });
  }

  #check({ authenticationMethod }: Proof): Authentication {
    const authentication = this.#authentication!;
    if (authenticationMethod === authentication.method) return authentication;
    const said = authenticationMethod === undefined ? "none" : JSON.stringify(authenticationMethod);
    throw new PacketError( // [MQTT5-4.12.0-5]
      ReasonCode.protocolError,
      `Cannot accept authentication method ${said}: the connection uses ${
        JSON.stringify(authentication.method)
      }`,
    );
  }
}

async function step<Value>(action: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await action();
  } catch (error) {
    throw new ClosedError(`Authentication failed: ${describeError(error)}`, { cause: error });
  }
}
