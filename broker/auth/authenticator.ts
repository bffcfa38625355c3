import type { Identity } from "../core/identity.ts";

/** What somebody shows to say who they are; from CONNECT or from an HTTP header. */
export interface Credentials {
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  /** Undefined over HTTP. */
  readonly clientId: string | undefined;
  /** Where they come from, for logs. */
  readonly peer: string;
}

export type Grant =
  | { readonly granted: true; readonly identity: Identity }
  | { readonly granted: false; readonly reason: "bad-credentials" | "not-authorized" | "unavailable" };

/** One way to tell who somebody is. */
export interface Authenticator {
  readonly name: string;
  /** `undefined`: these credentials are none of mine, ask the next. */
  authenticate(credentials: Credentials): Promise<Grant | undefined> | Grant | undefined;
  /** Who has this name, for a session that the store kept; undefined if it is nobody of mine, or nobody any more. */
  recall?(name: string): Identity | undefined;
}

/** Whose session it was is known to nobody any more: until somebody shows credentials, it may do nothing. */
function nobody(name: string): Identity {
  return { name, can: () => false };
}

/** Asks one after the other; who is known to none is refused. */
export class AuthenticatorChain {
  readonly #authenticators: readonly Authenticator[];

  constructor(authenticators: readonly Authenticator[]) {
    this.#authenticators = authenticators;
  }

  async authenticate(credentials: Credentials): Promise<Grant> {
    for (const authenticator of this.#authenticators) {
      const grant = await authenticator.authenticate(credentials);
      if (grant) return grant;
    }
    return { granted: false, reason: "not-authorized" };
  }

  recall(name: string): Identity {
    for (const authenticator of this.#authenticators) {
      const identity = authenticator.recall?.(name);
      if (identity) return identity;
    }
    return nobody(name);
  }
}
