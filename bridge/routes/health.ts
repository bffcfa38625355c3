import type { Bridge, RouteHandler } from "../context.ts";
import { methods } from "../methods.ts";

const HEADERS = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" } as const;

/** `/healthz`: the process answers. */
export function healthRoute(): RouteHandler {
  return methods({ GET: () => new Response("ok\n", { headers: HEADERS }) });
}

/** `/readyz`: the broker takes work; 503 when it is about to stop, can store nothing, or is short of memory. */
export function readyRoute(bridge: Bridge): RouteHandler {
  return methods({
    GET: () => {
      const { storeRefusal, memory } = bridge.broker;
      const reason = bridge.isDraining
        ? "draining"
        : storeRefusal ?? (memory.isOverloaded ? "overloaded" : undefined);
      return reason
        ? new Response(`${reason}\n`, { status: 503, headers: { ...HEADERS, "retry-after": "5" } })
        : new Response("ready\n", { headers: HEADERS });
    },
  });
}
