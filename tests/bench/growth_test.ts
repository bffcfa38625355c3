import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { run } from "../interop/support/tool_process.ts";
import { chartsOf, exponentOf, findingsOf, kibibytesPerEntry } from "./growth/report.ts";
import { bystanderTable, fillTable, structureGrowth, structureTable, timeText } from "./growth/report.ts";
import { measureOperation, measureStructure } from "./growth/structure_process.ts";
import { type Operation, STRUCTURES } from "./growth/structures.ts";
import { sizesUpTo } from "./growth.ts";

const GROWTH = new URL("./growth.ts", import.meta.url).pathname;

async function growth(...args: readonly string[]) {
  return await run(Deno.execPath(), ["run", "--no-lock", "-A", GROWTH, ...args]);
}

/** A structure whose only operation costs as much as is said for each size, and answers as many. */
function grown(costs: Readonly<Record<number, number>>, answersOf = (_size: number) => 1) {
  const measurements = Object.entries(costs).map(([size, nanoseconds]) => ({
    size: Number(size),
    bytesPerEntry: 100,
    worstMs: 2,
    costs: [{ operation: "look", answers: answersOf(Number(size)), nanoseconds }],
  }));
  return structureGrowth({ name: "some", title: "Some", entry: "thing" }, measurements);
}

Deno.test("the exponent says how cost grows with size, whatever the caches do below a thousand", () => {
  const exponent = (costs: Readonly<Record<number, number>>) => grown(costs).curves[0]!.exponent;
  assertEquals(exponent({ 10: 1, 1_000: 50, 1_000_000: 50 }), 0);
  assertEquals(exponent({ 10: 1, 1_000: 50, 100_000: 900, 1_000_000: 50_000 }), 1);
  assertEquals(exponent({ 1_000: 10, 100_000: 100_000 }), 2);
  assertEquals(exponentOf([{ size: 10, nanoseconds: 1 }, { size: 100, nanoseconds: 2 }]), NaN);
  assertEquals(exponentOf([{ size: 1_000, nanoseconds: 1 }]), NaN);
  assertEquals(exponentOf([]), NaN);
});

Deno.test("what grows with its answer is no finding, what grows without one is", () => {
  const costs = { 1_000: 1_000, 1_000_000: 1_000_000 };
  assertEquals(findingsOf([grown(costs, (size) => size)]), []);
  assertEquals(findingsOf([grown(costs)]), [
    "Some, look: 1.0 ms at 1,000,000, as the size to the power of 1.00",
  ]);
});

Deno.test("memory of an entry is what came with those since the size before", () => {
  const result = (size: number, residentKibibytes: number) => ({ size, residentKibibytes, perSecond: 1 });
  assertEquals(kibibytesPerEntry([result(100, 5_000), result(200, 5_250), result(1_200, 7_250)]), [
    NaN,
    2.5,
    2,
  ]);
});

Deno.test("times are written with the unit that fits", () => {
  const times = [0.94, 12, 999, 1_000, 12_345, 1e6, 2.5e8, NaN].map(timeText);
  assertEquals(times, ["0.9 ns", "12 ns", "999 ns", "1.0 µs", "12 µs", "1.0 ms", "250 ms", "–"]);
});

Deno.test("the tables have a line for each operation, broker and bystander", () => {
  const lines = structureTable(grown({ 10: 5, 1_000: 10, 1_000_000: 10_000 })).split("\n");
  assertMatch(lines[1]!, /^ {2}look +5\.0 ns +10 ns +10 µs +1\.00 !$/);
  assertMatch(lines[2]!, /^ {2}bytes of a thing +– +100 +100$/);
  assertMatch(lines[3]!, /^ {2}longest to add one +2\.0 ms +2\.0 ms +2\.0 ms$/);
  const results = [{ size: 10, perSecond: 3, residentKibibytes: 10 }, {
    size: 20,
    perSecond: 4,
    residentKibibytes: 20,
  }];
  const fill = fillTable([{ fill: "things", entry: "thing", broker: "Pregón", results }]).split("\n");
  assertMatch(fill[1]!, /^ {2}Pregón, KiB each +– +1\.00$/);
  assertMatch(fill[2]!, /^ {2}Pregón, added a second +3 +4$/);
  const seen = {
    broker: "Pregón",
    messages: 9,
    rounds: 1,
    messagesPerSecond: 5,
    quietMs: 1,
    floodedMs: 2,
    missed: 3,
  };
  assertMatch(bystanderTable([seen]).split("\n")[1]!, /^ {2}Pregón +1\.0 ms +2\.0 ms +3 +5$/);
});

Deno.test("the chart has the cost of a value, not of the operation", () => {
  const structures = [grown({ 1_000: 5_000, 10_000: 50_000 }, (size) => size)];
  const machine = { processor: "", cores: 1, kernel: "", deno: "", isPinned: false };
  const [chart, ...others] = chartsOf({
    machine,
    brokers: [],
    structures,
    fills: [],
    bystanders: [],
    findings: [],
  });
  assertEquals(others, []);
  assertEquals(chart!.curves[0]!.points, [{ x: 1_000, y: 5 }, { x: 10_000, y: 5 }]);
});

Deno.test("an operation is measured by itself, without what must stand before and go after it", () => {
  const calls: string[] = [];
  const busy = (name: string, milliseconds: number) => (index: number) => {
    calls.push(`${name} ${index}`);
    for (const end = performance.now() + milliseconds; performance.now() < end;);
    return 1;
  };
  const operation: Operation = {
    name: "slow",
    answers: 1,
    before: busy("before", 5),
    run: busy("run", 2),
    after: busy("after", 5),
  };
  const { nanoseconds } = measureOperation(operation);
  assertEquals(calls.slice(0, 3), ["before 0", "run 0", "after 0"]);
  assertEquals(calls.length % 3, 0);
  assert(nanoseconds >= 2e6, `${nanoseconds} ns`);
});

Deno.test("an operation that does not answer what it should is not measured", () => {
  const operation = { name: "wrong", answers: 2, run: () => 1 };
  assertThrows(() => measureOperation(operation), Error, "wrong answered 1 values each time: it should be 2");
});

Deno.test("each operation of each structure answers what it should, and leaves it as it was", async () => {
  for (const structure of STRUCTURES) {
    let added = 0;
    const filling = structure.fill(20);
    let step = filling.next();
    for (; !step.done; step = filling.next()) added++;
    const operations = step.value;
    assertEquals(added, 20, structure.name);
    const once = () =>
      operations.map(({ name, before, run, after }) => {
        before?.(0);
        const found = run(0);
        after?.(0);
        return [name, found];
      });
    const expected = operations.map(({ name, answers }) => [name, answers]);
    assertEquals([once(), once()], [expected, expected], structure.name);
  }
  const { costs } = await measureStructure(STRUCTURES[0]!, 10);
  assertEquals(costs.map(({ operation }) => operation), ["match", "subscribe", "unsubscribe"]);
});

Deno.test("sizes end where they are told to, but one is left", () => {
  assertEquals(sizesUpTo([10, 1_000, 100_000], 1_000), [10, 1_000]);
  assertEquals(sizesUpTo([1_000, 10_000], 10), [1_000]);
});

Deno.test("a short run fills a broker from outside and draws what it saw", async () => {
  const plot = await Deno.makeTempFile({ suffix: ".svg" });
  const flags = ["--most", "1000", "--alone", "--json", "--plot", plot, "--seconds", "1"];
  const { code, text, stderr } = await growth("--only", "near,fill-retained,bystander", ...flags);
  assertEquals(code, 0, stderr + text);
  const { structures, fills, bystanders } = JSON.parse(text);
  assertEquals(structures.map(({ structure }: { structure: string }) => structure), ["near"]);
  assertEquals(fills[0].results.map(({ size }: { size: number }) => size), [1_000]);
  assert(fills[0].results[0].residentKibibytes > 0);
  assert(bystanders[0].rounds > 0 && bystanders[0].floodedMs > 0, JSON.stringify(bystanders));
  assertStringIncludes(await Deno.readTextFile(plot), "match none of them");
  await Deno.remove(plot);
});

Deno.test("a wrong flag of the growth bench is named and ends it with 2", async () => {
  const wrong: readonly [args: readonly string[], message: string][] = [
    [["--only", "exakt"], 'Unknown part "exakt": did you mean exact?'],
    [["--most", "0"], 'Cannot use --most "0"'],
    [["--seconds", "1.5"], "Cannot use --seconds 1.5"],
  ];
  for (const [args, message] of wrong) {
    const { code, stderr } = await growth(...args);
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, message);
  }
});
