import { ToolProcess } from "../interop/support/tool_process.ts";
import { type BrokerProcess, type Command, onLoadCore } from "./broker_process.ts";
import { pausesIn } from "./collector_pauses.ts";
import type { Contestant } from "./contestant.ts";
import { openClient } from "./load/handshake.ts";
import type { BenchVersion, LoadOptions, LoadResult, MessageShape, Shape, Use } from "./load/options.ts";
import type { Result, StartResult, Task } from "./task.ts";

/** For start, connections and what is still under way in the end. */
const PATIENCE_MS = 30_000;
/** From this share of the time on a load is as busy as it can be, if the broker is less so by that much. */
const LOAD_BUSY = 0.85;
const LOAD_BUSIER_BY = 0.1;
const WAITS_MAX = 0.1;
const UNKNOWN_USE: Use = {
  brokerCores: NaN,
  loadCores: NaN,
  brokerBusy: NaN,
  loadBusy: NaN,
  brokerWaits: NaN,
  loadWaits: NaN,
};
const LOAD = new URL("./load.ts", import.meta.url).pathname;

/** A broker at a version of MQTT: what has a row of its own. */
export interface Entry {
  readonly contestant: Contestant;
  readonly version: BenchVersion;
}

export interface Pace {
  readonly rounds: number;
  readonly warmSeconds: number;
  readonly seconds: number;
}

/** The results of an entry, round by round. What failed in one has an error in its place. */
export interface Series {
  readonly entry: Entry;
  readonly results: readonly (Result | Error)[];
}

/** Who can do the task: not everybody has a garbage collector, or tells of it. */
export function entriesFor(task: Task, entries: readonly Entry[]): readonly Entry[] {
  return task.kind === "pauses" ? entries.filter(({ contestant }) => contestant.startTraced) : entries;
}

/**
 * Lets all entries do the same in turn, A B A B: a machine that others use as well is seldom the same for long, but it
 * is about the same for neighbours. Each time with a new broker, so nobody gains or loses by what was before.
 */
export async function measureAll(
  entries: readonly Entry[],
  task: Task,
  pace: Pace,
): Promise<readonly Series[]> {
  const series = entries.map((entry) => ({ entry, results: [] as (Result | Error)[] }));
  for (let round = 0; round < pace.rounds; round++) {
    for (const { entry, results } of series) results.push(await measure(entry, task, pace));
  }
  return series;
}

async function measure(entry: Entry, task: Task, pace: Pace): Promise<Result | Error> {
  try {
    if (task.kind === "start") return await measureStart(entry);
    if (task.kind === "pauses") return await measurePauses(entry, task.load, pace);
    await using broker = await entry.contestant.start();
    return await runLoad(broker, entry, task, pace);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** What a broker is ready for shows when it takes a client in: some say that they are before, or say nothing. */
async function measureStart({ contestant, version }: Entry): Promise<StartResult> {
  await using broker = await contestant.start();
  const { connection } = await openClient(broker.port, version, "first");
  const milliseconds = performance.now() - broker.spawnedAt;
  connection.close();
  return { kind: "start", milliseconds, ...UNKNOWN_USE };
}

/** With the warm-up, since a collector has to bear that as well. */
async function measurePauses(entry: Entry, load: MessageShape, pace: Pace): Promise<Result> {
  await using broker = await entry.contestant.startTraced!();
  const { spawnedAt } = broker;
  const from = performance.now() - spawnedAt;
  const result = await runLoad(broker, entry, load, pace);
  const to = performance.now() - spawnedAt;
  // What V8 prints may come only when it ends.
  const { text } = await broker.end();
  const pauses = pausesIn(text, { from, to });
  if (pauses.count === 0) throw new Error("The broker told of no garbage collection");
  return { ...result, pauses };
}

async function runLoad(
  { port, pid: brokerPid }: BrokerProcess,
  { version }: Entry,
  shape: Shape,
  { warmSeconds, seconds }: Pace,
): Promise<LoadResult> {
  const result = await runLoadProcess({ port, version, brokerPid, warmSeconds, seconds, shape });
  if (result.kind === "messages" && result.deliveriesPerSecond === 0) {
    throw new Error("No delivery came while it was measured");
  }
  return result;
}

async function runLoadProcess(options: LoadOptions): Promise<LoadResult> {
  const command: Command = [Deno.execPath(), "run", "--no-lock", "-A", LOAD, JSON.stringify(options)];
  const [program, ...args] = onLoadCore(command);
  await using load = new ToolProcess(program, args);
  const { code, text, stderr } = await load.outcome(
    PATIENCE_MS + (options.warmSeconds + options.seconds) * 1000,
  );
  if (code !== 0) throw new Error(`The load ended with ${code}: ${stderr.trim()}`);
  return JSON.parse(text);
}

/** Whether the entry can say what it was asked to: neither an error nor a message too few or too many. */
export function faultsOf({ results }: Series): readonly string[] {
  const faults = results.flatMap((result) => {
    if (result instanceof Error) return [result.message];
    if (result.kind !== "messages") return [];
    const { due, lost, repeated } = result;
    return [
      ...(lost > 0 ? [`${lost} of ${due} deliveries lost`] : []),
      ...(repeated > 0 ? [`${repeated} deliveries repeated or out of order`] : []),
    ];
  });
  return [...new Set(faults)];
}

/** A figure of each round; NaN for one that failed. */
export function each({ results }: Series, of: (result: Result) => number): number[] {
  return results.map((result) => result instanceof Error ? NaN : of(result));
}

/** Whether others had the core for so long that it is worth a remark. */
export function isDisturbed({ brokerWaits, loadWaits }: Pick<Use, "brokerWaits" | "loadWaits">): boolean {
  return Math.max(brokerWaits, loadWaits) > WAITS_MAX;
}

/** Whether it was the load that could do no more. Where the two wait for each other, neither is the limit. */
export function isLoadTheLimit({ loadBusy, brokerBusy }: Pick<Use, "loadBusy" | "brokerBusy">): boolean {
  return loadBusy >= LOAD_BUSY && loadBusy - brokerBusy >= LOAD_BUSIER_BY;
}
