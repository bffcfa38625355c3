import type { BridgeContext } from "../context.ts";

/** Whether the request came by TLS, so that nobody on the way reads the answer. */
export function isSecure(context: BridgeContext): boolean {
  return context.req.raw.url.startsWith("https:");
}
