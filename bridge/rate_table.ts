import { ANONYMOUS_NAME, type Broker, type Identity, peerAddress, PublishRate } from "../broker/mod.ts";

/** How much everybody has published over HTTP: one rate for each identity, or address where nobody showed a name. */
export class RateTable {
  readonly #broker: Broker;
  readonly #isLimited: boolean;
  /** Who was quiet for longest comes first. */
  readonly #rates = new Map<string, PublishRate>();

  constructor(broker: Broker) {
    this.#broker = broker;
    this.#isLimited = PublishRate.isLimited(broker.limits);
  }

  get size(): number {
    return this.#rates.size;
  }

  /** Whether anybody's rate has a bound. */
  get isLimited(): boolean {
    return this.#isLimited;
  }

  /** Takes a message of so many bytes; otherwise the answer is after how many seconds to try again. */
  take(identity: Identity, peer: string, bytes: number): number {
    if (!this.#isLimited) return 0;
    const { clock, counters, log } = this.#broker;
    const waitMs = this.#rateOf(identity, peer).take(bytes, clock.now());
    if (waitMs === 0) return 0;
    counters.publishesThrottled++;
    log.debug("http-throttled", { identity: identity.name, peer });
    return Math.ceil(waitMs / 1000);
  }

  #rateOf({ name }: Identity, peer: string): PublishRate {
    const { limits, clock } = this.#broker;
    // All who showed no name share one, and so must not share one bound.
    const key = name === ANONYMOUS_NAME ? `address ${peerAddress(peer)}` : `name ${name}`;
    const rate = this.#rates.get(key) ?? new PublishRate(limits, clock.now());
    this.#rates.delete(key);
    if (this.#rates.size >= limits.publishRatePeersMax) this.#rates.delete(this.#rates.keys().next().value!);
    this.#rates.set(key, rate);
    return rate;
  }
}
