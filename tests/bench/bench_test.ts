import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { run } from "../interop/support/tool_process.ts";
import type { MessageResult } from "./load/options.ts";
import type { Series } from "./measure.ts";
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

function series(name: string, results: Series["results"]): Series {
  const contestant = {
    name,
    versions: [4],
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
  assertEquals(rows.map(({ coreRatio }) => coreRatio), [1, 1]);
  assertEquals(rows.map(({ faults }) => faults), [[], ["It broke", "3 of 100 deliveries lost"]]);
  const lines = table(workload!, rows).split("\n");
  assertMatch(lines[1]!, /^ {2}Slow, 3\.1\.1 +110 +1\.00 +1\.00 +10 +20 +30 +0\.50 +0\.25$/);
  assertEquals(lines.slice(3), ["    ! It broke", "    ! 3 of 100 deliveries lost"]);
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

Deno.test("a wrong flag of the bench is named and ends it with 2", async () => {
  const wrong: readonly [args: readonly string[], message: string][] = [
    [["--only", "pair"], 'Unknown workload "pair": did you mean pairs?'],
    [["--versions", "4,3"], 'Cannot use --versions "3"'],
    [["--rounds", "1.5"], "Cannot use --rounds 1.5"],
    [["--seconds", "0"], 'Cannot use --seconds "0"'],
    [["--against", "/nowhere"], 'Cannot use --against "/nowhere": it has no main.ts'],
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
