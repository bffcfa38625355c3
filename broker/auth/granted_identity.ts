import type { Action, Identity, IdentityEnd, Rights } from "../core/identity.ts";
import { allows } from "./rights.ts";

/** What a method found out of somebody. */
export interface Granted {
  readonly name: string;
  /** The method's name. */
  readonly method: string;
  readonly groups?: readonly string[];
  /** Undefined: the method says nothing of rights. */
  readonly rights?: Rights | undefined;
  /** Milliseconds since 1970; Infinity if it does not end. */
  readonly expiresAt?: number;
  /** What it rests on; when that is gone, so is the identity. */
  readonly ground?: { readonly isGone: boolean };
}

/**
 * So long after the end of a token its rights still count for what the end itself brings: the will of the connection
 * that is closed then. A will that waits for longer is not published.
 */
const GRACE_MS = 5_000;
/** Topics whose answer is remembered: who publishes does so to a few. */
const ANSWERS_MAX = 64;

/** Somebody whom a method of ours let in, as far and as long as it says. */
export class GrantedIdentity implements Identity {
  readonly name: string;
  readonly method: string;
  readonly groups: readonly string[];
  /** For rules to narrow further. */
  readonly rights: Rights | undefined;
  readonly expiresAt: number;
  readonly #ground: Granted["ground"];
  readonly #now: () => number;
  readonly #publishAnswers = new Map<string, boolean>();
  #isRevoked = false;

  constructor(granted: Granted, now: () => number) {
    this.name = granted.name;
    this.method = granted.method;
    this.groups = granted.groups ?? [];
    this.rights = granted.rights;
    this.expiresAt = granted.expiresAt ?? Infinity;
    this.#ground = granted.ground;
    this.#now = now;
  }

  /** Messages go on being kept for a session whose token is over: it gets them when it comes back with a new one. */
  can(action: Action, topicOrFilter: string): boolean {
    if (this.#isRevoked || this.#ground?.isGone) return false;
    if (action !== "receive" && this.expiresAt !== Infinity && this.#now() >= this.expiresAt + GRACE_MS) {
      return false;
    }
    if (!this.rights) return true;
    return action === "publish"
      ? this.#mayPublish(topicOrFilter)
      : allows(this.rights, action, topicOrFilter);
  }

  ended(now: number): IdentityEnd | undefined {
    if (this.#isRevoked || this.#ground?.isGone) return "revoked";
    return now >= this.expiresAt ? "token-expired" : undefined;
  }

  /** From now on it may do nothing, and what it opened ends. */
  revoke(): void {
    this.#isRevoked = true;
  }

  /** All that `recall` needs, so that a restart widens nothing. A user of a file is known there. */
  get kept(): string {
    const { name, groups, rights, expiresAt } = this;
    const isPlain = !rights && groups.length === 0 && expiresAt === Infinity && !name.startsWith("{");
    if (isPlain) return `${this.method}:${name}`;
    return `${this.method}:${JSON.stringify({ name, groups, rights, expiresAt: finite(expiresAt) })}`;
  }

  /** Each message asks this, so the answer must not cost the splitting of topics. */
  #mayPublish(topic: string): boolean {
    const known = this.#publishAnswers.get(topic);
    if (known !== undefined) return known;
    const answer = allows(this.rights!, "publish", topic);
    if (this.#publishAnswers.size >= ANSWERS_MAX) this.#publishAnswers.clear();
    this.#publishAnswers.set(topic, answer);
    return answer;
  }
}

/** JSON has no Infinity. */
function finite(time: number): number | undefined {
  return time === Infinity ? undefined : time;
}

/**
 * What `kept` said after the method; undefined for what it did not write.
 *
 * @param method whose it was
 */
export function parseKept(kept: string, method: string): Granted | undefined {
  if (!kept.startsWith("{")) return { name: kept, method };
  try {
    const { name, groups, rights, expiresAt } = JSON.parse(kept) as Granted;
    return { name, method, ...(groups && { groups }), rights, ...(expiresAt !== undefined && { expiresAt }) };
  } catch {
    return undefined;
  }
}
