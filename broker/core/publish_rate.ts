import type { Limits } from "./limits.ts";
import { TokenBucket } from "./token_bucket.ts";

export type PublishRateLimits = Pick<Limits, "publishRateMax" | "publishBytesRateMax">;

/** How much somebody may publish in a second, in messages and in bytes. */
export class PublishRate {
  readonly #messages: TokenBucket | undefined;
  readonly #bytes: TokenBucket | undefined;

  constructor({ publishRateMax, publishBytesRateMax }: PublishRateLimits, now: number) {
    if (publishRateMax > 0) this.#messages = new TokenBucket(publishRateMax, now);
    if (publishBytesRateMax > 0) this.#bytes = new TokenBucket(publishBytesRateMax, now);
  }

  static isLimited({ publishRateMax, publishBytesRateMax }: PublishRateLimits): boolean {
    return publishRateMax > 0 || publishBytesRateMax > 0;
  }

  /** Takes a message of so many bytes; if it must not come yet, nothing happens, and the answer is for how long. */
  take(bytes: number, now: number): number {
    const waitMs = Math.max(this.#messages?.waitMs(1, now) ?? 0, this.#bytes?.waitMs(bytes, now) ?? 0);
    if (waitMs > 0) return waitMs;
    this.#messages?.take(1);
    this.#bytes?.take(bytes);
    return 0;
  }
}
