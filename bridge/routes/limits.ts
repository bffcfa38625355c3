import type { Bridge, RouteHandler } from "../context.ts";
import { methods } from "../methods.ts";

/** `/limits`: every bound, as it is set, and what of MQTT there is. */
export function limitsRoute(bridge: Bridge): RouteHandler {
  return methods({
    GET: () => {
      const { limits: bounds, features } = bridge.broker;
      const limits = Object.entries({ ...bounds, ...features }).map((
        [name, value],
      ) => [snakeCase(name), value]);
      return new Response(JSON.stringify(Object.fromEntries(limits), undefined, 2) + "\n", {
        headers: { "content-type": "application/json", "cache-control": "no-cache" },
      });
    },
  });
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
