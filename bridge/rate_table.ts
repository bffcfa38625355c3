import {
  ANONYMOUS_NAME,
  type Broker,
  type Identity,
  Mentions,
  peerAddress,
  PublishRate,
} from "../broker/mod.ts";

/** How much everybody has published over HTTP: one rate for each identity, or address where nobody showed a name. */
export class RateTable {
  readonly #broker: Broker;
  readonly #isLimited: boolean;
  readonly #mentions: Mentions;
  /** Who was quiet for longest comes first. */
  readonly #rates = new Map<string, PublishRate>();

  constructor(broker: Broker) {
    this.#broker = broker;
    this.#mentions = new Mentions(broker.limits.publishRatePeersMax);
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
    const { clock, counters, limits, log } = this.#broker;
    const { name } = identity;
    // All who showed no name share one, and so must not share one bound.
    const who = name === ANONYMOUS_NAME ? `address ${peerAddress(peer)}` : `name ${name}`;
    const waitMs = this.#rateOf(who).take(bytes, clock.now());
    if (waitMs === 0) return 0;
    counters.publishesThrottled++;
    if (this.#mentions.isDue(who, clock.now())) {
      const { publishRateMax, publishBytesRateMax } = limits;
      log.warn("http-throttled", { identity: name, peer, publishRateMax, publishBytesRateMax });
    }
    return Math.ceil(waitMs / 1000);
  }

  #rateOf(key: string): PublishRate {
    const { limits, clock, counters } = this.#broker;
    const rate = this.#rates.get(key) ?? new PublishRate(limits, clock.now());
    this.#rates.delete(key);
    if (this.#rates.size >= limits.publishRatePeersMax) {
      counters.met("publishRatePeersMax");
      this.#rates.delete(this.#rates.keys().next().value!);
    }
    this.#rates.set(key, rate);
    return rate;
  }
}
