/** Compares Pregón with others, and MQTT 5.0 with 3.1.1, on this machine: `deno task bench --help`. */
import { type CommandLine, type Flag, parseCommandLine, UsageError } from "../../broker/cli/command_line.ts";
import manifest from "../../deno.json" with { type: "json" };
import { type Chart, drawCharts } from "./chart.ts";
import { type Absent, aedes, commitOf, type Contestant, mosquitto, pregon } from "./contestant.ts";
import { type Given, givenBroker, givenOf } from "./given_broker.ts";
import { flagLines, nameLines, onlyOf, positiveOf, wholeOf } from "./flags.ts";
import { type Verdict, verdictsOf, verdictTable } from "./goal.ts";
import type { BenchVersion } from "./load/options.ts";
import { thisMachine } from "./machine.ts";
import { each, entriesFor, type Entry, faultsOf, measureAll, type Pace } from "./measure.ts";
import { head, mqttName, type Report, type Row, rowsOf, table } from "./report.ts";
import { median } from "./statistics.ts";
import type { Result } from "./task.ts";
import { BY_CLIENTS, BY_RATE, type Point, type Workload, WORKLOADS } from "./workload.ts";

const HERE = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

const FLAGS: readonly Flag[] = [
  { name: "only", placeholder: "WORKLOAD,…", help: "These alone" },
  { name: "rounds", placeholder: "COUNT", help: "Times that each broker has its turn; 3 unless given" },
  { name: "seconds", placeholder: "COUNT", help: "Measured each time; 2 unless given" },
  { name: "warm-up", placeholder: "COUNT", help: "Seconds before that; 1 unless given" },
  {
    name: "versions",
    placeholder: "4,5",
    help: "Of MQTT: 4 is 3.1.1; Pregón has a row for each, others for the first they know",
  },
  { name: "alone", help: "Without mosquitto" },
  { name: "aedes", help: "Also aedes, which npm installs in a temporary folder" },
  { name: "against", placeholder: "FOLDER", help: "Also the Pregón of another check-out" },
  {
    name: "peer",
    placeholder: "NAME=COMMAND",
    isRepeatable: true,
    help: "Also what this starts, without a shell and with a free port for {port}",
  },
  { name: "json", help: "Print JSON instead of a table" },
  {
    name: "plot",
    placeholder: "FILE",
    help: "Also draw rate against clients and latency against rate as SVG",
  },
  { name: "help", short: "h", help: "Print this and exit" },
];

interface Wishes extends Pace {
  readonly workloads: readonly Workload[];
  readonly versions: readonly BenchVersion[];
  readonly withMosquitto: boolean;
  readonly withAedes: boolean;
  readonly against: string | undefined;
  readonly given: readonly Given[];
  readonly asJson: boolean;
  readonly plot: string | undefined;
}

if (import.meta.main) Deno.exit(await main(Deno.args));

/** Answers the exit code: 0 done, 1 something failed or a message was lost, 2 wrong flags. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const line = parseCommandLine(args, FLAGS);
    if (line.has("help")) console.log(helpText());
    else return await bench(wishesOf(line));
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    return 2;
  }
}

async function bench(wishes: Wishes): Promise<number> {
  const temporary = await Deno.makeTempDir({ prefix: "pregon-bench-" });
  try {
    const contestants = await contestantsOf(wishes, temporary);
    const present = contestants.filter((contestant) => "start" in contestant);
    const entries = present.flatMap((contestant) => entriesOf(contestant, wishes.versions));
    const about = {
      machine: await thisMachine(),
      brokers: await brokerLines(wishes, contestants),
      pace: wishes,
    };
    if (!wishes.asJson) console.log(head(about));
    const rows: Row[] = [];
    const goals: Verdict[] = [];
    for (const workload of wishes.workloads) {
      const all = await measureAll(entriesFor(workload.task, entries), workload.task, wishes);
      const measured = rowsOf(workload, all);
      goals.push(...verdictsOf(workload, all, measured));
      if (!wishes.asJson) console.log(`\n${table(workload, measured)}`);
      rows.push(...measured);
    }
    const { rounds, warmSeconds, seconds } = wishes;
    const report: Report = { ...about, pace: { rounds, warmSeconds, seconds }, rows };
    if (!wishes.asJson) console.log(`\n${verdictTable(goals)}`);
    else console.log(JSON.stringify({ ...report, goals }, undefined, 2));
    const faults = rows.flatMap((row) => row.faults);
    if (wishes.plot !== undefined) faults.push(...await plot(wishes.plot, entries, report));
    return faults.length > 0 ? 1 : 0;
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

async function contestantsOf(wishes: Wishes, temporary: string): Promise<readonly (Contestant | Absent)[]> {
  const contestants: (Contestant | Absent)[] = [pregon("Pregón", HERE, temporary)];
  if (wishes.against !== undefined) contestants.push(pregon("the other Pregón", wishes.against, temporary));
  if (wishes.withMosquitto) contestants.push(await mosquitto(temporary));
  if (wishes.withAedes) contestants.push(await aedes(temporary));
  contestants.push(...wishes.given.map(givenBroker));
  return contestants;
}

/** Pregón is compared with itself at each version; of others the first that they know is enough. */
function entriesOf(contestant: Contestant, versions: readonly BenchVersion[]): readonly Entry[] {
  const known = versions.filter((version) => contestant.versions.includes(version));
  const isOurs = contestant.name.endsWith("Pregón");
  return known.slice(0, isOurs ? undefined : 1).map((version) => ({ contestant, version }));
}

async function brokerLines(
  { against }: Wishes,
  contestants: readonly (Contestant | Absent)[],
): Promise<readonly string[]> {
  const ours = `Pregón ${manifest.version}, ${await commitOf(HERE)}`;
  const other = against === undefined ? [] : [`the other Pregón: ${against}, ${await commitOf(against)}`];
  const others = contestants.filter(({ name }) => !name.endsWith("Pregón"));
  return [
    ours,
    ...other,
    ...others.map((contestant) =>
      "reason" in contestant ? `without ${contestant.name}: ${contestant.reason}` : contestant.name
    ),
  ];
}

/** Draws the curves and answers what went wrong; a point that failed in every round is not there. */
async function plot(
  path: string,
  entries: readonly Entry[],
  { machine, brokers, pace }: Report,
): Promise<readonly string[]> {
  const faults: string[] = [];
  const p99 = (result: Result) => result.kind === "messages" ? result.p99 : NaN;
  const rate = (result: Result) => result.kind === "messages" ? result.deliveriesPerSecond : NaN;
  const charts: readonly Chart[] = [
    {
      title: "Rate against clients (64 bytes, QoS 0, as fast as it goes)",
      x: { title: "clients, half of them publishers", isLogarithmic: true },
      y: { title: "deliveries per second", isLogarithmic: false },
      curves: await curvesOf({ entries, points: BY_CLIENTS, pace, of: rate, faults }),
    },
    {
      title: "Latency against rate (64 bytes, QoS 0, 100 clients)",
      x: { title: "messages per second", isLogarithmic: true },
      y: { title: "99 of 100 arrive within, µs", isLogarithmic: true },
      curves: await curvesOf({ entries, points: BY_RATE, pace, of: p99, faults }),
    },
  ];
  const heading = `${machine.processor}, ${machine.kernel}, Deno ${machine.deno}; ${brokers.join("; ")}`;
  await Deno.writeTextFile(path, drawCharts(heading, charts));
  for (const fault of faults) console.error(`! ${fault}`);
  console.error(`Drew ${path}`);
  return faults;
}

interface Sweep {
  readonly entries: readonly Entry[];
  readonly points: readonly Point[];
  readonly pace: Pace;
  readonly of: (result: Result) => number;
  /** What goes wrong is added here. */
  readonly faults: string[];
}

async function curvesOf({ entries, points, pace, of, faults }: Sweep): Promise<Chart["curves"]> {
  const curves = entries.map(({ contestant, version }) => ({
    name: `${contestant.name}, MQTT ${mqttName(version)}`,
    points: [] as { x: number; y: number }[],
  }));
  for (const { x, shape } of points) {
    const all = await measureAll(entries, shape, pace);
    for (const [index, series] of all.entries()) {
      const curve = curves[index]!;
      curve.points.push({ x, y: median(each(series, of)) });
      faults.push(...faultsOf(series).map((fault) => `${curve.name} at ${x}: ${fault}`));
    }
  }
  return curves;
}

function wishesOf(line: CommandLine): Wishes {
  return {
    workloads: workloadsOf(line),
    versions: versionsOf(line),
    rounds: wholeOf(line, "rounds", 3),
    seconds: positiveOf(line, "seconds", 2),
    warmSeconds: positiveOf(line, "warm-up", 1),
    withMosquitto: !line.has("alone"),
    withAedes: line.has("aedes"),
    against: againstOf(line),
    given: givenOf(line.get("peer") ?? []),
    asJson: line.has("json"),
    plot: line.get("plot")?.[0],
  };
}

function workloadsOf(line: CommandLine): readonly Workload[] {
  const names = onlyOf(line, "workload", WORKLOADS.map(({ name }) => name));
  return WORKLOADS.filter(({ name }) => names.includes(name));
}

function versionsOf(line: CommandLine): readonly BenchVersion[] {
  const words = line.get("versions")?.[0]?.split(",") ?? ["4", "5"];
  const unknown = words.find((word) => word !== "4" && word !== "5");
  if (unknown !== undefined) {
    throw new UsageError(`Cannot use --versions ${JSON.stringify(unknown)}: 4 (3.1.1) and 5 (5.0) are known`);
  }
  return [...new Set(words)].map((word) => word === "5" ? 5 : 4);
}

function againstOf(line: CommandLine): string | undefined {
  const folder = line.get("against")?.[0];
  if (folder === undefined) return undefined;
  try {
    Deno.statSync(`${folder}/main.ts`);
    return folder;
  } catch {
    throw new UsageError(`Cannot use --against ${JSON.stringify(folder)}: it has no main.ts`);
  }
}

function helpText(): string {
  return `Compare Pregón with other brokers, and MQTT 5.0 with 3.1.1, on this machine

Usage: deno task bench [FLAGS]

Flags:
${flagLines(FLAGS)}

Workloads:
${nameLines(WORKLOADS)}

Below the table stand the goals, as multiples of what mosquitto has in the same run; with a peer of the name limit, a relay
that does no more than it must, also as shares of what that has. A peer that cannot do a workload has a row that says so.
A figure of a moment when others had the core, or when the load could do no more, says so too. Where others use the
machine, run it as root, with \`nice -n -15\` in a session of its own whose group has that priority too:
\`setsid -w sh -c 'echo -15 > /proc/self/autogroup; …'\`

Examples:
  deno task bench --only pairs,qos1 --rounds 5      is 5.0 as fast as 3.1.1?
  deno task bench --against ../before --alone       is it faster than it was?
  deno task bench --peer "limit=./limit {port}"     how much of what a core can do is that?
  deno task bench --plot bench.svg --only paced     with curves; each has 7 or 8 points, so it takes its time

Exit code: 0 done, 1 something failed or a delivery was lost or repeated, 2 wrong flags.`;
}
