import type { Limits } from "../broker/mod.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string | null;
}

/** What came of a publish: an answer without what is said of the message in the way that the client prefers. */
export interface PublishAnswer extends Answer {
  /** Of the message. */
  readonly id: string;
}

export interface Attempt {
  /** Of what was asked; another one under the same key is a mistake. */
  readonly fingerprint: string;
  readonly expiresAt: number;
  /** Undefined while the first request is under way. */
  answer: PublishAnswer | undefined;
}

/** Remembers what came of each Idempotency-Key for some minutes; when full, the oldest is forgotten. */
export class IdempotencyTable {
  readonly #attempts = new Map<string, Attempt>();
  readonly #limits: Limits;
  readonly #now: () => number;
  readonly #onEvicted: () => void;

  /** @param onEvicted called when a key is forgotten before its time */
  constructor(limits: Limits, now: () => number, onEvicted: () => void = () => {}) {
    this.#limits = limits;
    this.#now = now;
    this.#onEvicted = onEvicted;
  }

  get size(): number {
    return this.#attempts.size;
  }

  find(key: string): Attempt | undefined {
    const attempt = this.#attempts.get(key);
    if (attempt && attempt.expiresAt > this.#now()) return attempt;
    this.#attempts.delete(key);
    return undefined;
  }

  begin(key: string, fingerprint: string): Attempt {
    for (const [oldest, { expiresAt }] of this.#attempts) {
      if (expiresAt > this.#now()) {
        if (this.#attempts.size < this.#limits.idempotencyKeysMax) break;
        this.#onEvicted();
      }
      this.#attempts.delete(oldest);
    }
    const expiresAt = this.#now() + this.#limits.idempotencySeconds * 1000;
    const attempt: Attempt = { fingerprint, expiresAt, answer: undefined };
    this.#attempts.set(key, attempt);
    return attempt;
  }

  /** Forgets an attempt that failed: the same key may try again. */
  abandon(key: string, attempt: Attempt): void {
    if (this.#attempts.get(key) === attempt) this.#attempts.delete(key);
  }
}
