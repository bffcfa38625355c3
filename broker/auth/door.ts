import type { AuthRefusal, Identity } from "../core/identity.ts";
import {
  type Authenticator,
  type Credentials,
  type EnhancedAuthenticator,
  type Grant,
  showsNothing,
} from "./authenticator.ts";
import { AuthenticatorChain } from "./chain.ts";
import { FailureLimiter } from "./failure_limiter.ts";
import { authMethods, type AuthTools, type Identities } from "./methods.ts";
import { isOffered, type Offer } from "./offer.ts";

export interface DoorOptions extends Identities {
  /** In the place of those that `Identities` asks for. */
  readonly authenticators?: readonly Authenticator[];
  readonly enhancedAuthenticators?: readonly EnhancedAuthenticator[];
}

/** Where everybody comes in, by MQTT or HTTP: says who they are, and counts who is turned away. */
export class Door {
  readonly #tools: AuthTools;
  readonly #authenticators: readonly Authenticator[];
  readonly #chain: AuthenticatorChain;
  readonly #enhanced: ReadonlyMap<string, EnhancedAuthenticator>;
  readonly #failures: FailureLimiter;

  constructor(options: DoorOptions, tools: AuthTools) {
    const methods = authMethods(options, tools);
    const { authenticators = methods.plain, enhancedAuthenticators = methods.enhanced } = options;
    this.#tools = tools;
    this.#authenticators = authenticators;
    this.#chain = new AuthenticatorChain(authenticators);
    this.#enhanced = new Map(enhancedAuthenticators.map((each) => [each.method, each]));
    const { limits, clock, counters } = tools;
    const onForgotten = () => counters.met("authFailurePeersMax");
    this.#failures = new FailureLimiter(limits, () => clock.now(), onForgotten);
  }

  /** Whether HTTP's Bearer can be right there. */
  takesTokens(offer: Offer | undefined): boolean {
    return this.#authenticators.some(({ name, takesTokens }) => takesTokens && isOffered(offer, name));
  }

  /** Whether a name and a password can be right there. */
  takesPasswords(offer: Offer | undefined): boolean {
    return this.#authenticators.some(({ name, takesPasswords }) => takesPasswords && isOffered(offer, name));
  }

  /** Says who somebody is; nobody, if that cannot be found out. At once, if nobody has to be waited for. */
  authenticate(credentials: Credentials): Grant | Promise<Grant> {
    // Who shows nothing does not guess.
    const blocked = showsNothing(credentials) ? undefined : this.blocked(credentials.peer);
    if (blocked) return blocked;
    try {
      const grant = this.#chain.authenticate(credentials);
      if (!(grant instanceof Promise)) return this.#counted(credentials, grant);
      return grant.catch((error) => this.#failed(credentials, error))
        .then((later) => this.#counted(credentials, later));
    } catch (error) {
      return this.#counted(credentials, this.#failed(credentials, error));
    }
  }

  /** Who knows the method of this name (MQTT 5.0, 4.12), if anybody does whom the listener offers. */
  enhancedAuthenticator(method: string, offer: Offer | undefined): EnhancedAuthenticator | undefined {
    const found = this.#enhanced.get(method);
    return found && isOffered(offer, found.name) ? found : undefined;
  }

  /** Whether too many wrong credentials came from there to look at one more. */
  blocked(peer: string): Grant & { readonly granted: false } | undefined {
    const retrySeconds = this.#failures.blockedSeconds(peer);
    if (retrySeconds === 0) return undefined;
    this.#tools.counters.authenticationsRefused["too-many-failures"]++;
    return { granted: false, reason: "too-many-failures", retrySeconds };
  }

  /** Counts somebody who is not let in. */
  refused(peer: string, reason: AuthRefusal): void {
    this.#tools.counters.authenticationsRefused[reason]++;
    if (reason === "bad-credentials") this.#failures.failed(peer);
  }

  /** Who that was of whom the store kept this. */
  recall(kept: string): Identity {
    return this.#chain.recall(kept);
  }

  /** What was remembered of answers may be wrong by now. */
  forget(): void {
    this.#chain.forget();
  }

  #counted(credentials: Credentials, grant: Grant): Grant {
    if (!grant.granted) this.refused(credentials.peer, grant.reason);
    return grant;
  }

  #failed({ clientId, peer }: Credentials, error: unknown): Grant {
    this.#tools.log.error("authenticator-failed", { clientId, peer, error: String(error) });
    return { granted: false, reason: "unavailable" };
  }
}
