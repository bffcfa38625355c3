import type { Broker, Identity } from "../../broker/mod.ts";
import { hashOf, makeSecret } from "./secret.ts";
import { StreamToken } from "./stream_token.ts";

/** So that whoever finds one knows what it is; scanners for secrets do, too. */
const PREFIX = "st_";

export interface StreamTokenWish {
  readonly filters: readonly string[];
  readonly seconds: number;
}

export type StreamTokenRefusal = "overloaded" | "too-many-tokens";

/** The stream tokens that are good. In memory only: a restart ends them all. When it is full, no new one is given out. */
export class StreamTokenTable {
  readonly #broker: Broker;
  readonly #tokens = new Map<string, StreamToken>();
  readonly #countsByName = new Map<string, number>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  get size(): number {
    return this.#tokens.size;
  }

  /** A token, or why there is none. */
  async issue(
    issuer: Identity,
    { filters, seconds }: StreamTokenWish,
  ): Promise<{ readonly token: string; readonly expiresAt: number } | StreamTokenRefusal> {
    const token = PREFIX + makeSecret();
    const hash = await hashOf(token);
    const { counters, clock } = this.#broker;
    const now = clock.now();
    const refusal = this.#refusal(issuer.name, now);
    if (refusal) {
      counters.streamTokensRefused++;
      return refusal;
    }
    const expiresAt = now + seconds * 1000;
    this.#tokens.set(hash, new StreamToken(issuer, filters, expiresAt));
    this.#countsByName.set(issuer.name, this.#countOf(issuer.name) + 1);
    counters.streamTokensIssued++;
    return { token, expiresAt };
  }

  /** Who has the token; undefined if it is none, or none any more. */
  async find(token: string): Promise<StreamToken | undefined> {
    const hash = await hashOf(token);
    const found = this.#tokens.get(hash);
    if (!found?.ended(this.#broker.clock.now())) return found;
    this.#remove(hash, found);
    return undefined;
  }

  #refusal(name: string, now: number): StreamTokenRefusal | undefined {
    const { streamTokensMax, streamTokensPerIdentityMax } = this.#broker.limits;
    const isMany = () => this.#countOf(name) >= streamTokensPerIdentityMax;
    const isFull = () => this.#tokens.size >= streamTokensMax;
    if (isMany() || isFull()) {
      for (const [hash, token] of this.#tokens) if (token.ended(now)) this.#remove(hash, token);
    }
    const { counters, memory } = this.#broker;
    if (memory.isOverloaded) return "overloaded";
    if (counters.met(isMany() ? "streamTokensPerIdentityMax" : undefined)) return "too-many-tokens";
    return counters.met(isFull() ? "streamTokensMax" : undefined) ? "overloaded" : undefined;
  }

  #remove(hash: string, { name }: StreamToken): void {
    if (!this.#tokens.delete(hash)) return;
    const count = this.#countOf(name) - 1;
    if (count > 0) this.#countsByName.set(name, count);
    else this.#countsByName.delete(name);
  }

  #countOf(name: string): number {
    return this.#countsByName.get(name) ?? 0;
  }
}
