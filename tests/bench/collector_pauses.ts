/** For how long the main thread of a broker stood still for its garbage collector, in milliseconds. */
export interface Pauses {
  readonly count: number;
  readonly p50: number;
  readonly p999: number;
  readonly longest: number;
}

/** By the clock of the isolate, in milliseconds since the process began or a moment later. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** `[4711:0x55c0]  185 ms: Scavenge 8.5 (10.2) -> 7.9 (10.8) MB, pooled: 0.0 MB, 1.40 / 0.00 ms (…` */
const LINE = /^\[\d+:(0x[0-9a-f]+)\] +(\d+) ms: .* MB, (\d+\.\d+) \/ \d+\.\d+ ms /gm;
/** What an incremental collection says of its steps; of all but the longest it does not say how long they took. */
const STEP = /biggest step (\d+\.\d+) ms/;

/**
 * Reads what V8 printed with `--trace-gc`. A thread that works for the broker, such as the store's, has an isolate of its
 * own, which stops nobody else: the main thread's is there first, so it is the first that collects.
 */
export function pausesIn(trace: string, { from, to }: Span): Pauses {
  const pauses: number[] = [];
  let main: string | undefined;
  for (const match of trace.matchAll(LINE)) {
    const [, isolate, at, pause] = match;
    main ??= isolate;
    if (isolate !== main || Number(at) < from || Number(at) > to) continue;
    pauses.push(Number(pause));
    const [, step] = STEP.exec(lineFrom(trace, match.index)) ?? [];
    if (step !== undefined) pauses.push(Number(step));
  }
  pauses.sort((one, other) => one - other);
  const quantile = (share: number) => pauses[Math.ceil(share * pauses.length) - 1] ?? NaN;
  return { count: pauses.length, p50: quantile(0.5), p999: quantile(0.999), longest: quantile(1) };
}

function lineFrom(text: string, start: number): string {
  const end = text.indexOf("\n", start);
  return text.slice(start, end < 0 ? undefined : end);
}
