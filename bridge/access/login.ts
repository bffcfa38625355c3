import type { Action, Identity } from "../../broker/mod.ts";

type IdentityEnd = ReturnType<NonNullable<Identity["ended"]>>;

/** Somebody who has a cookie. What it opens ends with it: streams, and the stream tokens that were asked for with it. */
export class Login implements Identity {
  readonly name: string;
  readonly method: string | undefined;
  /** What is kept of the secret in the cookie. */
  readonly hash: string;
  readonly #identity: Identity;
  readonly #endsAt: number;
  readonly #idleMs: number;
  #usedAt: number;
  #isOver = false;

  constructor(
    identity: Identity,
    { hash, now, seconds, idleSeconds }: {
      readonly hash: string;
      readonly now: number;
      readonly seconds: number;
      readonly idleSeconds: number;
    },
  ) {
    this.name = identity.name;
    this.method = identity.method;
    this.hash = hash;
    this.#identity = identity;
    this.#usedAt = now;
    this.#endsAt = now + seconds * 1000;
    this.#idleMs = idleSeconds * 1000;
  }

  /** When it was last used, if only by an open stream. */
  get usedAt(): number {
    return this.#usedAt;
  }

  can(action: Action, topicOrFilter: string, retain?: boolean): boolean {
    return !this.#isOver && this.#identity.can(action, topicOrFilter, retain);
  }

  /** An open stream asks this every second, so a login whose stream is open is not idle. */
  ended(now: number): IdentityEnd {
    const end = this.endAt(now);
    if (!end) this.#usedAt = now;
    return end;
  }

  /** The same, from somebody who does not use it. */
  endAt(now: number): IdentityEnd {
    if (this.#isOver) return "revoked";
    const isLate = now >= this.#endsAt || now >= this.#usedAt + this.#idleMs;
    return isLate ? "token-expired" : this.#identity.ended?.(now);
  }

  /** From now on it may do nothing. */
  end(): void {
    this.#isOver = true;
  }
}
