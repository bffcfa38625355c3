import { Hono } from "hono";
import type { Bridge, BridgeEnv } from "./context.ts";
import { answerPreflight, guardAnswers } from "./middleware/cors.ts";
import { askForWhatIsOffered, identify } from "./middleware/identity.ts";
import { limitUrl, refuseWhileDraining } from "./middleware/limits.ts";
import { guardHost, guardOrigin } from "./middleware/origin.ts";
import { Problem, problemResponse } from "./middleware/problem.ts";
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
  const { broker, options } = bridge;
  const app = new Hono<BridgeEnv>();

  app.onError((error) => {
    if (error instanceof Problem) {
      broker.counters.met(error.extras.limit);
      return problemResponse(error);
    }
    const instance = crypto.randomUUID();
    broker.log.error("http-failed", { instance, error: error.stack ?? String(error) });
    return problemResponse(
      new Problem("internal-error", "Cannot answer: something went wrong here"),
      instance,
    );
  });
  app.notFound((context) =>
    problemResponse(
      new Problem("not-found", `There is nothing at ${context.req.path.slice(0, 80)}`, {
        hint: "GET / lists the routes",
      }),
    )
  );

  app.use(async (context, next) => {
    context.set("client", bridge.clients.read(context.req.raw.headers, context.env?.info));
    await next();
  });
  app.use(guardAnswers(options));
  app.use(askForWhatIsOffered(bridge));
  app.use(guardHost(options));
  app.use(limitUrl(broker.limits.urlBytesMax));
  app.use(answerPreflight(options));
  app.use(guardOrigin(options));
  app.use(refuseWhileDraining(bridge));

  app.all("/", helpRoute());
  app.all("/healthz", healthRoute());
  app.all("/readyz", readyRoute(bridge));
  app.all("/limits", limitsRoute(bridge));
  app.all("/problems", problemRoute());
  app.all("/problems/:slug", problemRoute());

  if (options.hasWebSocket ?? true) app.all("/mqtt", mqttRoute(bridge));
  app.all("/session", sessionRoute(bridge));
  app.all("/tokens", identify(bridge), tokenRoute(bridge));
  app.all("/topics/*", identify(bridge), topicRoutes(bridge));
  app.all("/stream/*", identify(bridge), streamRoute(bridge));
  return app;
}
