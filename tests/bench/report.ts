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
  readonly faults: readonly string[];
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
  const ofUse = (key: keyof Use) => median(each(series, (result) => result[key]));
  return {
    workload: name,
    unit: figure.unit,
    broker: series.entry.contestant.name,
    mqtt: mqttName(series.entry.version),
    value: median(values),
    ratio: medianRatio(values, each(first, figure.of)),
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
    faults: faultsOf(series),
  };
}

function perCore(values: readonly number[], series: Series): number[] {
  const cores = each(series, (result) => result.brokerCores);
  return values.map((value, round) => value / cores[round]!);
}

export function mqttName(version: 4 | 5): "3.1.1" | "5.0" {
  return version === 5 ? "5.0" : "3.1.1";
}

const COLUMNS = ["", "median", "ratio", "per core", "p50 µs", "p99 µs", "p99.9 µs", "broker", "load"];

/** What stands above the table. */
export function head({ machine, brokers, pace }: Omit<Report, "rows">): string {
  const { processor, cores, kernel, deno, isPinned } = machine;
  const pinned = isPinned ? "broker on core 0, load on core 1" : "broker and load share the cores";
  const { rounds, seconds, warmSeconds } = pace;
  return [
    `Machine   ${processor}, ${cores} cores, ${kernel}, Deno ${deno}; ${pinned}`,
    ...brokers.map((broker, index) => `${index === 0 ? "Brokers" : "       "}   ${broker}`),
    `Rounds    ${rounds} of ${seconds} s, each after ${warmSeconds} s with a new broker; what stands below are medians`,
    "Columns   ratio: to the first row, median of the rounds' ratios; per core: the same of what a core of the broker does;",
    "          broker, load: cores used, near 1.00 it is the limit. Below a row stand deliveries lost or repeated, and",
    "          what else makes its figure doubtful",
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
      ...row.faults.map((fault) => `\n    ! ${fault}`),
      ...doubtsOf(row).map((doubt) => `\n    ~ ${doubt}`),
    ].join("")
  );
  return [lines[0], ...lines.slice(1).map((line, index) => line + remarks[index])].join("\n");
}

/** Why a figure may say little of the broker. */
function doubtsOf(row: Row): readonly string[] {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
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

const NAME_WIDTH = 62;
const CELL_WIDTH = 11;

/** As it stands in a table; a dash for what is not known. */
export function number(value: number, digits: number): string {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
