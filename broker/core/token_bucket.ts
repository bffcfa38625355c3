/**
 * What may be used of something in a second, and no more: as much as that at once, then as it comes back.
 *
 *     perSecond ──drip──> [ level: at most one second's worth ] ──take──>
 *
 * What is larger than the bucket is taken from a full one, and owed: who comes next waits for that too.
 */
export class TokenBucket {
  readonly #perSecond: number;
  /** In thousandths, so that what comes back in a millisecond is a whole number and nothing gets lost by rounding. */
  #level: number;
  #filledAt: number;

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#level = perSecond * 1000;
    this.#filledAt = now;
  }

  /** Milliseconds until so much may be taken; 0: now. */
  waitMs(amount: number, now: number): number {
    this.#fill(now);
    const missing = Math.min(amount, this.#perSecond) * 1000 - this.#level;
    return Math.max(0, Math.ceil(missing / this.#perSecond));
  }

  take(amount: number): void {
    this.#level -= amount * 1000;
  }

  /** A clock that was set back gives nothing and takes nothing. */
  #fill(now: number): void {
    const passedMs = Math.max(0, now - this.#filledAt);
    this.#level = Math.min(this.#perSecond * 1000, this.#level + passedMs * this.#perSecond);
    this.#filledAt = now;
  }
}
