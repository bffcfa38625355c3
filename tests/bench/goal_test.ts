import { assertEquals, assertMatch } from "@std/assert";
import { judge, LIMIT_SHARES, verdictsOf, verdictTable } from "./goal.ts";
import type { MessageResult } from "./load/options.ts";
import { isLoadTheLimit, type Series } from "./measure.ts";
import { rowsOf, table } from "./report.ts";
import { type Workload, WORKLOADS } from "./workload.ts";

const IDLE_LOAD = { loadBusy: 0.5, loadCores: 0.5, loadWaits: 0 };
const FULL_LOAD = { loadBusy: 0.98, loadCores: 0.6, loadWaits: 0.38 };
const BROKER = { brokerBusy: 0.6, brokerCores: 0.6, brokerWaits: 0 };

function result(figures: Partial<MessageResult>): MessageResult {
  const latency = { p50: 10, p99: 20, p999: 30 };
  const counts = { due: 100, lost: 0, repeated: 0 };
  return {
    kind: "messages",
    deliveriesPerSecond: 100,
    ...latency,
    ...counts,
    ...BROKER,
    ...IDLE_LOAD,
    ...figures,
  };
}

function series(name: string, version: 4 | 5, results: Series["results"]): Series {
  const start = () => Promise.reject(new Error("Not to be started"));
  return { entry: { contestant: { name, versions: [4, 5], start }, version }, results };
}

function workload(name: string): Workload {
  return WORKLOADS.find((workload) => workload.name === name)!;
}

function verdicts(name: string, all: readonly Series[]) {
  return verdictsOf(workload(name), all, rowsOf(workload(name), all));
}

Deno.test("a goal is met at its bound, and not just before it, whichever way is better", () => {
  const quiet = { isOursHeldBack: false, isPeerHeldBack: false };
  for (
    const [value, isLessBetter, outcome] of [
      [6, false, "met"],
      [5.99, false, "not met"],
      [6, true, "met"],
      [6.01, true, "not met"],
      [NaN, false, "not measured"],
      [Infinity, false, "not measured"],
    ] as const
  ) assertEquals(judge({ value, bound: 6, isLessBetter, ...quiet }), outcome, `${value} ${isLessBetter}`);
});

Deno.test("a figure that the load held back decides only what it can", () => {
  const limit = "the load is the limit";
  for (
    const [value, isOursHeldBack, isPeerHeldBack, outcome] of [
      [7, true, false, "met"], // It would be even more.
      [5, true, false, limit],
      [7, false, true, limit],
      [5, false, true, "not met"], // It would be even less.
      [7, true, true, limit],
      [5, true, true, limit],
    ] as const
  ) {
    const judged = judge({ value, bound: 6, isLessBetter: false, isOursHeldBack, isPeerHeldBack });
    assertEquals(judged, outcome, `${value} ${isOursHeldBack} ${isPeerHeldBack}`);
  }
});

Deno.test("the load is the limit when it is as busy as it can be and the broker is not", () => {
  assertEquals(isLoadTheLimit({ loadBusy: 0.95, brokerBusy: 0.8 }), true);
  assertEquals(isLoadTheLimit({ loadBusy: 0.95, brokerBusy: 0.95 }), false, "both are");
  assertEquals(isLoadTheLimit({ loadBusy: 0.6, brokerBusy: 0.3 }), false, "they wait for each other");
  assertEquals(isLoadTheLimit({ loadBusy: NaN, brokerBusy: NaN }), false, "there is no /proc");
});

Deno.test("Pregón is judged round by round beside the mosquitto of the same version", () => {
  const [verdict, ...others] = verdicts("one", [
    series("Pregón", 4, [result({ deliveriesPerSecond: 650 }), result({ deliveriesPerSecond: 70 })]),
    series("Pregón", 5, [result({}), result({})]),
    series("mosquitto 2.0.11", 4, [
      result({ deliveriesPerSecond: 100 }),
      result({ deliveriesPerSecond: 10 }),
    ]),
    series("aedes 1.2.0", 4, [result({}), result({})]),
  ]);
  assertEquals(others, []);
  assertEquals([verdict!.mqtt, verdict!.value, verdict!.bound, verdict!.outcome], ["3.1.1", 6.75, 6, "met"]);
});

Deno.test("latencies are compared where latency is the goal", () => {
  const mosquitto = series("mosquitto 2.0.11", 4, [result({ p50: 40, p99: 400 })]);
  const ours = series("Pregón", 4, [result({ p50: 46, p99: 300 })]);
  const [pingPong] = verdicts("ping-pong", [ours, mosquitto]);
  assertEquals([pingPong!.value, pingPong!.outcome], [1.15, "not met"]);
  const [paced] = verdicts("paced", [ours, mosquitto]);
  assertEquals([paced!.value, paced!.outcome], [0.75, "met"]);
});

Deno.test("a memory goal needs no mosquitto, a ratio does", () => {
  const use = { ...BROKER, ...IDLE_LOAD };
  const connections = {
    kind: "connections",
    connectionsPerSecond: 9,
    kibibytesPerConnection: 7,
    ...use,
  } as const;
  const ours = [series("Pregón", 4, [connections])];
  assertEquals(verdicts("idle", ours).map(({ value, outcome }) => [value, outcome]), [[7, "not met"]]);
  assertEquals(verdicts("connect", ours).map(({ outcome }) => outcome), ["not measured"]);
});

Deno.test("who loses a delivery meets no goal", () => {
  const [verdict] = verdicts("one", [
    series("Pregón", 4, [result({ deliveriesPerSecond: 900, lost: 1 })]),
    series("mosquitto 2.0.11", 4, [result({})]),
  ]);
  assertEquals(verdict!.outcome, "faulty");
});

Deno.test("the table says below a row why its figure is doubtful", () => {
  const rows = rowsOf(workload("one"), [series("Pregón", 4, [result(FULL_LOAD)])]);
  assertEquals(table(workload("one"), rows).split("\n").slice(2), [
    "    ~ The load is the limit: it was busy 98 % of the time, the broker 60 %",
    "    ~ Others had the core for 0 % of the broker's time, 38 % of the load's",
  ]);
});

Deno.test("the table of goals has a line for each, with what is asked and what is there", () => {
  const all = [
    series("Pregón", 4, [result({ deliveriesPerSecond: 650 })]),
    series("mosquitto 2.0.11", 4, [result({})]),
  ];
  const [, line] = verdictTable(verdicts("one", all)).split("\n");
  assertMatch(line!, /^ {2}one +Pregón, 3\.1\.1 +6\.50 x +at least 6 x +met$/);
  const [, missing] = verdictTable(verdicts("one", all.slice(0, 1))).split("\n");
  assertMatch(missing!, / – +at least 6 x +not measured$/);
});

Deno.test("a verdict says when others had the core, here or beside mosquitto", () => {
  const quiet = result({ deliveriesPerSecond: 650 });
  const disturbed = { brokerBusy: 0.6, brokerCores: 0.2, brokerWaits: 0.4 };
  for (const [ours, theirs] of [[disturbed, {}], [{}, disturbed]] as const) {
    const all = [
      series("Pregón", 4, [result({ deliveriesPerSecond: 650, ...ours })]),
      series("mosquitto 2.0.11", 4, [result(theirs)]),
    ];
    assertMatch(verdictTable(verdicts("one", all)), / met, but others had the core$/);
  }
  const all = [series("Pregón", 4, [quiet]), series("mosquitto 2.0.11", 4, [result({})])];
  assertMatch(verdictTable(verdicts("one", all)), / met$/);
});

Deno.test("the share of what limit has is judged where limit is, and only for what has such a goal", () => {
  const ours = series("Pregón", 4, [result({ deliveriesPerSecond: 549 })]);
  const limit = series("limit", 4, [result({ deliveriesPerSecond: 1000 })]);
  const outcomes = (name: string, all: readonly Series[]) =>
    verdicts(name, all).map(({ beside, outcome }) => [beside, outcome]);
  assertEquals(outcomes("pairs", [ours]), [["mosquitto", "not measured"]]);
  assertEquals(outcomes("pairs", [ours, limit]), [["mosquitto", "not measured"], ["limit", "not met"]]);
  assertEquals(outcomes("fan-out", [ours, limit])[1], ["limit", "met"]);
  for (const name of ["one", "qos2"]) {
    assertEquals(outcomes(name, [ours, limit]), [["mosquitto", "not measured"]]);
  }
  const relay = series("relay", 4, [result({ deliveriesPerSecond: 1000 })]);
  assertEquals(outcomes("pairs", [ours, relay]), [["mosquitto", "not measured"]]);
  const dumb = series("limit", 4, [new Error("It closed")]);
  assertEquals(outcomes("pairs", [ours, dumb])[1], ["limit", "not measured"]);
});

Deno.test("a share of what limit has stands in the table in percent", () => {
  const all = [
    series("Pregón", 4, [result({ deliveriesPerSecond: 600 })]),
    series("limit", 4, [result({ deliveriesPerSecond: 1000 })]),
  ];
  const [, , line] = verdictTable(verdicts("pairs", all)).split("\n");
  assertMatch(line!, /^ {2}pairs +Pregón, 3\.1\.1 +60 % +at least 55 % +met$/);
});

Deno.test("each share of limit belongs to a workload", () => {
  for (const name of Object.keys(LIMIT_SHARES)) assertEquals(workload(name)?.name, name);
});

Deno.test("the start has a goal of its own, whoever stands beside it", () => {
  const start = (milliseconds: number) => ({ kind: "start" as const, milliseconds, ...BROKER, ...IDLE_LOAD });
  const all = (milliseconds: number) => [
    series("Pregón", 4, [start(milliseconds)]),
    series("mosquitto 2.0.11", 4, [start(4)]),
  ];
  assertEquals(verdicts("start", all(300)).map(({ value, outcome }) => [value, outcome]), [[300, "met"]]);
  assertEquals(verdicts("start", all(301)).map(({ outcome }) => outcome), ["not met"]);
});

Deno.test("every workload has a goal that can be met", () => {
  for (const { name, goal } of WORKLOADS) assertEquals(goal.bound > 0, true, name);
});
