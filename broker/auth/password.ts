import type { Identity } from "../core/identity.ts";
import type { Authenticator, Credentials, Grant } from "./authenticator.ts";
import type { CheckGate } from "./check_gate.ts";
import { saslprep } from "./saslprep.ts";
import type { UserTable } from "./user_table.ts";
import { verifies } from "./verifier.ts";

const BAD: Grant = { granted: false, reason: "bad-credentials" };

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Knows users by name and password, as CONNECT and HTTP's Basic show them. */
export class PasswordAuthenticator implements Authenticator {
  readonly name = "password";
  readonly #users: UserTable;
  readonly #checks: CheckGate;

  constructor(users: UserTable, checks: CheckGate) {
    this.#users = users;
    this.#checks = checks;
  }

  /** Whoever shows anything must be right: a wrong password is never taken for none. */
  async authenticate({ username, password }: Credentials): Promise<Grant | undefined> {
    if (username === undefined && password === undefined) return undefined;
    const text = password && prepared(password);
    if (!username || !text) return BAD;
    const user = this.#users.find(username);
    // Made for those who exist as well, so that the others are not told by their time.
    const decoy = await this.#users.decoy(username);
    const isRight = await this.#checks.run(() => verifies(user?.verifier ?? decoy, text));
    if (isRight === "full") return { granted: false, reason: "busy" };
    return user && isRight ? { granted: true, identity: user.identity } : BAD;
  }

  recall(name: string): Identity | undefined {
    return this.#users.find(name)?.identity;
  }
}

/** Undefined for what cannot have been chosen as a password. */
function prepared(password: Uint8Array): string | undefined {
  try {
    return saslprep(utf8.decode(password));
  } catch {
    return undefined;
  }
}
