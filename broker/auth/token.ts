import { isReservedName } from "../core/identity.ts";
import { type Authenticator, BAD_CREDENTIALS, type Credentials, type Grant } from "./authenticator.ts";
import { GrantedIdentity, parseKept } from "./granted_identity.ts";
import { JWT, type TokenField } from "./method_names.ts";
import type { AuthTools } from "./methods.ts";
import { parseRights, parseTexts } from "./rights.ts";
import type { TokenOutcome, TokenVerifier } from "./token_verifier.ts";

/** The claims of a token make no sense here. */
class ClaimsError extends Error {
  override readonly name = "ClaimsError";
}

/** Three parts in base64url, of which the first, an object in JSON, begins so. */
const LOOKS_LIKE_TOKEN = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Knows clients by a token (JWT, RFC 7519) that somebody signed whose key is known here: HTTP's Bearer, or what CONNECT
 * has in the place of a password. `sub` is the name, `groups` and the filters of `publish`, `subscribe` and `read` are
 * what goes with it, and at `exp` all that it opened ends.
 */
export class TokenAuthenticator implements Authenticator {
  readonly name = JWT;
  readonly takesTokens = true;
  readonly #verifier: TokenVerifier;
  readonly #field: TokenField;
  readonly #tools: Pick<AuthTools, "limits" | "log" | "clock" | "counters">;

  constructor(
    verifier: TokenVerifier,
    field: TokenField,
    tools: Pick<AuthTools, "limits" | "log" | "clock" | "counters">,
  ) {
    this.#verifier = verifier;
    this.#field = field;
    this.#tools = tools;
  }

  /** A password that does not look like a token is for others to know; a token that is not right is refused for good. */
  async authenticate(credentials: Credentials): Promise<Grant | undefined> {
    const { limits, log, counters } = this.#tools;
    const token = credentials.token ?? this.#tokenIn(credentials);
    if (token === undefined) return undefined;
    if (token.length > limits.tokenBytesMax) {
      counters.met("tokenBytesMax");
      return this.#refuse(credentials, "it is too long");
    }
    const outcome = await this.#verifier.verify(token);
    if (!outcome.isRight && outcome.reason === "unavailable") {
      log.debug("token-unchecked", { peer: credentials.peer, problem: outcome.problem });
      return { granted: false, reason: "unavailable" };
    }
    if (!outcome.isRight) return this.#refuse(credentials, outcome.problem);
    try {
      return { granted: true, identity: this.#identityOf(outcome) };
    } catch (error) {
      if (error instanceof ClaimsError) return this.#refuse(credentials, error.message);
      throw error;
    }
  }

  recall(kept: string): GrantedIdentity | undefined {
    const granted = parseKept(kept, JWT);
    return granted && new GrantedIdentity(granted, () => this.#tools.clock.now());
  }

  #tokenIn(credentials: Credentials): string | undefined {
    const text = this.#field === "username" ? credentials.username : textOf(credentials.password);
    return text !== undefined && LOOKS_LIKE_TOKEN.test(text) ? text : undefined;
  }

  #identityOf({ claims, ground }: TokenOutcome & { readonly isRight: true }): GrantedIdentity {
    const fail = (problem: string): never => {
      throw new ClaimsError(problem);
    };
    const { sub: name, exp } = claims;
    if (typeof name !== "string" || name === "") return fail("it has no sub, which is the name");
    if (isReservedName(name)) return fail("its sub is a name of the broker's own");
    const granted = {
      name,
      method: JWT,
      groups: parseTexts("groups", claims["groups"], fail),
      rights: parseRights(claims, fail),
      expiresAt: exp === undefined ? Infinity : exp * 1000,
      ground,
    };
    return new GrantedIdentity(granted, () => this.#tools.clock.now());
  }

  /** Whoever makes the tokens wants to know why; the token itself is nobody's business. */
  #refuse({ clientId, peer }: Credentials, problem: string): Grant {
    this.#tools.log.info("token-refused", { clientId, peer, problem });
    return BAD_CREDENTIALS;
  }
}

function textOf(password: Uint8Array | undefined): string | undefined {
  try {
    return password && utf8.decode(password);
  } catch {
    return undefined;
  }
}
