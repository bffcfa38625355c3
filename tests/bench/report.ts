import type { Pauses } from "./collector_pauses.ts";
import type { MessageResult, Use } from "./load/options.ts";
import type { Machine } from "./machine.ts";
import { each, faultsOf, isDisturbed, isLoadTheLimit, type Pace, type Series } from "./measure.ts";
import { median, medianRatio } from "./statistics.ts";
import type { Workload } from "./workload.ts";

/** What is known of one entry under one workload. Medians of the rounds; NaN (null in JSON) for what is not measured. */
export interface Row {
  readonly workload: string;
  readonly unit: string;
  readonly broker: string;
  readonly mqtt: "3.1.1" | "5.0";
  readonly value: number;
  /** To the first entry, round by round. */
  readonly ratio: number;
  /** The other way round: what the first entry has, as a share of this one's. */
  readonly firstShare: number;
  /** The same of what each does with one core: it does not change when somebody else uses the machine. NaN for memory. */
  readonly coreRatio: number;
  /** In microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly brokerCores: number;
  /** Near 1 the load measures itself. */
  readonly loadCores: number;
  /** As in `Use`. */
  readonly brokerBusy: number;
  readonly loadBusy: number;
  readonly brokerWaits: number;
  readonly loadWaits: number;
  /** Where they were measured: how many there were in all rounds, the longest of them, and medians. */
  readonly pauses?: Pauses;
  /** Of the messages that make the pauses. */
  readonly deliveriesPerSecond: number;
  readonly faults: readonly string[];
  /** Why somebody who was given to the bench has no figure: it does not do this. That is no fault. */
  readonly cannot?: string;
}

export interface Report {
  readonly machine: Machine;
  /** Who took part, with what else is to know of them. */
  readonly brokers: readonly string[];
  readonly pace: Pace;
  readonly rows: readonly Row[];
}

export function rowsOf(workload: Workload, all: readonly Series[]): readonly Row[] {
  return all.map((series) => rowOf(workload, series, all[0]!));
}

function rowOf({ name, figure }: Workload, series: Series, first: Series): Row {
  const values = each(series, figure.of);
  const ofMessages = (key: Exclude<keyof MessageResult, "kind">) =>
    median(each(series, (result) => result.kind === "messages" ? result[key] : NaN));
  const pauses = pausesOf(series);
  const cannot = inabilityOf(series);
  const ofUse = (key: keyof Use) => median(each(series, (result) => result[key]));
  return {
    workload: name,
    unit: figure.unit,
    broker: series.entry.contestant.name,
    mqtt: mqttName(series.entry.version),
    value: median(values),
    ratio: medianRatio(values, each(first, figure.of)),
    firstShare: medianRatio(each(first, figure.of), values),
    coreRatio: figure.isLessBetter
      ? NaN
      : medianRatio(perCore(values, series), perCore(each(first, figure.of), first)),
    p50: ofMessages("p50"),
    p99: ofMessages("p99"),
    p999: ofMessages("p999"),
    brokerCores: ofUse("brokerCores"),
    loadCores: ofUse("loadCores"),
    brokerBusy: ofUse("brokerBusy"),
    loadBusy: ofUse("loadBusy"),
    brokerWaits: ofUse("brokerWaits"),
    loadWaits: ofUse("loadWaits"),
    ...(pauses && { pauses }),
    deliveriesPerSecond: ofMessages("deliveriesPerSecond"),
    faults: cannot === undefined ? faultsOf(series) : [],
    ...(cannot !== undefined && { cannot }),
  };
}

function pausesOf(series: Series): Pauses | undefined {
  const all = series.results.flatMap((result) =>
    !(result instanceof Error) && result.kind === "messages" && result.pauses ? [result.pauses] : []
  );
  if (all.length === 0) return undefined;
  return {
    count: all.reduce((sum, { count }) => sum + count, 0),
    p50: median(all.map(({ p50 }) => p50)),
    p999: median(all.map(({ p999 }) => p999)),
    longest: Math.max(...all.map(({ longest }) => longest)),
  };
}

/** What it says in one line when it did nothing in any round. */
function inabilityOf({ entry, results }: Series): string | undefined {
  const errors = results.filter((result) => result instanceof Error);
  if (!entry.contestant.isGiven || errors.length < results.length) return undefined;
  return errors[0]?.message.split("\n", 1)[0];
}

function perCore(values: readonly number[], series: Series): number[] {
  const cores = each(series, (result) => result.brokerCores);
  return values.map((value, round) => value / cores[round]!);
}

export function mqttName(version: 4 | 5): "3.1.1" | "5.0" {
  return version === 5 ? "5.0" : "3.1.1";
}

const COLUMNS = [
  "",
  "median",
  "ratio",
  "first",
  "per core",
  "p50 µs",
  "p99 µs",
  "p99.9 µs",
  "broker",
  "load",
];

/** What stands above the table. */
export function head({ machine, brokers, pace }: Omit<Report, "rows">): string {
  const { processor, cores, kernel, deno, isPinned } = machine;
  const pinned = isPinned ? "broker on core 0, load on core 1" : "broker and load share the cores";
  const { rounds, seconds, warmSeconds } = pace;
  return [
    `Machine   ${processor}, ${cores} cores, ${kernel}, Deno ${deno}; ${pinned}`,
    ...brokers.map((broker, index) => `${index === 0 ? "Brokers" : "       "}   ${broker}`),
    `Rounds    ${rounds} of ${seconds} s, each after ${warmSeconds} s with a new broker; what stands below are medians`,
    "Columns   ratio: to the first row, median of the rounds' ratios; first: what the first row has of this one's;",
    "          per core: the ratio of what a core of the broker does; broker, load: cores used, near 1.00 it is the",
    "          limit. Below a row stand deliveries lost or repeated, and what else makes its figure doubtful",
  ].join("\n");
}

/** The rows of one workload as text. */
export function table(workload: Workload, rows: readonly Row[]): string {
  const { unit, isLessBetter } = workload.figure;
  const cells = [
    [`${workload.title} (${unit}${isLessBetter ? ", less is better" : ""})`, ...COLUMNS.slice(1)],
    ...rows.map((row) => [
      `  ${row.broker}, ${row.mqtt}`,
      number(row.value, row.value < 100 ? 1 : 0),
      number(row.ratio, 2),
      percent(row.firstShare),
      number(row.coreRatio, 2),
      ...[row.p50, row.p99, row.p999].map((value) => number(value, 0)),
      number(row.brokerCores, 2),
      number(row.loadCores, 2),
    ]),
  ];
  const lines = cells.map(([first, ...others]) =>
    first!.padEnd(NAME_WIDTH) + others.map((cell) => cell.padStart(CELL_WIDTH)).join("")
  );
  const remarks = rows.map((row) =>
    [
      ...(row.cannot === undefined ? [] : [`\n    – It cannot do this: ${row.cannot}`]),
      ...(row.pauses ? [`\n    ${pauseLine(row.pauses, row)}`] : []),
      ...row.faults.map((fault) => `\n    ! ${fault}`),
      ...doubtsOf(row).map((doubt) => `\n    ~ ${doubt}`),
    ].join("")
  );
  return [lines[0], ...lines.slice(1).map((line, index) => line + remarks[index])].join("\n");
}

function pauseLine({ count, p50, p999, longest }: Pauses, { deliveriesPerSecond }: Row): string {
  const [half, most, all] = [p50, p999, longest].map((pause) => `${number(pause, 1)} ms`);
  return `${count} pauses at ${number(deliveriesPerSecond, 0)} messages/s: half within ${half}, 99.9 % ` +
    `within ${most}, the longest took ${all}`;
}

/** Why a figure may say little of the broker. */
function doubtsOf(row: Row): readonly string[] {
  const doubts: string[] = [];
  if (isLoadTheLimit(row)) {
    const { loadBusy, brokerBusy } = row;
    doubts.push(
      `The load is the limit: it was busy ${percent(loadBusy)} of the time, the broker ${
        percent(brokerBusy)
      }`,
    );
  }
  if (isDisturbed(row)) {
    doubts.push(
      `Others had the core for ${percent(row.brokerWaits)} of the broker's time, ${
        percent(row.loadWaits)
      } of the load's`,
    );
  }
  return doubts;
}

/** A share in percent; a dash for what is not known. */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${Math.round(share * 100)} %` : "–";
}

const NAME_WIDTH = 62;
const CELL_WIDTH = 10;

/** As it stands in a table; a dash for what is not known. */
export function number(value: number, digits: number): string {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
