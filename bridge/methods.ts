import type { RouteHandler } from "./context.ts";
import { Problem } from "./middleware/problem.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** One handler for a route: picks by method, and says which there are. HEAD is a GET whose body Hono leaves out. */
export function methods(handlers: Readonly<Partial<Record<Method, RouteHandler>>>): RouteHandler {
  const allowed = Object.keys(handlers).flatMap((method) => method === "GET" ? ["GET", "HEAD"] : [method])
    .join(", ");
  return (context) => {
    const { method } = context.env;
    const handler = handlers[(method === "HEAD" ? "GET" : method) as Method];
    if (handler && Object.hasOwn(handlers, method === "HEAD" ? "GET" : method)) return handler(context);
    throw new Problem("method-not-allowed", `Cannot ${method} here`, {
      headers: { allow: allowed },
      hint: `the route has ${allowed}`,
    });
  };
}
