import type { Clock } from "../core/clock.ts";
import type { Limits } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import type { Counters } from "../metrics/counters.ts";
import { anonymous, nameless } from "./anonymous.ts";
import type { Authenticator, EnhancedAuthenticator } from "./authenticator.ts";
import { CertificateAuthenticator } from "./certificate.ts";
import { CheckGate } from "./check_gate.ts";
import { HookAuthenticator } from "./hook.ts";
import {
  type CertificateName,
  HOOK,
  METHOD_NAMES,
  type MethodName,
  type TokenField,
} from "./method_names.ts";
import { isOffered } from "./offer.ts";
import { PasswordAuthenticator } from "./password.ts";
import { ScramSha256 } from "./scram.ts";
import { TokenAuthenticator } from "./token.ts";
import { type TokenSource, TokenVerifier } from "./token_verifier.ts";
import type { UserTable } from "./user_table.ts";

/** Whom the broker is to know. What is not there is a method that is not offered. */
export interface Identities {
  /** Which part of a client's certificate is its name. */
  readonly certificate?: CertificateName | undefined;
  readonly tokens?: TokenSource & { readonly field: TokenField } | undefined;
  /** Who may come in by name and password. */
  readonly users?: UserTable | undefined;
  /** Where to ask. */
  readonly hookUrl?: string | undefined;
  /** Whether others may come in without; true where nothing else is there. */
  readonly allowAnonymous?: boolean | undefined;
  /** Another order. */
  readonly methods?: readonly MethodName[] | undefined;
}

/** What all methods may use. */
export interface AuthTools {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: Counters;
}

interface MethodParts extends AuthTools {
  readonly identities: Identities;
  readonly checks: CheckGate;
  /** The methods that come after it. */
  readonly next: readonly MethodName[];
}

/** A way to authenticate: by what a first packet or request shows, by an exchange, or both. Undefined: not asked for. */
interface AuthMethod {
  readonly plain: (parts: MethodParts) => Authenticator | undefined;
  readonly enhanced?: (parts: MethodParts) => EnhancedAuthenticator | undefined;
}

/** Every way to authenticate. */
const AUTH_METHODS: Readonly<Record<MethodName, AuthMethod>> = {
  "certificate": {
    plain: ({ identities: { certificate } }) => certificate && new CertificateAuthenticator(certificate),
  },
  "jwt": {
    plain: ({ identities: { tokens }, ...tools }) =>
      tokens && new TokenAuthenticator(new TokenVerifier(tokens, tools), tokens.field, tools),
  },
  "password-file": {
    plain: ({ identities: { users, hookUrl }, checks, limits, clock, counters, next }) =>
      users && new PasswordAuthenticator({
        users,
        checks,
        limits,
        now: () => clock.now(),
        onRemembered: () => counters.authentication.passwordCacheHits++,
        onEvicted: () => counters.met("passwordCacheMax"),
        hasNext: (offer) => hookUrl !== undefined && next.includes(HOOK) && isOffered(offer, HOOK),
      }),
    enhanced: ({ identities: { users } }) => users && new ScramSha256(users),
  },
  "hook": {
    plain: ({ identities: { hookUrl: url }, limits, clock, log, counters }) =>
      url === undefined ? undefined : new HookAuthenticator({ url, limits, clock, log, counters }),
  },
};

/** The methods that are asked for. */
export function authMethods(
  identities: Identities,
  tools: AuthTools,
): { plain: Authenticator[]; enhanced: EnhancedAuthenticator[] } {
  const { methods = METHOD_NAMES } = identities;
  const { passwordChecksMax: runningMax, passwordChecksWaitingMax: waitingMax } = tools.limits;
  const { counters } = tools;
  const checks = new CheckGate({
    runningMax,
    waitingMax,
    onFull: (limit) =>
      counters.met(limit === "runningMax" ? "passwordChecksMax" : "passwordChecksWaitingMax"),
  });
  const plain: Authenticator[] = [];
  const enhanced: EnhancedAuthenticator[] = [];
  for (const [index, name] of methods.entries()) {
    const method = AUTH_METHODS[name];
    const parts = { ...tools, identities, checks, next: methods.slice(index + 1) };
    const made = [method.plain(parts), method.enhanced?.(parts)] as const;
    if (made[0]) plain.push(made[0]);
    if (made[1]) enhanced.push(made[1]);
  }
  const isOpen = identities.allowAnonymous ?? plain.length === 0;
  if (isOpen) plain.push(plain.length === 0 ? anonymous : nameless);
  return { plain, enhanced };
}
