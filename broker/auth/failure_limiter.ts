import type { Limits } from "../core/limits.ts";

interface Failures {
  count: number;
  /** Since the first of them. */
  readonly since: number;
}

export type FailureLimits = Pick<Limits, "authFailuresMax" | "authFailureSeconds" | "authFailurePeersMax">;

const IPV6_GROUPS = 8;
/** Of an IPv6 address, what one customer has to themselves: they could show another address each time. */
const CUSTOMER_GROUPS = 4;

/** Counts wrong credentials by where they come from, so that nobody guesses as fast as they can. */
export class FailureLimiter {
  readonly #limits: FailureLimits;
  readonly #now: () => number;
  /** The oldest first. */
  readonly #failures = new Map<string, Failures>();

  constructor(limits: FailureLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
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
      this.#failures.delete(this.#failures.keys().next().value!);
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

/** Of `1.2.3.4:567` and `[2001:db8::1]:567` what stays the same when the port changes. */
export function addressOf(peer: string): string {
  const host = peer.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  if (!host.includes(":") || host.includes(".")) return host;
  const [head = "", tail = ""] = host.split("::");
  const [first, last] = [groupsOf(head), groupsOf(tail)];
  const zeros = host.includes("::")
    ? Array(Math.max(0, IPV6_GROUPS - first.length - last.length)).fill("0")
    : [];
  return `${[...first, ...zeros, ...last].slice(0, CUSTOMER_GROUPS).join(":")}::/64`;
}

function groupsOf(text: string): string[] {
  return text === "" ? [] : text.split(":");
}
