/**
 * Fills one structure with more and more and measures what is done with it, alone in its process. Takes
 * `StructureOptions` as JSON and prints a list of `Measurement` as JSON.
 *
 *     deno run -A --v8-flags=--expose-gc tests/bench/growth/structure_process.ts '{"structure":"hash","sizes":[10,1000]}'
 */
import { lowerQuartile } from "../statistics.ts";
import { BATCH_MAX, type Operation, type Step, type Structure, STRUCTURES } from "./structures.ts";

export interface StructureOptions {
  readonly structure: string;
  readonly sizes: readonly number[];
}

export interface Measurement {
  readonly size: number;
  /** What the heap holds more for each entry; NaN where it cannot be told. */
  readonly bytesPerEntry: number;
  /** The longest from one entry to the next: while a table moves to a larger one, or garbage is collected, nothing else happens. */
  readonly worstMs: number;
  readonly costs: readonly Cost[];
}

export interface Cost {
  readonly operation: string;
  readonly answers: number;
  /** Of doing it once. */
  readonly nanoseconds: number;
}

/** For compiling, and for measuring. */
const WARM_MS = 60;
const MEASURED_MS = 200;
/** Long enough for the clock, which knows microseconds. */
const BATCH_MS = 1;
const BATCHES_MIN = 3;
/** About what a client sends in one go. */
const ADDED_AT_ONCE = 100;
const NANOSECONDS_PER_MS = 1e6;

declare const gc: (() => void) | undefined;

if (import.meta.main) {
  const { structure, sizes }: StructureOptions = JSON.parse(Deno.args[0] ?? "{}");
  const found = STRUCTURES.find(({ name }) => name === structure);
  if (!found) throw new Error(`Cannot fill ${JSON.stringify(structure)}: there is no such structure`);
  const measurements: Measurement[] = [];
  for (const size of sizes) measurements.push(await measureStructure(found, size));
  console.log(JSON.stringify(measurements));
}

/** Smaller sizes come first, so the code is compiled when it is the turn of the large ones. */
export async function measureStructure(structure: Structure, size: number): Promise<Measurement> {
  const before = heapBytes();
  const { operations, worstMs } = await fillOne(structure, size);
  const bytesPerEntry = (heapBytes() - before) / size;
  return { size, bytesPerEntry, worstMs, costs: operations.map(measureOperation) };
}

/** Returns to the event loop as a broker does: without, garbage is collected in one piece, of hundreds of milliseconds. */
async function fillOne(
  structure: Structure,
  size: number,
): Promise<{ operations: readonly Operation[]; worstMs: number }> {
  const filling = structure.fill(size);
  let worstMs = 0;
  let addedAt = performance.now();
  for (let count = 1;; count++) {
    const step = filling.next();
    if (count % ADDED_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    const now = performance.now();
    if (step.done) return { operations: step.value, worstMs };
    worstMs = Math.max(worstMs, now - addedAt);
    addedAt = now;
  }
}

export function measureOperation(operation: Operation): Cost {
  const batch = batchFor(operation);
  repeat(operation, batch, WARM_MS);
  const times = repeat(operation, batch, MEASURED_MS);
  const { name, answers } = operation;
  return { operation: name, answers, nanoseconds: lowerQuartile(times) / batch * NANOSECONDS_PER_MS };
}

/** The first time may be slow for many reasons, so the fastest of some decides. */
function batchFor(operation: Operation): number {
  for (let batch = 1; batch < BATCH_MAX; batch *= 2) {
    const times = Array.from({ length: BATCHES_MIN }, () => timeOf(operation, batch));
    if (Math.min(...times) >= BATCH_MS) return batch;
  }
  return BATCH_MAX;
}

function repeat(operation: Operation, batch: number, milliseconds: number): number[] {
  const times: number[] = [];
  for (let spent = 0; spent < milliseconds || times.length < BATCHES_MIN;) {
    const time = timeOf(operation, batch);
    times.push(time);
    spent += time;
  }
  return times;
}

function timeOf({ name, answers, before, run, after }: Operation, count: number): number {
  if (before) repeatStep(before, count);
  const startedAt = performance.now();
  const found = repeatStep(run, count);
  const time = performance.now() - startedAt;
  if (after) repeatStep(after, count);
  if (found === answers * count) return time;
  throw new Error(`${name} answered ${found / count} values each time: it should be ${answers}`);
}

function repeatStep(step: Step, count: number): number {
  let found = 0;
  for (let index = 0; index < count; index++) found += step(index);
  return found;
}

function heapBytes(): number {
  if (typeof gc === "undefined") return NaN;
  gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
