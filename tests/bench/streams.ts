/** How many events a second go to thousands of streams of one filter, beside nginx's nchan: `deno task bench:streams`. */
import type { CommandLine, Flag } from "../../broker/cli/command_line.ts";
import { bareSockets, type HttpContestant, nchan, nginxVersion, pregonHttp } from "./http/http_contestant.ts";
import { type HttpPace, PACE_FLAGS, paceOf, runBench, wholeNumber } from "./http/http_flags.ts";
import { httpHead, httpTable } from "./http/http_report.ts";
import { type HttpSeries, inTurn, runOnLoadCore } from "./http/in_turn.ts";
import type { StreamLoadOptions, StreamResult } from "./http/stream_options.ts";

const STREAMS = 5_000;
/** Messages under way: nothing to join, and what a publisher that does not wait for the streams makes of it. */
const WINDOWS = [1, 16];
/** Descriptors that load and server need beside the streams'. */
const OTHER_DESCRIPTORS = 200;
const LOAD = new URL("./http/stream_load.ts", import.meta.url).pathname;
/** For start, streams and what is still under way in the end. */
const PATIENCE_MS = 60_000;

const FLAGS: readonly Flag[] = [
  { name: "streams", placeholder: "COUNT", help: `Of Server-Sent Events; ${STREAMS} unless given` },
  ...PACE_FLAGS,
];

if (import.meta.main) {
  const about = `Give each message of one publisher to thousands of streams, Pregón and nginx's nchan in turn

Usage: deno task bench:streams [FLAGS]

"bare sockets" has no server around its sockets: it shows what the load can read.`;
  Deno.exit(await runBench(Deno.args, { flags: FLAGS, about, bench }));
}

async function bench(line: CommandLine): Promise<number> {
  const pace = paceOf(line);
  const wanted = wholeNumber(line, "streams", STREAMS);
  const streams = Math.min(wanted, descriptorsMax() - OTHER_DESCRIPTORS);
  const temporary = await Deno.makeTempDir({ prefix: "pregon-bench-" });
  try {
    console.log(await httpHead(pace));
    if (streams < wanted) console.log(`Streams   ${streams}, not ${wanted}: there are no more descriptors`);
    const contestants = await contestantsOf(pace, temporary);
    let hasFailed = false;
    for (const window of WINDOWS) {
      const all = await inTurn(contestants, pace.rounds, async (contestant, { port, pid }) => {
        const { streamPath, publishPath } = contestant;
        return await runLoad({ port, brokerPid: pid, streamPath, publishPath, streams, window, ...pace });
      });
      hasFailed ||= all.some(hasFaults);
      const underWay = `${window} ${window === 1 ? "message" : "messages"} under way`;
      console.log(`\n${
        httpTable(`${streams} streams, ${underWay}`, [
          ["events/s", ({ eventsPerSecond }) => eventsPerSecond],
          ["p50 µs", ({ p50 }) => p50],
          ["p99 µs", ({ p99 }) => p99],
          ["bytes", ({ eventBytes }) => eventBytes],
          ["lost", ({ lost }) => lost],
        ], all)
      }`);
    }
    return hasFailed ? 1 : 0;
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

async function contestantsOf({ against }: HttpPace, temporary: string): Promise<readonly HttpContestant[]> {
  const other = nchan(temporary);
  if ("reason" in other) console.log(`Servers   without ${other.name}: ${other.reason}`);
  else console.log(`Servers   ${await nginxVersion()} with nchan, one worker`);
  return [
    pregonHttp("Pregón", temporary),
    ...against === undefined ? [] : [pregonHttp("the other Pregón", temporary, { checkout: against })],
    ..."reason" in other ? [] : [other],
    bareSockets(),
  ];
}

async function runLoad(options: StreamLoadOptions): Promise<StreamResult> {
  const command = [Deno.execPath(), "run", "--no-lock", "-A", LOAD, JSON.stringify(options)] as const;
  const patienceMs = PATIENCE_MS + (options.warmSeconds + options.seconds) * 1000;
  return JSON.parse(await runOnLoadCore(command, patienceMs));
}

function hasFaults({ results }: HttpSeries<StreamResult>): boolean {
  return results.some((result) => result instanceof Error || result.lost > 0);
}

/** What this process may have open, and so those that it starts. */
function descriptorsMax(): number {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  return soft === undefined ? Infinity : Number(soft);
}
