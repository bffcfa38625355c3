import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { run } from "../interop/support/tool_process.ts";
import type { MessageResult } from "./load/options.ts";
import { entriesFor, type Entry, type Series } from "./measure.ts";
import { rowsOf, table } from "./report.ts";
import { lowerQuartile, median, medianRatio } from "./statistics.ts";
import { WORKLOADS } from "./workload.ts";

const BENCH = new URL("./bench.ts", import.meta.url).pathname;

async function bench(...args: readonly string[]) {
  return await run(Deno.execPath(), ["run", "--no-lock", "-A", BENCH, ...args]);
}

function result(deliveriesPerSecond: number, faults: Partial<MessageResult> = {}): MessageResult {
  const latency = { p50: 10, p99: 20, p999: 30 };
  const counts = { due: 100, lost: 0, repeated: 0 };
  const cores = { brokerCores: 0.5, loadCores: 0.25 };
  const busy = { brokerBusy: 0.6, loadBusy: 0.3, brokerWaits: 0.1, loadWaits: 0.05 };
  return { kind: "messages", deliveriesPerSecond, ...latency, ...counts, ...cores, ...busy, ...faults };
}

function series(name: string, results: Series["results"], isGiven = false): Series {
  const contestant = {
    name,
    versions: [4],
    isGiven,
    start: () => Promise.reject(new Error("Not to be started")),
  } as const;
  return { entry: { contestant, version: 4 }, results };
}

Deno.test("the median is the middle of what was measured", () => {
  assertEquals(median([3, 1, 2]), 2);
  assertEquals(median([4, 1, 2, 3]), 2.5);
  assertEquals(median([NaN, 5, NaN]), 5);
  assertEquals(median([]), NaN);
});

Deno.test("the lower quartile is not moved by what was slow", () => {
  assertEquals(lowerQuartile([4, 900, 1, 3, 2]), 2);
  assertEquals(lowerQuartile([7]), 7);
  assertEquals(lowerQuartile([NaN, 5, 6]), 5);
  assertEquals(lowerQuartile([]), NaN);
});

Deno.test("a ratio compares within a round, so a slow round changes nothing", () => {
  assertEquals(medianRatio([50, 5, 60], [100, 10, 120]), 0.5);
  assertEquals(medianRatio([50, NaN], [100, 10]), 0.5);
});

Deno.test("a row says the median, the ratios and what went wrong", () => {
  const [workload] = WORKLOADS;
  const rows = rowsOf(workload!, [
    series("Slow", [result(100), result(120), result(110)]),
    series("Fast", [
      result(200, { brokerCores: 1 }),
      new Error("It broke"),
      result(220, { lost: 3, brokerCores: 1 }),
    ]),
  ]);
  assertEquals(rows.map(({ value }) => value), [110, 210]);
  assertEquals(rows.map(({ ratio }) => ratio), [1, 2]);
  assertEquals(rows.map(({ firstShare }) => firstShare), [1, 0.5]);
  assertEquals(rows.map(({ coreRatio }) => coreRatio), [1, 1]);
  assertEquals(rows.map(({ faults }) => faults), [[], ["It broke", "3 of 100 deliveries lost"]]);
  const lines = table(workload!, rows).split("\n");
  assertMatch(lines[1]!, /^ {2}Slow, 3\.1\.1 +110 +1\.00 +100 % +1\.00 +10 +20 +30 +0\.50 +0\.25$/);
  assertEquals(lines.slice(3), ["    ! It broke", "    ! 3 of 100 deliveries lost"]);
});

Deno.test("who was given to the bench and did nothing in any round has a blank that says why, and no fault", () => {
  const [workload] = WORKLOADS;
  const ours = series("Pregón", [result(100), result(100)]);
  const silent = [new Error("No delivery came\n    at load.ts"), new Error("It closed")];
  const [, row] = rowsOf(workload!, [ours, series("relay", silent, true)]);
  assertEquals([row!.value, row!.ratio, row!.firstShare, row!.faults], [NaN, NaN, NaN, []]);
  assertEquals(table(workload!, [row!]).split("\n").at(-1), "    – It cannot do this: No delivery came");

  const [, halting] = rowsOf(workload!, [ours, series("relay", [result(200), ...silent.slice(1)], true)]);
  assertEquals([halting!.value, halting!.faults, halting!.cannot], [200, ["It closed"], undefined]);
  const [, known] = rowsOf(workload!, [ours, series("mosquitto 2.0.11", silent.slice(1))]);
  assertEquals([known!.faults, known!.cannot], [["It closed"], undefined]);
});

Deno.test("a row of pauses says how many there were, the middle of the rounds, and the longest of all", () => {
  const workload = WORKLOADS.find(({ name }) => name === "gc")!;
  const round = (p50: number, p999: number, longest: number) => ({
    ...result(99_990),
    pauses: { count: 10, p50, p999, longest },
  });
  const rows = rowsOf(workload, [series("Pregón", [round(1, 4, 4.5), round(2, 6, 9), round(3, 5, 5)])]);
  assertEquals([rows[0]!.value, rows[0]!.pauses], [5, { count: 30, p50: 2, p999: 5, longest: 9 }]);
  assertEquals(
    table(workload, rows).split("\n")[2],
    "    30 pauses at 99,990 messages/s: half within 2.0 ms, 99.9 % within 5.0 ms, the longest took 9.0 ms",
  );
});

Deno.test("only who can tell of its garbage collector is asked for its pauses", () => {
  const { entry } = series("relay", []);
  const start = entry.contestant.start;
  const ours: Entry = { ...entry, contestant: { ...entry.contestant, startTraced: start } };
  const tasks = (name: string) => WORKLOADS.find((workload) => workload.name === name)!.task;
  assertEquals(entriesFor(tasks("gc"), [ours, entry]), [ours]);
  assertEquals(entriesFor(tasks("start"), [ours, entry]), [ours, entry]);
});

Deno.test("a short bench of Pregón loses nothing at either version", async () => {
  const flags = [
    "--only",
    "qos1",
    "--rounds",
    "1",
    "--seconds",
    "1",
    "--warm-up",
    "0.3",
    "--alone",
    "--json",
  ];
  const { code, text, stderr } = await bench(...flags);
  assertEquals(code, 0, stderr + text);
  const { machine, rows } = JSON.parse(text);
  assertEquals(rows.map(({ mqtt, faults }: { mqtt: string; faults: [] }) => [mqtt, faults]), [
    ["3.1.1", []],
    ["5.0", []],
  ]);
  for (const { value, unit } of rows) assertEquals([value > 0, unit], [true, "deliveries/s"]);
  assertEquals(machine.deno, Deno.version.deno);
});

Deno.test("a bench of the start measures Pregón, and a peer that speaks no MQTT is no failure", async () => {
  const script = await Deno.makeTempFile({ prefix: "pregon-peer-", suffix: ".ts" });
  try {
    const listener = 'Deno.listen({ hostname: "127.0.0.1", port: Number(Deno.args[0]) })';
    await Deno.writeTextFile(script, `for await (const link of ${listener}) link.close();`);
    const peer = `closing=${Deno.execPath()} run --no-config --allow-net ${script} {port}`;
    const flags = [
      "--only",
      "start",
      "--rounds",
      "1",
      "--versions",
      "4",
      "--alone",
      "--json",
      "--peer",
      peer,
    ];
    const { code, text, stderr } = await bench(...flags);
    assertEquals(code, 0, stderr + text);
    const { rows: [ours, theirs], goals } = JSON.parse(text);
    assertEquals([ours.value > 0, ours.faults], [true, []]);
    assertEquals([theirs.value, theirs.faults, typeof theirs.cannot], [null, [], "string"]);
    assertEquals(goals.map(({ workload, bound }: { workload: string; bound: number }) => [workload, bound]), [
      ["start", 300],
    ]);
  } finally {
    await Deno.remove(script);
  }
});

Deno.test("a wrong flag of the bench is named and ends it with 2", async () => {
  const wrong: readonly [args: readonly string[], message: string][] = [
    [["--only", "pair"], 'Unknown workload "pair": did you mean pairs?'],
    [["--versions", "4,3"], 'Cannot use --versions "3"'],
    [["--rounds", "1.5"], "Cannot use --rounds 1.5"],
    [["--seconds", "0"], 'Cannot use --seconds "0"'],
    [["--against", "/nowhere"], 'Cannot use --against "/nowhere": it has no main.ts'],
    [["--peer", "relay"], 'Cannot use --peer "relay": NAME=COMMAND is needed'],
    [["--fast"], "Unknown flag --fast"],
  ];
  for (const [args, message] of wrong) {
    const { code, stderr } = await bench(...args);
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, message);
  }
});

Deno.test("the help of the bench names every workload", async () => {
  const { code, text } = await bench("--help");
  assertEquals(code, 0);
  for (const { name } of WORKLOADS) assertMatch(text, new RegExp(`^  ${name} `, "m"));
});
