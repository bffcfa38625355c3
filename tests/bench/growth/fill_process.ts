/**
 * Fills a broker from outside with more and more, and sees what it takes. Takes `FillOptions` as JSON and prints a list
 * of `FillResult` as JSON.
 */
import { residentKibibytes } from "../load/process_use.ts";
import { FILLS } from "./fills.ts";

export interface FillOptions {
  readonly port: number;
  readonly brokerPid: number;
  readonly fill: string;
  readonly sizes: readonly number[];
}

export interface FillResult {
  readonly size: number;
  /** Since the size before. */
  readonly perSecond: number;
  readonly residentKibibytes: number;
}

/** The broker's memory settles for so long before it is read. */
const SETTLE_MS = 1_000;

if (import.meta.main) {
  console.log(JSON.stringify(await fillBroker(JSON.parse(Deno.args[0] ?? "{}"))));
  Deno.exit(0); // What is open is of no interest any more.
}

export async function fillBroker({ port, brokerPid, fill, sizes }: FillOptions): Promise<FillResult[]> {
  const found = FILLS.find(({ name }) => name === fill);
  if (!found) throw new Error(`Cannot fill a broker with ${JSON.stringify(fill)}: there is no such thing`);
  const results: FillResult[] = [];
  let from = 0;
  for (const size of sizes) {
    const startedAt = performance.now();
    await found.add(port, from, size);
    const seconds = (performance.now() - startedAt) / 1000;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    results.push({
      size,
      perSecond: (size - from) / seconds,
      residentKibibytes: residentKibibytes(brokerPid),
    });
    from = size;
  }
  return results;
}
