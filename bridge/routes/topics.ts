import { hasWildcards } from "../../broker/mod.ts";
import type { Bridge, RouteHandler } from "../context.ts";
import { methods } from "../methods.ts";
import { names } from "../negotiate.ts";
import { Parameters } from "../parameters.ts";
import { readFilters, readTopic } from "../topic_address.ts";
import { listRetained, requireOneFilter } from "./list.ts";
import { clear, publish } from "./publish.ts";
import { readRetained } from "./retained.ts";
import { openStream } from "./stream.ts";

/** `/topics/{topic or filter}`: a topic is a resource, its retained message the resource's state. */
export function topicRoutes(bridge: Bridge): RouteHandler {
  return methods({
    GET: (context) => {
      if (names(context.env.headers.get("accept"), "text/event-stream")) {
        return openStream(bridge, context);
      }
      const url = context.env.url;
      const parameters = new Parameters(url.query);
      const { topicLevelsMax } = bridge.broker.limits;
      if (parameters.has("topic") && !parameters.has("deep")) {
        return readRetained(bridge, context, readTopic(url, parameters, topicLevelsMax), parameters);
      }
      const filter = requireOneFilter(readFilters(url, parameters, topicLevelsMax));
      return hasWildcards(filter) || parameters.has("filter")
        ? listRetained(bridge, context, filter, parameters)
        : readRetained(bridge, context, filter, parameters);
    },
    POST: (context) => publish(bridge, context),
    PUT: (context) => publish(bridge, context),
    DELETE: (context) => clear(bridge, context),
  });
}
