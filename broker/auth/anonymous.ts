import { ANONYMOUS_NAME, type Identity } from "../core/identity.ts";
import type { Authenticator } from "./authenticator.ts";

const ANONYMOUS: Identity = { name: ANONYMOUS_NAME, can: () => true };

/** Lets everybody in under one name, whatever credentials they show; the listeners are on loopback for that reason. */
export const anonymous: Authenticator = {
  name: "anonymous",
  authenticate: () => ({ granted: true, identity: ANONYMOUS }),
  recall: (name) => name === ANONYMOUS.name ? ANONYMOUS : undefined,
};
