import type { Broker, Identity } from "../../broker/mod.ts";
import { Login } from "./login.ts";
import { hashOf, makeSecret } from "./secret.ts";

/**
 * Who has logged in and has a cookie for it. In memory only: a restart ends them all. When one identity has as many as it
 * may, the one that it used longest ago ends, since browsers forget cookies without a word; when the table is full,
 * nobody else comes in.
 */
export class LoginTable {
  readonly #broker: Broker;
  readonly #logins = new Map<string, Login>();
  readonly #loginsByName = new Map<string, Set<Login>>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  get size(): number {
    return this.#logins.size;
  }

  /** The secret for the cookie; undefined if there is no room. */
  async open(identity: Identity): Promise<string | undefined> {
    const secret = makeSecret();
    const hash = await hashOf(secret);
    const { limits, counters, clock } = this.#broker;
    const now = clock.now();
    this.#makeRoom(identity.name, now);
    if (this.#logins.size >= limits.loginsMax) {
      counters.loginsRefused++;
      return undefined;
    }
    const { loginSeconds: seconds, loginIdleSeconds: idleSeconds } = limits;
    this.#add(new Login(identity, { hash, now, seconds, idleSeconds }));
    counters.loginsOpened++;
    return secret;
  }

  /** Whose cookie has the secret; undefined if it is nobody's, or nobody's any more. */
  async find(secret: string): Promise<Login | undefined> {
    const login = this.#logins.get(await hashOf(secret));
    if (!login?.ended(this.#broker.clock.now())) return login;
    this.#remove(login);
    return undefined;
  }

  /** Ends what the cookie with the secret opened; nothing happens if it is nobody's. */
  async close(secret: string): Promise<void> {
    const login = this.#logins.get(await hashOf(secret));
    if (login) this.#end(login);
  }

  #makeRoom(name: string, now: number): void {
    const { limits, counters } = this.#broker;
    const isFull = this.#logins.size >= limits.loginsMax;
    const own = this.#loginsByName.get(name) ?? [];
    for (const login of [...isFull ? this.#logins.values() : own]) {
      if (login.endAt(now)) this.#remove(login);
    }
    const left = [...this.#loginsByName.get(name) ?? []].sort((a, b) => a.usedAt - b.usedAt);
    if (left.length < limits.loginsPerIdentityMax) return;
    counters.loginsDisplaced++;
    this.#end(left[0]!);
  }

  #add(login: Login): void {
    this.#logins.set(login.hash, login);
    const own = this.#loginsByName.get(login.name);
    if (own) own.add(login);
    else this.#loginsByName.set(login.name, new Set([login]));
  }

  #end(login: Login): void {
    login.end();
    this.#broker.rightsChanged();
    this.#remove(login);
  }

  #remove(login: Login): void {
    this.#logins.delete(login.hash);
    const own = this.#loginsByName.get(login.name);
    own?.delete(login);
    if (own?.size === 0) this.#loginsByName.delete(login.name);
  }
}
