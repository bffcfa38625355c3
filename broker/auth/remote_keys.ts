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

/** The keys cannot be had: nobody can be told from another, so nobody is let in. */
export class RemoteKeysError extends Error {
  override readonly name = "RemoteKeysError";
}

/**
 * The keys behind a URL, remembered for a while. jose does the remembering and the asking again for a key that it does
 * not know; what it leaves open is here: how large an answer may be, how long it may take by our clock, and that a
 * failure is not repeated at once.
 */
export class RemoteKeys {
  readonly #parts: RemoteKeysParts;
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
    if (!isKeySet(text)) throw new RemoteKeysError("the answer is no set of keys");
    return text;
  }
}

function isKeySet(text: string): boolean {
  try {
    return Array.isArray((JSON.parse(text) as { keys?: unknown } | null)?.keys);
  } catch {
    return false; // The parser would quote some of it.
  }
}
