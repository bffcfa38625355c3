import type { AuthRefusal, Identity } from "../core/identity.ts";
import type { Offer } from "./offer.ts";

/** What somebody shows to say who they are; from CONNECT or from an HTTP header. */
export interface Credentials {
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  /** Of HTTP's Bearer; MQTT has no place of its own for one. */
  readonly token?: string | undefined;
  /** Undefined over HTTP. */
  readonly clientId: string | undefined;
  /** Where they come from, for logs. */
  readonly peer: string;
  /** What they proved to be below MQTT, if they were asked to. */
  readonly certificate?: ClientCertificate | undefined;
  /** What is offered where they come in; undefined: all that is set up. */
  readonly offer?: Offer | undefined;
}

/** A certificate whose issuer we trusted when it was shown, and whose key its owner has. */
export interface ClientCertificate {
  /** The common name of its subject; empty if it has none. */
  readonly subject: string;
  /** Its alternative names, such as `DNS:gate.example.org`. */
  readonly names: readonly string[];
  /** SHA-256 of the certificate, 64 digits in lower case. */
  readonly fingerprint: string;
  /** We trust its issuer no more. */
  readonly isGone: boolean;
}

export type Grant =
  | { readonly granted: true; readonly identity: Identity }
  | {
    readonly granted: false;
    readonly reason: AuthRefusal;
    /** When it makes sense to try again, if that is known. */
    readonly retrySeconds?: number;
  };

/** One way to tell who somebody is. */
export interface Authenticator {
  readonly name: string;
  /** Whether it knows what HTTP's Bearer shows; where none does, that is refused before anybody is asked. */
  readonly takesTokens?: boolean;
  /** Whether it knows names and passwords; where none does, HTTP asks nobody for them. */
  readonly takesPasswords?: boolean;
  /** `undefined`: these credentials are none of mine, ask the next. */
  authenticate(credentials: Credentials): Promise<Grant | undefined> | Grant | undefined;
  /**
   * Who that was, for a session that the store kept; undefined if it is nobody of mine, or nobody any more. It must not
   * have more rights than the one who was kept.
   */
  recall?(name: string): Identity | undefined;
  /** Forgets answers that it remembers: what they rest on may have changed. */
  forget?(): void;
}

/** Whether nothing at all is shown that would say who somebody is. */
export function showsNothing({ username, password, token }: Credentials): boolean {
  return username === undefined && password === undefined && token === undefined;
}

/** What is not right, whatever it is. */
export const BAD_CREDENTIALS: Grant = { granted: false, reason: "bad-credentials" };

/** A method of MQTT 5.0's enhanced authentication (4.12): one that takes more than one packet. */
export interface EnhancedAuthenticator {
  /** What a client calls it in CONNECT: `SCRAM-SHA-256`. */
  readonly method: string;
  /** What a listener calls it that offers some methods only; without one, only those that offer all have it. */
  readonly name?: string;
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
