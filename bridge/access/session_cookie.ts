import type { BridgeContext } from "../context.ts";
import { Problem } from "../middleware/problem.ts";
import { isLocalHost } from "../middleware/origin.ts";

/** A browser takes a name with this prefix only by TLS, without a domain: no neighbour can plant one. */
const SECURE_NAME = "__Host-pregon";
/** On this machine nobody is on the way, and browsers want no TLS. */
const LOCAL_NAME = "pregon";
const ATTRIBUTES = "Path=/; HttpOnly; SameSite=Strict";

/** The secret in the cookie that belongs to the way the request came; undefined without one. */
export function readCookie(context: BridgeContext): string | undefined {
  const cookies = context.env.headers.get("cookie");
  if (cookies === null) return undefined;
  const name = nameFor(context);
  for (const pair of cookies.split(";")) {
    const [key, ...rest] = pair.trim().split("=");
    if (key === name) return rest.join("=");
  }
  return undefined;
}

/** What sets the cookie; it is refused where others could read it on its way. */
export function cookieFor(context: BridgeContext, secret: string): string {
  if (context.env.client.isSecure) return `${SECURE_NAME}=${secret}; ${ATTRIBUTES}; Secure`;
  if (isLocalHost(context)) return `${LOCAL_NAME}=${secret}; ${ATTRIBUTES}`;
  throw new Problem("tls-required", "Cannot give a cookie over plain HTTP: others could read it on its way");
}

/** What makes a browser forget the cookie. */
export function forgottenCookie(context: BridgeContext): string {
  const tail = context.env.client.isSecure ? "; Secure" : "";
  return `${nameFor(context)}=; ${ATTRIBUTES}; Max-Age=0${tail}`;
}

function nameFor(context: BridgeContext): string {
  return context.env.client.isSecure ? SECURE_NAME : LOCAL_NAME;
}
