import { anonymous } from "./anonymous.ts";
import type { Authenticator } from "./authenticator.ts";

/** Every way to authenticate, by the name that the options know it under. */
export const AUTH_METHODS: Readonly<Record<string, Authenticator>> = { anonymous };
