import type { Limits } from "../core/limits.ts";
import { anonymous } from "./anonymous.ts";
import type { Authenticator, EnhancedAuthenticator } from "./authenticator.ts";
import { CheckGate } from "./check_gate.ts";
import { PasswordAuthenticator } from "./password.ts";
import { ScramSha256 } from "./scram.ts";
import type { UserTable } from "./user_table.ts";

/** What methods are made from. */
export interface AuthParts {
  readonly users: UserTable | undefined;
  readonly allowAnonymous: boolean;
  readonly checks: CheckGate;
}

/** A way to authenticate: by what a first packet or request shows, by an exchange, or both. Undefined: not asked for. */
interface AuthMethod {
  readonly plain?: (parts: AuthParts) => Authenticator | undefined;
  readonly enhanced?: (parts: AuthParts) => EnhancedAuthenticator | undefined;
}

/** Every way to authenticate, in the order in which they are asked. */
const AUTH_METHODS: readonly AuthMethod[] = [
  { plain: ({ users, checks }) => users && new PasswordAuthenticator(users, checks) },
  { enhanced: ({ users }) => users && new ScramSha256(users) },
  { plain: ({ allowAnonymous }) => allowAnonymous ? anonymous : undefined },
];

/** The methods that the options ask for. */
export function authMethods(
  { users, allowAnonymous = !users, limits }: {
    readonly users?: UserTable | undefined;
    readonly allowAnonymous?: boolean | undefined;
    readonly limits: Limits;
  },
): { plain: Authenticator[]; enhanced: EnhancedAuthenticator[] } {
  const { passwordChecksMax: runningMax, passwordChecksWaitingMax: waitingMax } = limits;
  const parts = { users, allowAnonymous, checks: new CheckGate({ runningMax, waitingMax }) };
  return {
    plain: AUTH_METHODS.map(({ plain }) => plain?.(parts)).filter((method) => method !== undefined),
    enhanced: AUTH_METHODS.map(({ enhanced }) => enhanced?.(parts)).filter((method) => method !== undefined),
  };
}
