import { commitOf } from "../contestant.ts";
import { thisMachine } from "../machine.ts";
import { number } from "../report.ts";
import { median, medianRatio } from "../statistics.ts";
import type { HttpSeries } from "./in_turn.ts";
import manifest from "../../../deno.json" with { type: "json" };

const CHECKOUT = new URL("../../..", import.meta.url).pathname.replace(/\/$/, "");
const NAME_WIDTH = 40;
const CELL_WIDTH = 12;

/** What all results have in common. */
export interface HttpResult {
  readonly brokerCores: number;
  readonly loadCores: number;
}

/** A column of its own: a heading, and what stands below it. */
export type Column<Result> = readonly [heading: string, of: (result: Result) => number];

/**
 * The medians of each series, and its ratio to the first, round by round: of what it does, and of what it does with one
 * core, which does not change when somebody else uses the machine.
 */
export function httpTable<Result extends HttpResult>(
  title: string,
  [[unit, figure], ...columns]: readonly [Column<Result>, ...Column<Result>[]],
  all: readonly HttpSeries<Result>[],
): string {
  const perCore = (result: Result) => figure(result) / result.brokerCores;
  const lines = all.map((series) => {
    const ratio = (of: (result: Result) => number) => medianRatio(each(series, of), each(all[0]!, of));
    const cells = [
      number(median(each(series, figure)), 0),
      number(ratio(figure), 2),
      number(ratio(perCore), 2),
      ...columns.map(([, of]) => number(median(each(series, of)), 0)),
      number(median(each(series, (result) => result.brokerCores)), 2),
      number(median(each(series, (result) => result.loadCores)), 2),
    ];
    const errors = series.results.filter((result) => result instanceof Error);
    return line(`  ${series.contestant.name}`, cells) +
      errors.map(({ message }) => `\n    ! ${message}`).join("");
  });
  const headings = ["median", "ratio", "per core", ...columns.map(([heading]) => heading), "broker", "load"];
  return [line(`${title} (${unit})`, headings), ...lines].join("\n");
}

/** On what, and of what, it was measured. */
export async function httpHead(pace: { readonly rounds: number; readonly seconds: number }): Promise<string> {
  const { processor, cores, kernel, deno, isPinned } = await thisMachine();
  const pinned = isPinned ? "server on core 0, load on core 1" : "server and load share the cores";
  return [
    `Machine   ${processor}, ${cores} cores, ${kernel}, Deno ${deno}; ${pinned}`,
    `Pregón    ${manifest.version}, ${await commitOf(CHECKOUT)}`,
    `Rounds    ${pace.rounds} of ${pace.seconds} s, each with a new server; what stands below are medians`,
    "Columns   ratio: to the first row, median of the rounds' ratios; per core: the same of what a core of the server",
    "          does; broker, load: cores used, near 1.00 it is the limit",
  ].join("\n");
}

export function each<Result>(
  { results }: HttpSeries<Result>,
  of: (result: Result) => number,
): number[] {
  return results.map((result) => result instanceof Error ? NaN : of(result));
}

function line(name: string, cells: readonly string[]): string {
  return name.padEnd(NAME_WIDTH) + cells.map((cell) => cell.padStart(CELL_WIDTH)).join("");
}
