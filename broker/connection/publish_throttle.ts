import type { Packet } from "../packet/mod.ts";
import { ANONYMOUS_NAME } from "../core/identity.ts";
import { addressOwner } from "../core/ip_address.ts";
import type { Mentions } from "../core/mentions.ts";
import { PublishRate } from "../core/publish_rate.ts";
import type { ConnectionPort } from "./connection_port.ts";

/** What keeps a connection to its rate of publishing; nothing, where there is none to keep. */
export function throttleOf(connection: ConnectionPort, mentions: Mentions): PublishThrottle | undefined {
  const isLimited = PublishRate.isLimited(connection.broker.limits);
  return isLimited ? new PublishThrottle(connection, mentions) : undefined;
}

/**
 * Keeps one connection to its rate of publishing. Nothing is lost and nobody is told: nothing more is read from it until
 * the PUBLISH may be taken, and so the peer cannot write more than TCP has room for. What it sent behind waits too,
 * PINGREQ included; its keep-alive stands still meanwhile.
 *
 * Only a packet that would owe more than `stallSeconds` ends the connection: so long we could not even see that it is
 * gone.
 */
export class PublishThrottle {
  readonly #connection: ConnectionPort;
  readonly #mentions: Mentions;
  readonly #rate: PublishRate;
  #isLogged = false;
  /** Ends the pause, if there is one. */
  #resume: (() => void) | undefined;

  constructor(connection: ConnectionPort, mentions: Mentions) {
    this.#connection = connection;
    this.#mentions = mentions;
    const { limits, clock } = connection.broker;
    this.#rate = new PublishRate(limits, clock.now());
  }

  get isPausing(): boolean {
    return this.#resume !== undefined;
  }

  /** Undefined if the packet may be handled; otherwise resolves when it may, to false if the connection ended before. */
  admit(packet: Packet, bytes: number): Promise<boolean> | undefined {
    if (packet.type !== "publish") return undefined;
    if (this.#isHopeless(bytes)) return Promise.resolve(false);
    const waitMs = this.#rate.take(bytes, this.#connection.broker.turn.now());
    return waitMs === 0 ? undefined : this.#pause(bytes, waitMs);
  }

  /** The connection is closed. */
  end(): void {
    this.#resume?.();
  }

  async #pause(bytes: number, firstWaitMs: number): Promise<boolean> {
    const { clock, counters } = this.#connection.broker;
    counters.publishesThrottled++;
    this.#log();
    for (let waitMs = firstWaitMs; waitMs > 0; waitMs = this.#rate.take(bytes, clock.now())) {
      await new Promise<void>((resolve) => {
        const cancel = clock.after(waitMs, () => this.#resume!());
        this.#resume = () => {
          this.#resume = undefined;
          cancel();
          resolve();
        };
      });
      if (this.#connection.isClosing) return false;
    }
    return true;
  }

  #isHopeless(bytes: number): boolean {
    const { publishBytesRateMax, stallSeconds } = this.#connection.broker.limits;
    if (publishBytesRateMax === 0 || bytes <= publishBytesRateMax * stallSeconds) return false;
    const detail = `Cannot take a message of ${bytes} bytes: at ${publishBytesRateMax} bytes a second ` +
      `it would take more than ${stallSeconds} seconds`;
    this.#connection.close("publish-rate-exceeded", detail);
    return true;
  }

  /** Of each connection once, and as a warning of whoever it is only now and then: they may come back in a loop. */
  #log(): void {
    if (this.#isLogged) return;
    this.#isLogged = true;
    const { broker: { log, limits, clock }, clientId, peer } = this.#connection;
    const { publishRateMax, publishBytesRateMax } = limits;
    const fields = { clientId, peer, publishRateMax, publishBytesRateMax };
    if (this.#mentions.isDue(this.#who(), clock.now())) log.warn("publish-throttled", fields);
    else log.debug("publish-throttled", fields);
  }

  /** All who showed no name share one; a client identifier is what the client likes it to be. */
  #who(): string {
    const { session: { identity: { name } }, link: { address } } = this.#connection;
    if (name !== ANONYMOUS_NAME) return `name ${name}`;
    return address === undefined ? "local" : `address ${addressOwner(address)}`;
  }
}
