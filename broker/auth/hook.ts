import type { Clock } from "../core/clock.ts";
import { isReservedName } from "../core/identity.ts";
import type { Limits } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import type { Counters } from "../metrics/counters.ts";
import { type Authenticator, BAD_CREDENTIALS, type Credentials, type Grant } from "./authenticator.ts";
import { readBounded } from "./bounded_body.ts";
import { CheckGate } from "./check_gate.ts";
import { addressOf } from "./failure_limiter.ts";
import { GrantedIdentity, parseKept } from "./granted_identity.ts";
import { HOOK } from "./method_names.ts";
import { requestProblem } from "./request_problem.ts";
import { parseRights, parseTexts } from "./rights.ts";
import { TimedCache } from "./timed_cache.ts";

export interface HookParts {
  /** http or https; from the options, never from a client. */
  readonly url: string;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: Pick<Counters, "authentication" | "met">;
}

/** What the hook says; `ignore`: it knows nothing of them, others may. */
type Answer = Grant | "ignore";

/** The hook cannot be used: it is not there, takes too long, or answers what makes no sense. */
class HookError extends Error {
  override readonly name = "HookError";
}

const UNAVAILABLE: Grant = { granted: false, reason: "unavailable" };

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Asks a service of the user's who somebody is:
 *
 *     POST {"username": "ana", "password": "…", "client_id": "c", "peer": "192.0.2.1:5000", "method": "mqtt"}
 *     200  {"result": "allow", "name": "ana", "groups": [], "publish": ["a/#"], "subscribe": [], "expires": 1790000000}
 *
 * or `deny`, or `ignore`. All but `result` may be left out. Whatever else comes, or does not come, lets nobody in.
 */
export class HookAuthenticator implements Authenticator {
  readonly name = HOOK;
  readonly takesPasswords = true;
  readonly #parts: HookParts;
  readonly #gate: CheckGate;
  readonly #answers: TimedCache<Answer>;
  /** One failure after the other is one fact, and one line of the log. */
  #isFailing = false;

  constructor(parts: HookParts) {
    const { hookRequestsMax, hookRequestsWaitingMax, hookCacheMax } = parts.limits;
    this.#parts = parts;
    const { clock, counters } = parts;
    this.#gate = new CheckGate({
      runningMax: hookRequestsMax,
      waitingMax: hookRequestsWaitingMax,
      onFull: (limit) => counters.met(limit === "runningMax" ? "hookRequestsMax" : "hookRequestsWaitingMax"),
    });
    this.#answers = new TimedCache(hookCacheMax, () => clock.now(), () => counters.met("hookCacheMax"));
  }

  async authenticate(credentials: Credentials): Promise<Grant | undefined> {
    const { username, password, clientId, peer } = credentials;
    if (username === undefined && password === undefined) return undefined;
    const question = questionOf(credentials);
    if (!question) return BAD_CREDENTIALS;
    const key = this.#answers.keyOf([username, password, clientId, addressOf(peer)]);
    const known = this.#answers.get(key);
    if (known !== undefined) this.#parts.counters.authentication.hookCacheHits++;
    const answer = known ?? await this.#gate.run(() => this.#ask(key, question));
    if (answer === "full") return { granted: false, reason: "busy" };
    return answer === "ignore" ? undefined : answer;
  }

  recall(kept: string): GrantedIdentity | undefined {
    const granted = parseKept(kept, HOOK);
    return granted && new GrantedIdentity(granted, () => this.#parts.clock.now());
  }

  forget(): void {
    this.#answers.clear();
  }

  async #ask(key: string, question: Question): Promise<Answer> {
    const { limits, counters: { authentication: counts }, log, clock } = this.#parts;
    counts.hookRequests++;
    try {
      const answer = parseAnswer(await this.#post(question), question.username, () => clock.now());
      if (this.#isFailing) log.info("hook-recovered");
      this.#isFailing = false;
      const isYes = answer !== "ignore" && answer.granted;
      this.#answers.set(key, answer, isYes ? limits.hookCacheSeconds : limits.hookRefusalCacheSeconds);
      return answer;
    } catch (error) {
      if (!(error instanceof HookError)) throw error;
      counts.hookFailures++;
      if (!this.#isFailing) log.error("hook-failed", { error: error.message });
      this.#isFailing = true;
      return UNAVAILABLE;
    }
  }

  /** The text of its answer. */
  async #post(question: Question): Promise<string> {
    const { url, limits, clock, counters } = this.#parts;
    const abort = new AbortController();
    const cancel = clock.after(limits.hookSeconds * 1000, () => abort.abort());
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", "accept": "application/json" },
        body: JSON.stringify(question),
        redirect: "manual", // Whoever is asked is who the options name, and nobody that they name.
        signal: abort.signal,
      });
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new HookError(`The hook answers with status ${response.status}`);
      }
      const text = await readBounded(response, limits.authAnswerBytesMax, counters);
      if (text === undefined) throw new HookError("The hook's answer is too long, or not UTF-8");
      return text;
    } catch (error) {
      if (error instanceof HookError) throw error;
      if (abort.signal.aborted) {
        counters.met("hookSeconds");
        throw new HookError(`The hook did not answer in ${limits.hookSeconds} seconds`);
      }
      throw new HookError(`Cannot ask the hook: ${requestProblem(error)}`);
    } finally {
      cancel();
    }
  }
}

interface Question {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly client_id: string | undefined;
  readonly peer: string;
  readonly method: "mqtt" | "http";
}

/** Undefined for a password that JSON cannot say. */
function questionOf({ username, password, clientId, peer }: Credentials): Question | undefined {
  try {
    return {
      username,
      password: password && utf8.decode(password),
      client_id: clientId,
      peer,
      method: clientId === undefined ? "http" : "mqtt",
    };
  } catch {
    return undefined;
  }
}

function parseAnswer(text: string, username: string | undefined, now: () => number): Answer {
  const fail = (problem: string): never => {
    throw new HookError(`Cannot use the hook's answer: ${problem}`);
  };
  const answer = parseObject(text, fail);
  if (answer["result"] === "deny") return BAD_CREDENTIALS;
  if (answer["result"] === "ignore") return "ignore";
  if (answer["result"] !== "allow") return fail("result is none of allow, deny and ignore");
  const { name = username, expires } = answer;
  if (typeof name !== "string" || name === "") return fail("there is no name, and the client showed none");
  if (isReservedName(name)) return fail(`the name ${name} is the broker's own`);
  if (expires !== undefined && !Number.isFinite(expires)) {
    return fail("expires is no number of seconds since 1970");
  }
  const expiresAt = expires === undefined ? Infinity : (expires as number) * 1000;
  if (expiresAt <= now()) return BAD_CREDENTIALS;
  const groups = parseTexts("groups", answer["groups"], fail);
  const granted = { name, method: HOOK, groups, rights: parseRights(answer, fail), expiresAt };
  return { granted: true, identity: new GrantedIdentity(granted, now) };
}

function parseObject(text: string, fail: (problem: string) => never): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fail("it is no JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  return fail("it is no object");
}
