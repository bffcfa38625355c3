import type { AuthRefusal, Identity } from "../core/identity.ts";

/** What somebody shows to say who they are; from CONNECT or from an HTTP header. */
export interface Credentials {
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  /** Undefined over HTTP. */
  readonly clientId: string | undefined;
  /** Where they come from, for logs. */
  readonly peer: string;
  /** What they proved to be below MQTT, if they were asked to. */
  readonly certificate?: ClientCertificate | undefined;
}

/** A certificate whose issuer we trust, and whose key its owner has. */
export interface ClientCertificate {
  /** The common name of its subject; empty if it has none. */
  readonly subject: string;
  /** Its alternative names, such as `DNS:gate.example.org`. */
  readonly names: readonly string[];
  /** SHA-256 of the certificate, 64 digits in lower case. */
  readonly fingerprint: string;
}

export type Grant =
  | { readonly granted: true; readonly identity: Identity }
  | { readonly granted: false; readonly reason: AuthRefusal };

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

/** A method of MQTT 5.0's enhanced authentication (4.12): one that takes more than one packet. */
export interface EnhancedAuthenticator {
  /** What a client calls it in CONNECT: `SCRAM-SHA-256`. */
  readonly method: string;
  /** @param credentials what CONNECT says beside the method; of a re-authentication only who asks for it */
  begin(credentials: Credentials): Exchange;
}

/** One run of a method, from its first data to a decision. Dropped, without a word, when its connection ends. */
export interface Exchange {
  /** Takes what the client says next, which is the exchange's to keep. Asked again only after `continue`. */
  next(data: Uint8Array | undefined): Promise<ExchangeStep> | ExchangeStep;
}

export type ExchangeStep =
  | { readonly step: "continue"; readonly data: Uint8Array }
  | { readonly step: "granted"; readonly identity: Identity; readonly data?: Uint8Array }
  | {
    readonly step: "refused";
    readonly reason: AuthRefusal;
    /** What the method itself has to say of it to the client. */
    readonly data?: Uint8Array;
    /** For the log. */
    readonly detail?: string;
  };

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
