import { addressOwner } from "../core/ip_address.ts";
import type { Limits } from "../core/limits.ts";

interface Failures {
  count: number;
  /** Since the first of them. */
  readonly since: number;
}

export type FailureLimits = Pick<Limits, "authFailuresMax" | "authFailureSeconds" | "authFailurePeersMax">;

/** Counts wrong credentials by where they come from, so that nobody guesses as fast as they can. */
export class FailureLimiter {
  readonly #limits: FailureLimits;
  readonly #now: () => number;
  readonly #onForgotten: () => void;
  /** The oldest first. */
  readonly #failures = new Map<string, Failures>();

  /** @param onForgotten called when an address makes room for another */
  constructor(limits: FailureLimits, now: () => number, onForgotten: () => void = () => {}) {
    this.#limits = limits;
    this.#now = now;
    this.#onForgotten = onForgotten;
  }

  /** Seconds until somebody from there may try again; 0: now. */
  blockedSeconds(peer: string): number {
    const failures = this.#current(addressOf(peer));
    if (!failures || failures.count < this.#limits.authFailuresMax) return 0;
    return Math.ceil((failures.since - this.#now()) / 1000 + this.#limits.authFailureSeconds);
  }

  failed(peer: string): void {
    const address = addressOf(peer);
    const failures = this.#current(address);
    if (failures) {
      failures.count++;
      return;
    }
    if (this.#failures.size >= this.#limits.authFailurePeersMax) {
      const oldest = this.#failures.keys().next().value!;
      if (this.#current(oldest)) this.#onForgotten();
      this.#failures.delete(oldest);
    }
    this.#failures.set(address, { count: 1, since: this.#now() });
  }

  #current(address: string): Failures | undefined {
    const failures = this.#failures.get(address);
    if (!failures || this.#now() - failures.since < this.#limits.authFailureSeconds * 1000) return failures;
    this.#failures.delete(address);
    return undefined;
  }
}

/** Who is behind `1.2.3.4:567`, `[2001:db8::1]:567` or `2001:db8::1`, whatever the port. */
export function addressOf(peer: string): string {
  return addressOwner(peer.replace(/^(\[.*\]|[^:]*):\d+$/, "$1").replace(/^\[(.*)\]$/, "$1"));
}
