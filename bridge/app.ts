import { Hono } from "hono";
import type { Bridge, BridgeEnv, RouteHandler } from "./context.ts";
import { guard } from "./middleware/guard.ts";
import { identified } from "./middleware/identity.ts";
import { Problem } from "./middleware/problem.ts";
import { healthRoute, readyRoute } from "./routes/health.ts";
import { helpRoute } from "./routes/help.ts";
import { limitsRoute } from "./routes/limits.ts";
import { mqttRoute } from "./routes/mqtt.ts";
import { problemRoute } from "./routes/problems.ts";
import { sessionRoute } from "./routes/session.ts";
import { streamRoute } from "./routes/stream.ts";
import { tokenRoute } from "./routes/tokens.ts";
import { topicRoutes } from "./routes/topics.ts";

/** All routes of the bridge. Those with a topic in the path take everything below and read it themselves. */
export function createApp(bridge: Bridge): Hono<BridgeEnv> {
  const { options } = bridge;
  const app = new Hono<BridgeEnv>();

  const guarded = guard(bridge);
  const all = (path: string, handler: RouteHandler) => app.all(path, guarded(handler));
  const allIdentified = (path: string, handler: RouteHandler) => all(path, identified(bridge, handler));

  app.notFound(guarded((context) => {
    throw new Problem("not-found", `There is nothing at ${context.req.path.slice(0, 80)}`, {
      hint: "GET / lists the routes",
    });
  }));

  all("/", helpRoute());
  all("/healthz", healthRoute());
  all("/readyz", readyRoute(bridge));
  all("/limits", limitsRoute(bridge));
  all("/problems", problemRoute());
  all("/problems/:slug", problemRoute());

  if (options.hasWebSocket ?? true) all("/mqtt", mqttRoute(bridge));
  all("/session", sessionRoute(bridge));
  allIdentified("/tokens", tokenRoute(bridge));
  allIdentified("/topics/*", topicRoutes(bridge));
  allIdentified("/stream/*", streamRoute(bridge));
  return app;
}
