/** How many POSTs a second there are, beside a hello-world of Hono, which is below us: `deno task bench:posts`. */
import type { CommandLine, Flag } from "../../broker/cli/command_line.ts";
import { pathOf } from "../interop/support/outside_tool.ts";
import type { BrokerProcess } from "./broker_process.ts";
import { bareHono, type HttpContestant, pregonHttp } from "./http/http_contestant.ts";
import { type HttpPace, PACE_FLAGS, paceOf, runBench, wholeNumber } from "./http/http_flags.ts";
import { httpHead, httpTable } from "./http/http_report.ts";
import { inTurn, runOnLoadCore } from "./http/in_turn.ts";
import { processorSeconds } from "./load/process_use.ts";

const CONNECTIONS = 16;
const PATIENCE_MS = 30_000;
/** wrk's only way to say what it sends; it is made into bytes once. */
const WRK_SCRIPT = 'wrk.method = "POST"\nwrk.body = "21.5"\n';

const FLAGS: readonly Flag[] = [
  { name: "connections", placeholder: "COUNT", help: `Of wrk; ${CONNECTIONS} unless given` },
  ...PACE_FLAGS,
];

interface PostResult {
  readonly postsPerSecond: number;
  readonly brokerCores: number;
  readonly loadCores: number;
}

if (import.meta.main) {
  const about = `Publish by POST as fast as wrk can, Pregón and a hello-world of Hono in turn

Usage: deno task bench:posts [FLAGS]`;
  Deno.exit(await runBench(Deno.args, { flags: FLAGS, about, bench }));
}

async function bench(line: CommandLine): Promise<number> {
  const pace = paceOf(line);
  const connections = wholeNumber(line, "connections", CONNECTIONS);
  if (pathOf("wrk") === undefined) {
    console.error("Cannot measure POSTs: wrk is not installed");
    return 1;
  }
  const temporary = await Deno.makeTempDir({ prefix: "pregon-bench-" });
  try {
    const script = `${temporary}/post.lua`;
    await Deno.writeTextFile(script, WRK_SCRIPT);
    console.log(await httpHead(pace));
    const all = await inTurn(contestantsOf(pace, temporary), pace.rounds, async (contestant, server) => {
      const load = { server, path: contestant.publishPath, connections, script };
      await runWrk({ ...load, seconds: pace.warmSeconds });
      return await runWrk({ ...load, seconds: pace.seconds });
    });
    const title = `POST of 4 bytes, ${connections} connections`;
    console.log(`\n${httpTable(title, [["POSTs/s", ({ postsPerSecond }) => postsPerSecond]], all)}`);
    return all.some(({ results }) => results.some((result) => result instanceof Error)) ? 1 : 0;
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

function contestantsOf({ against }: HttpPace, temporary: string): readonly HttpContestant[] {
  const memory = { flags: ["--memory"] };
  return [
    bareHono(),
    pregonHttp("Pregón, QoS 0, --memory", temporary, memory),
    ...against === undefined
      ? []
      : [pregonHttp("the other Pregón, QoS 0, --memory", temporary, { ...memory, checkout: against })],
    pregonHttp("Pregón, QoS 0", temporary),
    pregonHttp("Pregón, QoS 1 on the disk", temporary, { publishPath: "/topics/x?qos=1", keepsEvents: true }),
  ];
}

async function runWrk({ server: { port, pid }, path, connections, seconds, script }: {
  readonly server: BrokerProcess;
  readonly path: string;
  readonly connections: number;
  readonly seconds: number;
  readonly script: string;
}): Promise<PostResult> {
  const startedAt = performance.now();
  const usedBefore = processorSeconds(pid);
  const text = await runOnLoadCore(
    ["wrk", "-t1", `-c${connections}`, `-d${seconds}s`, "-s", script, `http://127.0.0.1:${port}${path}`],
    PATIENCE_MS + seconds * 1000,
  );
  const measuredSeconds = (performance.now() - startedAt) / 1000;
  const refused = /Non-2xx or 3xx responses: \d+|Socket errors: .*/.exec(text);
  if (refused) throw new Error(refused[0]);
  const [, rate] = /Requests\/sec:\s+([\d.]+)/.exec(text) ?? [];
  if (rate === undefined) throw new Error(`wrk did not say how fast it was: ${text}`);
  const brokerCores = (processorSeconds(pid) - usedBefore) / measuredSeconds;
  return { postsPerSecond: Number(rate), brokerCores, loadCores: NaN }; // It does not say what it used.
}
