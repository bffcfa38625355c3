import { ANONYMOUS_NAME, type Identity } from "../core/identity.ts";
import { type Authenticator, type Credentials, type Grant, showsNothing } from "./authenticator.ts";
import { ANONYMOUS as METHOD } from "./method_names.ts";

const ANONYMOUS: Identity = { name: ANONYMOUS_NAME, can: () => true };
const GRANT: Grant = { granted: true, identity: ANONYMOUS };

function recall(name: string): Identity | undefined {
  return name === ANONYMOUS_NAME ? ANONYMOUS : undefined;
}

/** Lets everybody in under one name, whatever credentials they show; the listeners are on loopback for that reason. */
export const anonymous: Authenticator = { name: METHOD, authenticate: () => GRANT, recall };

/** Lets in, beside others, who shows nothing: what somebody shows and nobody knows is never taken for nothing. */
export const nameless: Authenticator = {
  name: METHOD,
  authenticate: (credentials: Credentials) => showsNothing(credentials) ? GRANT : undefined,
  recall,
};
