import { ToolProcess } from "../../interop/support/tool_process.ts";
import { type BrokerProcess, type Command, onLoadCore } from "../broker_process.ts";
import type { HttpContestant } from "./http_contestant.ts";

/** What one contestant did, round by round; what failed has an error in its place. */
export interface HttpSeries<Result> {
  readonly contestant: HttpContestant;
  readonly results: readonly (Result | Error)[];
}

/** Lets all do the same in turn, A B A B, each time with a new server. */
export async function inTurn<Result>(
  contestants: readonly HttpContestant[],
  rounds: number,
  measure: (contestant: HttpContestant, server: BrokerProcess) => Promise<Result>,
): Promise<readonly HttpSeries<Result>[]> {
  const all = contestants.map((contestant) => ({ contestant, results: [] as (Result | Error)[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { contestant, results } of all) {
      try {
        await using server = await contestant.start();
        results.push(await measure(contestant, server));
      } catch (error) {
        results.push(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }
  return all;
}

/** Runs a program on the core of the load to its end, which must be a good one, and answers what it printed. */
export async function runOnLoadCore(command: Command, patienceMs: number): Promise<string> {
  const [program, ...args] = onLoadCore(command);
  await using load = new ToolProcess(program, args);
  const { code, text, stderr } = await load.outcome(patienceMs);
  if (code !== 0) throw new Error(`The load ended with ${code}: ${stderr.trim()}`);
  return text;
}
