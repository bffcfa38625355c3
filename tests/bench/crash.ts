import { parseArgs } from "@std/cli/parse-args";
import { CrashRun, RESUMES_STREAMS } from "./crash/crash_run.ts";

const USAGE = `deno task bench:crash [--kills 200] [--seed N] [--seconds 0.6] [--streams]
  Kills a broker with SIGKILL while clients use it, and exits with 1 if it did not keep what it acknowledged.
  --kills    how often
  --seed     of everything that is left to chance; the same seed does not give the same run, only the same plan
  --seconds  longest time between two kills
  --streams  expect an EventSource to miss nothing either
`;

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  const flags = parseArgs(Deno.args, { string: ["kills", "seed", "seconds"], boolean: ["streams", "help"] });
  const kills = Number(flags.kills ?? 200);
  const seed = Number(flags.seed ?? crypto.getRandomValues(new Uint16Array(1))[0]);
  const seconds = Number(flags.seconds ?? 0.6);
  if (flags.help || !(kills > 0) || !(seconds > 0) || !Number.isInteger(seed)) {
    console.log(USAGE);
    return flags.help ? 0 : 2;
  }
  console.log(`seed ${seed}`);
  const resumesStreams = RESUMES_STREAMS || flags.streams === true;
  const onProgress = (count: number) => count % 20 === 0 && console.log(`${count} kills`);
  const run = new CrashRun({ kills, seed, seconds, resumesStreams, onProgress });
  const { violations, figures, lives, folder } = await run.play();
  console.log(`${Deno.build.os} ${Deno.build.arch}, Deno ${Deno.version.deno}`);
  for (const [name, figure] of Object.entries(figures)) console.log(`${name.padEnd(28)}${figure}`);
  if (violations.length === 0) return 0;
  console.log(`\n${violations.length} violations; the data are in ${folder}`);
  for (const violation of violations.slice(0, 20)) console.log(`  ${violation}`);
  for (const life of lives) console.log(`  ${life}`);
  return 1;
}
