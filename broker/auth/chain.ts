import type { Identity } from "../core/identity.ts";
import type { Authenticator, Credentials, Grant } from "./authenticator.ts";
import { parseKept } from "./granted_identity.ts";
import { METHOD_NAMES, PASSWORD_FILE } from "./method_names.ts";
import { isOffered } from "./offer.ts";

/** Also of those that are not offered now: what they knew is no other's. */
const METHODS: ReadonlySet<string> = new Set<string>(METHOD_NAMES);

/** Asks one after the other, of those that are offered; who is known to none is refused. */
export class AuthenticatorChain {
  readonly #authenticators: readonly Authenticator[];

  constructor(authenticators: readonly Authenticator[]) {
    this.#authenticators = authenticators;
  }

  /** At once, if no authenticator that is asked has to wait for something. */
  authenticate(credentials: Credentials, first = 0): Grant | Promise<Grant> {
    for (let index = first; index < this.#authenticators.length; index++) {
      const authenticator = this.#authenticators[index]!;
      if (!isOffered(credentials.offer, authenticator.name)) continue;
      const grant = authenticator.authenticate(credentials);
      if (grant instanceof Promise) {
        return grant.then((later) => later ?? this.authenticate(credentials, index + 1));
      }
      if (grant) return grant;
    }
    return { granted: false, reason: "not-authorized" };
  }

  /**
   * Who that was, as `Identity.kept` has it. What begins with a method's name is that method's alone: the user of a
   * token must not come back as the file's user of the same name.
   */
  recall(kept: string): Identity {
    const [, method, rest = ""] = /^([a-z-]+):(.*)$/s.exec(kept) ?? [];
    if (method !== undefined && METHODS.has(method)) {
      const own = this.#authenticators.find(({ name }) => name === method);
      return own?.recall?.(rest) ?? nobody(parseKept(rest, method)?.name ?? rest, kept);
    }
    // A bare name is a user's: one of the others would take it for somebody without bounds.
    for (const authenticator of this.#authenticators) {
      if (authenticator.name !== PASSWORD_FILE && METHODS.has(authenticator.name)) continue;
      const identity = authenticator.recall?.(kept);
      if (identity) return identity;
    }
    return nobody(kept, kept);
  }

  forget(): void {
    for (const authenticator of this.#authenticators) authenticator.forget?.();
  }
}

/** Whose session it was is known to nobody any more: until somebody shows credentials, it may do nothing. */
function nobody(name: string, kept: string): Identity {
  return { name, kept, can: () => false };
}
