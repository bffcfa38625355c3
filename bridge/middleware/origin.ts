import type { BridgeContext, BridgeOptions } from "../context.ts";
import type { HeaderReader } from "../header_fields.ts";
import { Problem } from "./problem.ts";

/** Names under which a broker on this machine is reached. */
const LOCAL_HOSTS: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];
const SAFE_METHODS: readonly string[] = ["GET", "HEAD", "OPTIONS"];
/** Probes reach a server by its address; these routes tell a stranger nothing. */
const PROBE_PATHS: readonly string[] = ["/healthz", "/readyz"];

/**
 * Refuses host names that are not ours: a page may point its own name here (DNS rebinding) and would then count as of
 * the same origin. curl and other programs send the name that they were given.
 */
export function guardHost(options: BridgeOptions): (context: BridgeContext) => void {
  const allowed = hostsOf(options);
  // Nearly all requests name the same one.
  let known: string | null = null;
  return (context) => {
    const named = context.env.headers.get("host");
    if (named !== null && named === known) return;
    const host = requestHost(context);
    if (isKnownHost(host, allowed)) known = named;
    else if (!PROBE_PATHS.includes(context.req.path)) {
      throw new Problem("unknown-host", `Cannot answer as "${host.slice(0, 80)}"`, {
        param: "Host",
        hint: `known are ${[...allowed].join(", ")}; the option http.allowed-hosts adds others`,
      });
    }
  };
}

/**
 * Refuses what a browser sends on behalf of another origin's page, unless it only reads. A WebSocket is refused although
 * it begins with a GET: no CORS keeps a page from reading it. No rights are asked here.
 */
export function guardOrigin(options: BridgeOptions): (context: BridgeContext) => void {
  const allowed = new Set(options.allowedOrigins);
  return (context) => {
    const { method, headers } = context.env;
    const origin = headers.get("origin");
    if (isForeign(context, allowed) && (!SAFE_METHODS.includes(method) || isWebSocket(headers))) {
      throw new Problem("cross-origin", `Cannot ${method} on behalf of ${origin ?? "another site"}`, {
        param: "Origin",
      });
    }
  };
}

/** Whether a browser says that another origin's page is behind the request, and not one that is allowed. */
export function isForeign(context: BridgeContext, allowed: ReadonlySet<string>): boolean {
  const headers = context.env.headers;
  const origin = headers.get("origin");
  if (origin !== null) return !allowed.has(origin) && !isOriginOf(requestHost(context), origin);
  // A link from a neighbour may be followed; what changes something comes with its origin, or from elsewhere.
  const site = headers.get("sec-fetch-site");
  return site === "cross-site" || (site === "same-site" && !SAFE_METHODS.includes(context.env.method));
}

/** Whether the request was sent to a name of this machine. */
export function isLocalHost(context: BridgeContext): boolean {
  return LOCAL_HOSTS.includes(withoutPort(requestHost(context)));
}

/**
 * The same two rules for WebSockets that HTTP never sees: says why a page may not open one. What has no origin is no
 * page's.
 */
export function pageGuard(
  options: BridgeOptions,
): (request: { readonly origin: string; readonly host: string }) => string | undefined {
  const hosts = hostsOf(options);
  const origins = new Set(options.allowedOrigins);
  return ({ origin, host }) => {
    if (!isKnownHost(host.toLowerCase(), hosts)) {
      return `Cannot answer a page as "${host.slice(0, 80)}": http.allowed-hosts does not have it`;
    }
    if (origins.has(origin) || isOriginOf(host.toLowerCase(), origin)) return undefined;
    return `Cannot open a WebSocket on behalf of ${
      origin.slice(0, 80)
    }: http.allowed-origins does not have it`;
  };
}

function hostsOf({ allowedHosts = [] }: BridgeOptions): ReadonlySet<string> {
  return new Set([...LOCAL_HOSTS, ...allowedHosts].map((host) => host.toLowerCase()));
}

function isKnownHost(host: string, known: ReadonlySet<string>): boolean {
  return known.has("*") || known.has(withoutPort(host));
}

/** The scheme is left out: a proxy may have taken off the TLS. */
function isOriginOf(host: string, origin: string): boolean {
  const start = origin.indexOf("://");
  return start !== -1 && origin.slice(start + 3).toLowerCase() === host;
}

export function isWebSocket(headers: HeaderReader): boolean {
  return /(^|,)\s*websocket\s*(,|$)/i.test(headers.get("upgrade") ?? "");
}

function requestHost(context: BridgeContext): string {
  const host = context.env.headers.get("host");
  return (host ?? /^[^:]+:\/\/([^/?#]*)/.exec(context.req.raw.url)?.[1] ?? "").toLowerCase();
}

function withoutPort(host: string): string {
  return host.replace(/:\d*$/, "");
}
