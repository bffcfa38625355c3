import type * as Jose from "jose";
import type { AuthTools } from "./methods.ts";
import { RemoteKeys, RemoteKeysError } from "./remote_keys.ts";
import { TOKEN_ALGORITHMS } from "./token_algorithms.ts";
import type { KeyInForce, TokenKeyTable } from "./token_key_table.ts";

/** Whose tokens count, and which. */
export interface TokenSource {
  /** Loaded by who has tokens: nobody else needs it. */
  readonly jose: typeof Jose;
  readonly keys: TokenKeyTable;
  /** Where there are more of them, public ones. */
  readonly jwksUrl?: string | undefined;
  /** That a token may name; undefined: whatever its key is for. */
  readonly algorithms?: readonly string[] | undefined;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}

export type TokenOutcome =
  /** `ground`: what it rests on, which is gone when its key is. */
  | {
    readonly isRight: true;
    readonly claims: Jose.JWTPayload;
    readonly ground: { readonly isGone: boolean };
  }
  | { readonly isRight: false; readonly reason: "bad-credentials" | "unavailable"; readonly problem: string };

/** Keys behind a URL come and go without a word. */
const LASTING = { isGone: false };

/** Says whether a token was signed by who may, and is still good. Knows nothing of what its claims mean. */
export class TokenVerifier {
  readonly #source: TokenSource;
  readonly #now: () => number;
  readonly #remote: Jose.JWTVerifyGetKey | undefined;

  constructor(source: TokenSource, { limits, clock, log, counters }: AuthTools) {
    const { jwksUrl: url, jose } = source;
    this.#source = source;
    this.#now = () => clock.now();
    if (url === undefined) return;
    this.#remote = new RemoteKeys({ url, limits, clock, log, counters }).getter(
      jose,
    );
  }

  async verify(token: string): Promise<TokenOutcome> {
    const header = this.#headerOf(token);
    const { algorithms = TOKEN_ALGORITHMS } = this.#source;
    const algorithm = header?.alg;
    if (algorithm === undefined || !algorithms.includes(algorithm) || !TOKEN_ALGORITHMS.includes(algorithm)) {
      return bad(`the algorithm ${JSON.stringify(algorithm?.slice(0, 20))} is not allowed`);
    }
    if (this.#remote && !algorithm.startsWith("HS")) return await this.#check(token, algorithm, this.#remote);
    let outcome: TokenOutcome = bad(`there is no key for ${algorithm} of that id`);
    for (const key of this.#source.keys.fitting(algorithm, header?.kid)) {
      outcome = await this.#check(token, algorithm, await this.#import(key, algorithm), key);
      if (outcome.isRight) return outcome;
    }
    return outcome;
  }

  #headerOf(
    token: string,
  ): { readonly alg?: string | undefined; readonly kid?: string | undefined } | undefined {
    try {
      const { alg, kid } = this.#source.jose.decodeProtectedHeader(token);
      return { alg: textOf(alg), kid: textOf(kid) };
    } catch {
      return undefined;
    }
  }

  async #check(
    token: string,
    algorithm: string,
    key: Jose.CryptoKey | Uint8Array | Jose.JWTVerifyGetKey,
    ground: { readonly isGone: boolean } = LASTING,
  ): Promise<TokenOutcome> {
    const { issuer, audience } = this.#source;
    const options: Jose.JWTVerifyOptions = {
      algorithms: [algorithm],
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
      currentDate: new Date(this.#now()),
    };
    const { errors } = this.#source.jose;
    try {
      const { payload } = typeof key === "function"
        ? await this.#source.jose.jwtVerify(token, key, options)
        : await this.#source.jose.jwtVerify(token, key, options);
      return { isRight: true, claims: payload, ground };
    } catch (error) {
      const isRemote = error instanceof RemoteKeysError || error instanceof errors.JWKSTimeout ||
        error instanceof errors.JWKSInvalid;
      if (isRemote) return { isRight: false, reason: "unavailable", problem: error.message };
      if (error instanceof errors.JOSEError) return bad(error.message);
      throw error;
    }
  }

  async #import({ key, imported }: KeyInForce, algorithm: string): Promise<Jose.CryptoKey | Uint8Array> {
    const known = imported.get(algorithm);
    if (known) return known;
    const { material } = key;
    const fresh = material instanceof Uint8Array
      ? material
      : await this.#source.jose.importJWK(material, algorithm);
    imported.set(algorithm, fresh);
    return fresh;
  }
}

function bad(problem: string): TokenOutcome {
  return { isRight: false, reason: "bad-credentials", problem };
}

/** The header is whatever somebody wrote there. */
function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
