import { isLoopback, LOCAL, type OptionValue } from "./config_kinds.ts";

/**
 * Whether Deno alone takes in plain HTTP: twice as fast, but it has no bound for connections, and keeps the fragments of
 * a WebSocket's message until the last one comes. By itself only where nobody but this machine can come.
 */
export function isDirect(value: (name: string) => OptionValue | undefined): boolean {
  const wish = value("http-direct");
  if (wish !== LOCAL) return wish as boolean;
  return !isReachedByOthers({
    host: value("http-host") as string,
    trustedProxies: value("http-trusted-proxies") as readonly string[],
  });
}

/** A proxy that is trusted is there for others. */
export function isReachedByOthers(
  { host, trustedProxies }: { readonly host: string; readonly trustedProxies: readonly string[] },
): boolean {
  return !isLoopback(host) || trustedProxies.length > 0;
}
