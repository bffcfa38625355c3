/** What Hono under `Deno.serve` does without us: reads the body as text and says hello. */
import { Hono } from "hono";

const app = new Hono();
app.post("/topics/x", async (context) => {
  await context.req.text();
  return context.text("hello");
});
Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(`listening on ${port}`) },
  app.fetch,
);
