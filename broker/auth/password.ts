import type { Identity } from "../core/identity.ts";
import type { Limits } from "../core/limits.ts";
import { type Authenticator, BAD_CREDENTIALS, type Credentials, type Grant } from "./authenticator.ts";
import type { CheckGate } from "./check_gate.ts";
import { PASSWORD_FILE } from "./method_names.ts";
import type { Offer } from "./offer.ts";
import { saslprep } from "./saslprep.ts";
import { TimedCache } from "./timed_cache.ts";
import type { User, UserTable } from "./user_table.ts";
import type { ShownPassword } from "./verifier.ts";

export interface PasswordParts {
  readonly users: UserTable;
  readonly checks: CheckGate;
  readonly limits: Pick<Limits, "passwordCacheSeconds" | "passwordCacheMax">;
  readonly now: () => number;
  readonly onRemembered: () => void;
  /** Called when a password gives its place to another. */
  readonly onEvicted?: () => void;
  /** Whether another method knows users by name and password, and is asked there for those who are none of ours. */
  readonly hasNext: (offer: Offer | undefined) => boolean;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Knows users by name and password, as CONNECT and HTTP's Basic show them. */
export class PasswordAuthenticator implements Authenticator {
  readonly name = PASSWORD_FILE;
  readonly takesPasswords = true;
  readonly #parts: PasswordParts;
  /** Who showed the right password a moment ago. */
  readonly #right: TimedCache<User>;

  constructor(parts: PasswordParts) {
    this.#parts = parts;
    this.#right = new TimedCache(parts.limits.passwordCacheMax, parts.now, parts.onEvicted);
  }

  /** Whoever shows anything must be right: a wrong password is never taken for none. */
  async authenticate({ username, password, offer }: Credentials): Promise<Grant | undefined> {
    const { users, hasNext } = this.#parts;
    if (username === undefined && password === undefined) return undefined;
    const user = username === undefined ? undefined : users.find(username);
    if (!user && hasNext(offer)) return undefined;
    const shown = password && prepared(password);
    if (!username || !shown) return BAD_CREDENTIALS;
    const key = this.#right.keyOf([username, password]);
    if (user && this.#right.get(key) === user) {
      this.#parts.onRemembered();
      return { granted: true, identity: user.identity };
    }
    return await this.#check({ username, user, shown, key });
  }

  recall(name: string): Identity | undefined {
    return this.#parts.users.find(name)?.identity;
  }

  forget(): void {
    this.#right.clear();
  }

  async #check(
    { username, user, shown, key }: {
      readonly username: string;
      readonly user: User | undefined;
      readonly shown: ShownPassword;
      readonly key: string;
    },
  ): Promise<Grant> {
    const { users, checks, limits } = this.#parts;
    // Made for those who exist as well, so that the others are not told by their time.
    const decoy = await users.decoy(username);
    const isRight = await checks.run(() => (user?.verifier ?? decoy).verifies(shown));
    if (isRight === "full") return { granted: false, reason: "busy" };
    // The file may have been read again meanwhile.
    if (!user || !isRight || users.find(username) !== user) return BAD_CREDENTIALS;
    this.#right.set(key, user, limits.passwordCacheSeconds);
    return { granted: true, identity: user.identity };
  }
}

/** Undefined for what cannot have been chosen as a password. */
function prepared(password: Uint8Array): ShownPassword | undefined {
  try {
    const text = saslprep(utf8.decode(password));
    return text ? { text, bytes: password.slice() } : undefined;
  } catch {
    return undefined;
  }
}
