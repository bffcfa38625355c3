/**
 * Measures somebody with work to do while another is sent all retained messages again and again. Takes
 * `BystanderOptions` as JSON and prints a `BystanderResult` as JSON.
 */
import { ToolProcess } from "../../interop/support/tool_process.ts";
import { WorkingClient } from "../attack/working_client.ts";
import type { FloodOptions, FloodResult } from "./flood_process.ts";
import { FILLS } from "./fills.ts";

export interface BystanderOptions {
  readonly port: number;
  /** Retained, to begin with. */
  readonly messages: number;
  readonly seconds: number;
}

export interface BystanderResult extends FloodResult {
  /** Milliseconds, before and while. */
  readonly quietMs: number;
  readonly floodedMs: number;
  /** Messages that the bystander did not get, but for one that may be under way. */
  readonly missed: number;
}

const FLOOD = new URL("./flood_process.ts", import.meta.url).pathname;
/** The flood begins before and ends after what is measured. */
const MARGIN_SECONDS = 1;
const PATIENCE_MS = 60_000;

if (import.meta.main) {
  console.log(JSON.stringify(await standBy(JSON.parse(Deno.args[0] ?? "{}"))));
  Deno.exit(0);
}

async function standBy({ port, messages, seconds }: BystanderOptions): Promise<BystanderResult> {
  await FILLS.find(({ name }) => name === "retained")!.add(port, 0, messages);
  const client = await WorkingClient.start(port);
  await client.measure(MARGIN_SECONDS); // Until all is warm.
  const quiet = await client.measure(seconds);
  const options: FloodOptions = { port, messages, seconds: seconds + MARGIN_SECONDS };
  // Behind everything else on its core: what is measured is the broker, not how the load gets in its own way.
  await using flood = new ToolProcess("nice", [
    ...["-n", "19", Deno.execPath(), "run", "--no-lock", "-A", FLOOD, JSON.stringify(options)],
  ]);
  await flood.prints("full");
  const flooded = await client.measure(seconds);
  const { code, lines, stderr } = await flood.outcome(PATIENCE_MS);
  if (code !== 0) throw new Error(`The subscriber of # ended with ${code}: ${stderr.trim()}`);
  client.close();
  return {
    ...JSON.parse(lines.at(-1)!) as FloodResult,
    quietMs: quiet.p99 / 1000,
    floodedMs: flooded.p99 / 1000,
    missed: Math.max(0, flooded.sent - flooded.received - 1),
  };
}
