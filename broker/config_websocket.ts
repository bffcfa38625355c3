import { isLoopback, type OptionValue } from "./config_kinds.ts";

/** Which ports of HTTP have MQTT over WebSocket: all, that of HTTPS alone, or none. */
export type WebSocketPorts = "all" | "https" | "none";

/**
 * Plain HTTP has none by itself where others reach it: there Deno takes the frames apart, and keeps the fragments of a
 * message without a bound.
 */
export function webSocketPorts(value: (name: string) => OptionValue | undefined): WebSocketPorts {
  const wish = value("http-websocket");
  if (wish === false) return "none";
  const http = {
    host: value("http-host") as string,
    trustedProxies: value("http-trusted-proxies") as readonly string[],
  };
  return wish === true || !isReachedByOthers(http) ? "all" : "https";
}

/** A proxy that is trusted is there for others. */
export function isReachedByOthers(
  { host, trustedProxies }: { readonly host: string; readonly trustedProxies: readonly string[] },
): boolean {
  return !isLoopback(host) || trustedProxies.length > 0;
}
