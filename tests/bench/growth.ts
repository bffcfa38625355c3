/** What each step costs while what the broker keeps grows: `deno task bench:growth --help`. */
import { type CommandLine, type Flag, parseCommandLine, UsageError } from "../../broker/cli/command_line.ts";
import manifest from "../../deno.json" with { type: "json" };
import { ToolProcess } from "../interop/support/tool_process.ts";
import { onBrokerCore, onLoadCore } from "./broker_process.ts";
import { drawCharts } from "./chart.ts";
import { commitOf, type Contestant, mosquitto, pregon } from "./contestant.ts";
import { flagLines, nameLines, onlyOf, wholeOf } from "./flags.ts";
import type { BystanderOptions, BystanderResult } from "./growth/bystander_process.ts";
import type { FillOptions, FillResult } from "./growth/fill_process.ts";
import { FILLS } from "./growth/fills.ts";
import {
  type Bystander,
  bystanderTable,
  chartsOf,
  type FillGrowth,
  fillTable,
  findingsOf,
  type GrowthReport,
  type StructureGrowth,
  structureGrowth,
  structureTable,
} from "./growth/report.ts";
import type { Measurement, StructureOptions } from "./growth/structure_process.ts";
import { type Structure, STRUCTURES } from "./growth/structures.ts";
import { thisMachine } from "./machine.ts";

const HERE = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const SIZES = [10, 1_000, 100_000, 1_000_000];
const RETAINED = 100_000;
/** For the largest sizes on a small machine. */
const PATIENCE_MS = 600_000;
const BYSTANDER = {
  name: "bystander",
  title: "Somebody at work beside a subscriber of all retained messages",
};
const PARTS: readonly { readonly name: string; readonly title: string }[] = [
  ...STRUCTURES.map(({ name, title }) => ({ name, title: `${title}: each operation, in one process` })),
  ...FILLS.map(({ name, entry }) => ({
    name: `fill-${name}`,
    title: `Memory of each ${entry}, from outside`,
  })),
  BYSTANDER,
];

const FLAGS: readonly Flag[] = [
  { name: "only", placeholder: "PART,…", help: "These alone" },
  { name: "most", placeholder: "COUNT", help: "No more entries than that; 1000000 unless given" },
  { name: "seconds", placeholder: "COUNT", help: "That the bystander is measured; 5 unless given" },
  { name: "alone", help: "Without mosquitto" },
  { name: "json", help: "Print JSON instead of tables" },
  { name: "plot", placeholder: "FILE", help: "Also draw the curves as SVG" },
  { name: "help", short: "h", help: "Print this and exit" },
];

interface Wishes {
  readonly parts: readonly string[];
  readonly most: number;
  readonly seconds: number;
  readonly withMosquitto: boolean;
  readonly asJson: boolean;
  readonly plot: string | undefined;
}

if (import.meta.main) Deno.exit(await main(Deno.args));

/** Answers the exit code: 0 done, 1 something failed, 2 wrong flags. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const line = parseCommandLine(args, FLAGS);
    if (line.has("help")) console.log(helpText());
    else await measureGrowth(wishesOf(line));
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function measureGrowth(wishes: Wishes): Promise<void> {
  const print = (text: string) => wishes.asJson || console.log(text);
  const temporary = await Deno.makeTempDir({ prefix: "pregon-growth-" });
  try {
    const machine = await thisMachine();
    const brokers = [`Pregón ${manifest.version}, ${await commitOf(HERE)}`];
    const contestants = [pregon("Pregón", HERE, temporary)];
    if (wishes.withMosquitto) {
      const peer = await mosquitto(temporary);
      brokers.push("reason" in peer ? `without ${peer.name}: ${peer.reason}` : peer.name);
      if (!("reason" in peer)) contestants.push(peer);
    }
    const { processor, cores, kernel, deno } = machine;
    print(`Machine   ${processor}, ${cores} cores, ${kernel}, Deno ${deno}\nBrokers   ${brokers.join("; ")}`);
    print(
      "Columns   entries that are there; power: 0 where the cost for each value answered stays, 1 where it grows as they do",
    );
    const structures = await growStructures(wishes, print);
    const fills = await growFills(wishes, contestants, print);
    const bystanders = await standBy(wishes, contestants, print);
    const findings = findingsOf(structures);
    const report: GrowthReport = { machine, brokers, structures, fills, bystanders, findings };
    if (findings.length > 0) {
      print(`\nGrows faster than its answer:\n${findings.map((text) => `  ${text}`).join("\n")}`);
    }
    if (wishes.asJson) console.log(JSON.stringify(report, undefined, 2));
    if (wishes.plot !== undefined) {
      const heading = `${processor}, ${kernel}, Deno ${deno}; ${brokers.join("; ")}`;
      await Deno.writeTextFile(wishes.plot, drawCharts(heading, chartsOf(report)));
      console.error(`Drew ${wishes.plot}`);
    }
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

type Print = (text: string) => void;

async function growStructures({ parts, most }: Wishes, print: Print): Promise<StructureGrowth[]> {
  const grown: StructureGrowth[] = [];
  for (const structure of STRUCTURES.filter(({ name }) => parts.includes(name))) {
    const growth = structureGrowth(structure, await measureInProcess(structure, sizesUpTo(SIZES, most)));
    print(`\n${structureTable(growth)}`);
    grown.push(growth);
  }
  return grown;
}

async function growFills(
  { parts, most }: Wishes,
  contestants: readonly Contestant[],
  print: Print,
): Promise<FillGrowth[]> {
  const grown: FillGrowth[] = [];
  for (const { name, entry, sizes } of FILLS.filter(({ name }) => parts.includes(`fill-${name}`))) {
    const growths: FillGrowth[] = [];
    for (const contestant of contestants) {
      await using broker = await contestant.start();
      const options = { port: broker.port, brokerPid: broker.pid, fill: name, sizes: sizesUpTo(sizes, most) };
      const results = await runScript<FillOptions, FillResult[]>("fill_process.ts", options);
      growths.push({ fill: name, entry, broker: contestant.name, results });
    }
    print(`\n${fillTable(growths)}`);
    grown.push(...growths);
  }
  return grown;
}

async function standBy(
  { parts, most, seconds }: Wishes,
  contestants: readonly Contestant[],
  print: Print,
): Promise<Bystander[]> {
  if (!parts.includes(BYSTANDER.name)) return [];
  const messages = Math.min(RETAINED, most);
  const bystanders: Bystander[] = [];
  for (const contestant of contestants) {
    await using broker = await contestant.start();
    const options = { port: broker.port, messages, seconds };
    const result = await runScript<BystanderOptions, BystanderResult>("bystander_process.ts", options);
    bystanders.push({ broker: contestant.name, messages, ...result });
  }
  print(`\n${bystanderTable(bystanders)}`);
  return bystanders;
}

/** Where a broker would run, with nothing else in the process. */
function measureInProcess({ name }: Structure, sizes: readonly number[]): Promise<Measurement[]> {
  const flags = ["--v8-flags=--expose-gc"];
  const options: StructureOptions = { structure: name, sizes };
  return runScript("structure_process.ts", options, { flags, onCore: onBrokerCore });
}

async function runScript<Options, Result>(
  script: string,
  options: Options,
  { flags = [] as readonly string[], onCore = onLoadCore } = {},
): Promise<Result> {
  const path = new URL(`./growth/${script}`, import.meta.url).pathname;
  const [program, ...args] = onCore([
    Deno.execPath(),
    ...["run", "--no-lock", "-A", ...flags, path, JSON.stringify(options)],
  ]);
  await using process = new ToolProcess(program, args);
  const { code, lines, text, stderr } = await process.outcome(PATIENCE_MS);
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${stderr.trim()}${text}`);
  return JSON.parse(lines.join("\n"));
}

/** The sizes that are not too large; one at least, or there is nothing to see. */
export function sizesUpTo(sizes: readonly number[], most: number): readonly number[] {
  const small = sizes.filter((size) => size <= most);
  return small.length > 0 ? small : sizes.slice(0, 1);
}

function wishesOf(line: CommandLine): Wishes {
  return {
    parts: onlyOf(line, "part", PARTS.map(({ name }) => name)),
    most: wholeOf(line, "most", SIZES.at(-1)!),
    seconds: wholeOf(line, "seconds", 5),
    withMosquitto: !line.has("alone"),
    asJson: line.has("json"),
    plot: line.get("plot")?.[0],
  };
}

function helpText(): string {
  return `Measure what each step costs while what the broker keeps grows

Usage: deno task bench:growth [FLAGS]

Flags:
${flagLines(FLAGS)}

Parts:
${nameLines(PARTS)}

Examples:
  deno task bench:growth --plot growth.svg
  deno task bench:growth --only exact,plus,hash --most 100000
  deno task bench:growth --only bystander --seconds 10

Exit code: 0 done, 1 something failed, 2 wrong flags.`;
}
