/**
 * The load of the bench, in a process of its own. It takes `LoadOptions` as JSON and prints a `LoadResult` as JSON.
 *
 *     deno run -A tests/bench/load.ts '{"port":1883,"version":5,"brokerPid":4711,"warmSeconds":1,"seconds":2,
 *       "shape":{"kind":"messages","publishers":1,"subscribers":1,"isPaired":true,"qos":0,"payloadBytes":64,
 *       "window":1000,"ratePerSecond":0}}'
 */
import { runConnections } from "./load/connection_load.ts";
import { MessageLoad } from "./load/message_load.ts";
import type { LoadOptions, LoadResult } from "./load/options.ts";

if (import.meta.main) {
  const [options] = Deno.args;
  if (options === undefined) {
    console.error("Cannot run without options: deno task bench gives them");
    Deno.exit(2);
  }
  console.log(JSON.stringify(await runLoad(JSON.parse(options))));
  Deno.exit(0); // Whatever still reads or writes is of no interest any more.
}

export function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { shape } = options;
  if (shape.kind === "connections") return runConnections({ ...options, shape });
  return new MessageLoad({ ...options, shape }).run();
}
