import type * as Jose from "jose";
import type { Clock } from "../core/clock.ts";
import type { Limits } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import type { Counters } from "../metrics/counters.ts";
import { readBounded } from "./bounded_body.ts";
import { requestProblem } from "./request_problem.ts";

export interface RemoteKeysParts {
  readonly url: string;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: Pick<Counters, "authentication" | "met">;
}

/** A public key behind the URL: what names it, and what it is. */
interface RemoteKey {
  readonly kid: unknown;
  readonly material: string;
}

/** The keys cannot be had: nobody can be told from another, so nobody is let in. */
export class RemoteKeysError extends Error {
  override readonly name = "RemoteKeysError";
}

/**
 * The keys behind a URL, remembered for a while. jose does the remembering and the asking again for a key that it does
 * not know; what it leaves open is here: how large an answer may be, how long it may take by our clock, that a
 * failure is not repeated at once, and which keys are gone since.
 */
export class RemoteKeys {
  readonly #parts: RemoteKeysParts;
  /** As they came last. */
  #keys: readonly RemoteKey[] = [];
  #failedAt = -Infinity;
  #isFailing = false;

  constructor(parts: RemoteKeysParts) {
    this.#parts = parts;
  }

  /** @param jose which is only loaded where there are tokens */
  getter(jose: typeof Jose): Jose.JWTVerifyGetKey {
    const { url, limits } = this.#parts;
    return jose.createRemoteJWKSet(new URL(url), {
      cacheMaxAge: limits.jwksMaxAgeSeconds * 1000,
      cooldownDuration: limits.jwksCooldownSeconds * 1000,
      [jose.customFetch]: (address, options) => this.#fetch(address, options),
    });
  }

  /**
   * What a token that was right rests on: it is gone when a later answer has none of the keys that may have signed it.
   *
   * @param kid of the key, if the token names one
   */
  groundOf(kid: string | undefined): { readonly isGone: boolean } {
    const mayHaveSigned = this.#keys.filter((key) => kid === undefined || key.kid === kid);
    const known = new Set(mayHaveSigned.map(({ material }) => material));
    let looked = this.#keys;
    let isGone = false;
    // Asked for each message, and answered anew for each set of keys.
    const look = () => {
      looked = this.#keys;
      isGone = !looked.some(({ material }) => known.has(material));
    };
    const isNews = () => looked !== this.#keys;
    return {
      get isGone() {
        if (isNews()) look();
        return isGone;
      },
    };
  }

  async #fetch(address: string, options: RequestInit): Promise<Response> {
    const { limits, clock, counters, log } = this.#parts;
    if (clock.now() - this.#failedAt < limits.jwksCooldownSeconds * 1000) {
      throw new RemoteKeysError("The keys could not be fetched a moment ago");
    }
    counters.authentication.jwksRequests++;
    const abort = new AbortController();
    const cancel = clock.after(limits.jwksSeconds * 1000, () => abort.abort());
    try {
      const text = await this.#read(await fetch(address, { ...options, signal: abort.signal }));
      if (this.#isFailing) log.info("keys-recovered");
      this.#isFailing = false;
      return new Response(text);
    } catch (error) {
      counters.authentication.jwksFailures++;
      if (abort.signal.aborted) counters.met("jwksSeconds");
      this.#failedAt = clock.now();
      const reason = abort.signal.aborted
        ? `no answer came in ${limits.jwksSeconds} seconds`
        : requestProblem(error);
      if (!this.#isFailing) log.error("keys-failed", { error: reason });
      this.#isFailing = true;
      throw new RemoteKeysError(`Cannot fetch the keys: ${reason}`);
    } finally {
      cancel();
    }
  }

  /** The text, if it is a set of keys. */
  async #read(response: Response): Promise<string> {
    const { limits, counters } = this.#parts;
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new RemoteKeysError(`the answer has status ${response.status}`);
    }
    const text = await readBounded(response, limits.authAnswerBytesMax, counters);
    if (text === undefined) throw new RemoteKeysError("the answer is too long, or not UTF-8");
    const keys = parseKeys(text);
    if (!keys) throw new RemoteKeysError("the answer is no set of keys");
    this.#keys = keys;
    return text;
  }
}

/** Undefined for what is no set of keys. */
function parseKeys(text: string): readonly RemoteKey[] | undefined {
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown };
    return Array.isArray(keys) ? keys.map(remoteKey) : undefined;
  } catch {
    return undefined; // The parser would quote some of it.
  }
}

/** Whatever else is said of a key may change. */
function remoteKey({ kid, kty, crv, n, e, x, y }: Record<string, unknown>): RemoteKey {
  return { kid, material: JSON.stringify([kty, crv, n, e, x, y]) };
}
