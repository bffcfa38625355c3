import type { Chart, Curve } from "../chart.ts";
import type { Machine } from "../machine.ts";
import type { BystanderResult } from "./bystander_process.ts";
import type { FillResult } from "./fill_process.ts";
import type { Measurement } from "./structure_process.ts";

/** One structure, filled with more and more. */
export interface StructureGrowth {
  readonly structure: string;
  readonly title: string;
  readonly entry: string;
  readonly measurements: readonly Measurement[];
  readonly curves: readonly OperationGrowth[];
}

/** What one operation costs for each value that it answers, size by size. */
export interface OperationGrowth {
  readonly operation: string;
  readonly points: readonly { readonly size: number; readonly nanoseconds: number }[];
  /** 0: the cost stays the same; 1: it grows as the size does. NaN with less than two sizes to compare. */
  readonly exponent: number;
}

/** One broker, filled with more and more from outside. */
export interface FillGrowth {
  readonly fill: string;
  readonly entry: string;
  readonly broker: string;
  readonly results: readonly FillResult[];
}

export interface Bystander extends BystanderResult {
  readonly broker: string;
  readonly messages: number;
}

export interface GrowthReport {
  readonly machine: Machine;
  readonly brokers: readonly string[];
  readonly structures: readonly StructureGrowth[];
  readonly fills: readonly FillGrowth[];
  readonly bystanders: readonly Bystander[];
  /** What grows faster than its answer. */
  readonly findings: readonly string[];
}

/**
 * From this exponent on something grows faster than its answer. A look-up among a million costs some ten times one among a
 * thousand merely as it is in no cache of the processor, which is 0.35.
 */
const EXPONENT_MAX = 0.5;
/** Below, the caches hold everything, and what stands once beside the entries is most of their memory. */
const SIZE_MIN = 1_000;

export function structureGrowth(
  { name, title, entry }: { readonly name: string; readonly title: string; readonly entry: string },
  measurements: readonly Measurement[],
): StructureGrowth {
  const operations = measurements[0]?.costs.map(({ operation }) => operation) ?? [];
  const curves = operations.map((operation) => {
    const points = measurements.map(({ size, costs }) => {
      const { nanoseconds, answers } = costs.find((cost) => cost.operation === operation)!;
      return { size, nanoseconds: nanoseconds / Math.max(answers, 1) };
    });
    return { operation, points, exponent: exponentOf(points) };
  });
  return { structure: name, title, entry, measurements, curves };
}

/** The slope between the first size that counts and the last, both as logarithms. */
export function exponentOf(points: OperationGrowth["points"]): number {
  const [first, last] = [points.find(({ size }) => size >= SIZE_MIN), points.at(-1)];
  if (!first || !last || first.size >= last.size) return NaN;
  return Math.log(last.nanoseconds / first.nanoseconds) / Math.log(last.size / first.size);
}

export function findingsOf(structures: readonly StructureGrowth[]): readonly string[] {
  return structures.flatMap(({ title, curves }) =>
    curves.filter(({ exponent }) => exponent > EXPONENT_MAX).map(({ operation, points, exponent }) => {
      const { size, nanoseconds } = points.at(-1)!;
      return `${title}, ${operation}: ${timeText(nanoseconds)} at ${count(size)}, ` +
        `as the size to the power of ${exponent.toFixed(2)}`;
    })
  );
}

/** Memory of each entry that came since the size before, in KiB. The first size pays for what a broker needs anyway. */
export function kibibytesPerEntry(results: readonly FillResult[]): readonly number[] {
  return results.map((result, index) => {
    const before = results[index - 1];
    if (!before) return NaN;
    return (result.residentKibibytes - before.residentKibibytes) / (result.size - before.size);
  });
}

export function structureTable({ title, entry, measurements, curves }: StructureGrowth): string {
  const bytes = measurements.map((measurement) =>
    measurement.size < SIZE_MIN ? NaN : measurement.bytesPerEntry
  );
  return [
    line(title, [...measurements.map(({ size }) => count(size)), "power"]),
    ...curves.map(({ operation, points, exponent }) =>
      line(`  ${operation}`, [
        ...points.map(({ nanoseconds }) => timeText(nanoseconds)),
        exponent > EXPONENT_MAX ? `${exponent.toFixed(2)} !` : number(exponent, 2),
      ])
    ),
    line(`  bytes of a ${entry}`, bytes.map((value) => number(value, 0))),
    line("  longest to add one", measurements.map(({ worstMs }) => timeText(worstMs * 1e6))),
  ].join("\n");
}

export function fillTable(fills: readonly FillGrowth[]): string {
  const [{ entry, results } = { entry: "", results: [] }] = fills;
  return [
    line(`From outside: ${entry}`, results.map(({ size }) => count(size))),
    ...fills.flatMap(({ broker, results }) => [
      line(`  ${broker}, KiB each`, kibibytesPerEntry(results).map((value) => number(value, 2))),
      line(`  ${broker}, added a second`, results.map(({ perSecond }) => number(perSecond, 0))),
    ]),
  ].join("\n");
}

export function bystanderTable(bystanders: readonly Bystander[]): string {
  const messages = bystanders[0]?.messages ?? 0;
  return [
    line(`Beside a subscriber of # and ${count(messages)} retained`, [
      "p99 before",
      "p99 then",
      "missed",
      "retained/s",
    ]),
    ...bystanders.map(({ broker, quietMs, floodedMs, missed, messagesPerSecond }) =>
      line(`  ${broker}`, [
        `${quietMs.toFixed(1)} ms`,
        `${floodedMs.toFixed(1)} ms`,
        count(missed),
        count(Math.round(messagesPerSecond)),
      ])
    ),
  ].join("\n");
}

export function chartsOf({ structures, fills }: GrowthReport): readonly Chart[] {
  const sizeAxis = { title: "entries", isLogarithmic: true };
  return [
    ...structures.map(({ title, curves }): Chart => ({
      title,
      x: sizeAxis,
      y: { title: "ns for each value answered", isLogarithmic: true },
      curves: curves.map(({ operation, points }): Curve => ({
        name: operation,
        points: points.map(({ size, nanoseconds }) => ({ x: size, y: nanoseconds })),
      })),
    })),
    ...(fills.length === 0 ? [] : [{
      title: "Memory of a broker that is filled from outside",
      x: sizeAxis,
      y: { title: "KiB", isLogarithmic: true },
      curves: fills.map(({ entry, broker, results }): Curve => ({
        name: `${broker}: ${entry.replace(/ (of|without).*/, "")}`,
        points: results.map(({ size, residentKibibytes }) => ({ x: size, y: residentKibibytes })),
      })),
    }]),
  ];
}

const NAME_WIDTH = 48;
const CELL_WIDTH = 14;

function line(name: string, cells: readonly string[]): string {
  return name.padEnd(NAME_WIDTH) + cells.map((cell) => cell.padStart(CELL_WIDTH)).join("");
}

/** With the unit that leaves one to three digits before the point. */
export function timeText(nanoseconds: number): string {
  if (!Number.isFinite(nanoseconds)) return "–";
  const [factor, unit] = nanoseconds < 1e3 ? [1, "ns"] : nanoseconds < 1e6 ? [1e3, "µs"] : [1e6, "ms"];
  const value = nanoseconds / Number(factor);
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}

function count(value: number): string {
  return value.toLocaleString("en");
}

function number(value: number, digits: number): string {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
