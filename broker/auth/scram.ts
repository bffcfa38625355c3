import type { AuthRefusal } from "../core/identity.ts";
import type { EnhancedAuthenticator, Exchange, ExchangeStep } from "./authenticator.ts";
import { SCRAM } from "./method_names.ts";
import { hmac, isSameKey, sha256, xor } from "./scram_keys.ts";
import {
  channelBindingOf,
  type ClientFirst,
  parseClientFinal,
  parseClientFirst,
  ScramError,
  serverFirst,
} from "./scram_message.ts";
import { ScramVerifier } from "./scram_verifier.ts";
import type { User, UserTable } from "./user_table.ts";

const NONCE_BYTES = 18;

const encoder = new TextEncoder();

/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding: the client proves that it knows the password and never
 * shows it, and learns that the server knows of it too.
 *
 *     client                                   server
 *     n,,n=user,r=<nonce>             ──>
 *                                     <──      r=<nonce + ours>,s=<salt>,i=<iterations>
 *     c=biws,r=<both>,p=<proof>       ──>
 *                                     <──      v=<our proof>, or e=<what went wrong>
 */
export class ScramSha256 implements EnhancedAuthenticator {
  readonly method = "SCRAM-SHA-256";
  readonly name = SCRAM;
  readonly #users: UserTable;
  readonly #makeNonce: () => string;

  constructor(users: UserTable, makeNonce: () => string = randomNonce) {
    this.#users = users;
    this.#makeNonce = makeNonce;
  }

  begin(): Exchange {
    return new ScramExchange(this.#users, this.#makeNonce());
  }
}

/** What is known once the client has said its name. */
interface Claim {
  readonly first: ClientFirst;
  /** Undefined if there is no such user; then the verifier is a decoy. */
  readonly user: User | undefined;
  readonly verifier: ScramVerifier;
  readonly nonce: string;
  readonly serverFirst: string;
}

class ScramExchange implements Exchange {
  readonly #users: UserTable;
  readonly #nonce: string;
  #claim: Claim | undefined;

  constructor(users: UserTable, nonce: string) {
    this.#users = users;
    this.#nonce = nonce;
  }

  async next(data: Uint8Array | undefined): Promise<ExchangeStep> {
    try {
      return await (this.#claim ? this.#prove(this.#claim, data) : this.#challenge(data));
    } catch (error) {
      if (!(error instanceof ScramError)) throw error;
      const reason: AuthRefusal = error.value === "invalid-proof" ? "bad-credentials" : "not-authorized";
      return {
        step: "refused",
        reason,
        data: encoder.encode(`e=${error.value}`),
        detail: error.message,
      };
    }
  }

  async #challenge(data: Uint8Array | undefined): Promise<ExchangeStep> {
    const first = parseClientFirst(data);
    const found = this.#users.find(first.username);
    // Made for those who exist as well, so that the others are not told by their time.
    const decoy = await this.#users.scramDecoy(first.username);
    // Whose password is kept in another form can only show it.
    const [user, verifier] = found?.verifier instanceof ScramVerifier
      ? [found, found.verifier]
      : [undefined, decoy];
    const nonce = first.nonce + this.#nonce;
    const challenge = serverFirst({ nonce, salt: verifier.salt, iterations: verifier.iterations });
    this.#claim = { first, user, verifier, nonce, serverFirst: challenge };
    return { step: "continue", data: encoder.encode(challenge) };
  }

  async #prove(claim: Claim, data: Uint8Array | undefined): Promise<ExchangeStep> {
    const { first, user, verifier } = claim;
    const final = parseClientFinal(data);
    if (final.channelBinding !== channelBindingOf(first.gs2Header)) {
      throw new ScramError("channel-bindings-dont-match", "The last message repeats another GS2 header");
    }
    if (final.nonce !== claim.nonce) throw new ScramError("other-error", "The nonce is not ours");
    const authMessage = `${first.bare},${claim.serverFirst},${final.withoutProof}`;
    const clientKey = xor(final.proof, await hmac(verifier.storedKey, authMessage));
    const isRight = isSameKey(await sha256(clientKey), verifier.storedKey);
    const signature = await hmac(verifier.serverKey, authMessage);
    // The file may have been read again meanwhile.
    const isCurrent = user !== undefined && this.#users.find(first.username) === user;
    if (!isCurrent || !isRight) throw new ScramError("invalid-proof", "The proof is not right");
    return {
      step: "granted",
      identity: user.identity,
      data: encoder.encode(`v=${signature.toBase64()}`),
    };
  }
}

function randomNonce(): string {
  return crypto.getRandomValues(new Uint8Array(NONCE_BYTES)).toBase64();
}
