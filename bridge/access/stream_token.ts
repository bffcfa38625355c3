import { type Action, allows, type Identity } from "../../broker/mod.ts";

type IdentityEnd = ReturnType<NonNullable<Identity["ended"]>>;

/** By what whoever has a stream token came in. */
export const STREAM_TOKEN = "stream-token";

/**
 * Whoever has a stream token: may follow its filters and nothing else, as long as its issuer may. The issuer is asked each
 * time, so that a token is never worth more than who asked for it.
 */
export class StreamToken implements Identity {
  readonly name: string;
  readonly method = STREAM_TOKEN;
  readonly #issuer: Identity;
  readonly #filters: readonly string[];
  readonly #expiresAt: number;

  constructor(issuer: Identity, filters: readonly string[], expiresAt: number) {
    this.name = issuer.name;
    this.#issuer = issuer;
    this.#filters = filters;
    this.#expiresAt = expiresAt;
  }

  /** By what its issuer came in. */
  get issuerMethod(): string | undefined {
    return this.#issuer.method;
  }

  can(action: Action, topicOrFilter: string): boolean {
    const rights = { publish: [], subscribe: this.#filters, read: [] };
    return allows(rights, action, topicOrFilter) && this.#issuer.can(action, topicOrFilter);
  }

  ended(now: number): IdentityEnd {
    return now >= this.#expiresAt ? "token-expired" : this.#issuer.ended?.(now);
  }
}
