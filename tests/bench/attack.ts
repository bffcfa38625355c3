import { parseArgs } from "@std/cli/parse-args";
import { ToolProcess } from "../interop/support/tool_process.ts";
import { type Attack, ATTACKS } from "./attack/attacks.ts";
import { WorkingClient } from "./attack/working_client.ts";
import { isPinned, moveToLoadCore, onLoadCore } from "./broker_process.ts";
import { pregon } from "./contestant.ts";
import { descriptorsMax, residentKibibytes } from "./load/process_use.ts";
import { thisMachine } from "./machine.ts";
import { median } from "./statistics.ts";

const CHECKOUT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const ATTACKER = new URL("./attack/attacker.ts", import.meta.url).pathname;
/** The working client may wait so many times as long under attack as without. */
const P99_FACTOR_MAX = 2;
/** What the broker may hold more after the last round than after the first: its memory is flat. */
const GROWTH_MIB_MAX = 64;
/** Descriptors that a process needs beside its links. */
const DESCRIPTORS_SPARE = 500;
/** What may be under way when the time is over; what does not come at all is more. */
const LATE_SHARE = 0.01;
/** The broker looks at what is overdue each second. */
const CALM_MS = 1_500;
const MEMORY_SAMPLE_MS = 500;
/** In the first of them the system fills the buffers of a thousand slow readers: it has its own bursts then, of 1 to 3 ms. */
const SECONDS = 15;

const USAGE = `deno task bench:attack [--only ${Object.keys(ATTACKS).join(",")}] [--rounds 3] [--seconds 15]
  Measures a working client, 200 messages a second to itself, beside each attack in turn, and the memory of the broker.
  Exits with 1 if its p99 is over ${P99_FACTOR_MAX} times what it is without the attack, in the median of the rounds, if
  it misses a message, or if the broker holds over ${GROWTH_MIB_MAX} MiB more after the last round than after the first.
`;

interface Round {
  readonly quietMs: number;
  readonly attackedMs: number;
  readonly missed: number;
  readonly beforeMib: number;
  readonly peakMib: number;
  readonly afterMib: number;
}

interface Pace {
  readonly rounds: number;
  readonly seconds: number;
}

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  const flags = parseArgs(Deno.args, { string: ["only", "rounds", "seconds"], boolean: ["help"] });
  const names = flags.only === undefined ? Object.keys(ATTACKS) : String(flags.only).split(",");
  const pace = { rounds: Number(flags.rounds ?? 3), seconds: Number(flags.seconds ?? SECONDS) };
  const isRight = names.every((name) => name in ATTACKS) && pace.rounds >= 1 && pace.seconds > 0;
  if (flags.help || !isRight) {
    console.log(USAGE);
    return flags.help ? 0 : 2;
  }
  const { processor, cores } = await thisMachine();
  console.log(`${processor}, ${cores} cores${isPinned() ? ", broker and load on one each" : ""}`);
  await moveToLoadCore();
  let failures = 0;
  for (const name of names) failures += await withstand(name, ATTACKS[name]!, pace);
  return failures === 0 ? 0 : 1;
}

/** A broker of its own for each attack, as `serve` starts it. Answers how many of the bounds did not hold. */
async function withstand(name: string, attack: Attack, { rounds, seconds }: Pace): Promise<number> {
  const count = Math.min(attack.count, descriptorsMax() - DESCRIPTORS_SPARE);
  const scaled = count < attack.count
    ? ` (${attack.count} wanted; the system allows ${descriptorsMax()} descriptors)`
    : "";
  console.log(`\n${name}: ${count} ${attack.unit}, ${attack.what}${scaled}`);
  const temporary = await Deno.makeTempDir({ prefix: "pregon-attack-" });
  const done: Round[] = [];
  try {
    await using broker = await pregon(name, CHECKOUT, temporary).start();
    const client = await WorkingClient.start(broker.port);
    await client.measure(1); // Until the broker is warm.
    for (let round = 0; round < rounds; round++) {
      const start = () => attackerOf(name, broker.port, count);
      done.push(await playRound(client, { pid: broker.pid, seconds, start }));
      console.log(lineOf(done.at(-1)!));
    }
    client.close();
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
  return judge(done);
}

async function playRound(
  client: WorkingClient,
  { pid, seconds, start }: {
    readonly pid: number;
    readonly seconds: number;
    readonly start: () => ToolProcess;
  },
): Promise<Round> {
  const quiet = await client.measure(seconds / 2);
  const beforeMib = residentMib(pid);
  let peakMib = beforeMib;
  const sampling = setInterval(() => peakMib = Math.max(peakMib, residentMib(pid)), MEMORY_SAMPLE_MS);
  await using attacker = start();
  await attacker.prints("full");
  const attacked = await client.measure(seconds);
  await attacker.end("SIGKILL");
  clearInterval(sampling);
  await new Promise((resolve) => setTimeout(resolve, CALM_MS));
  return {
    quietMs: quiet.p99 / 1000,
    attackedMs: attacked.p99 / 1000,
    // One may be under way at either end of the time.
    missed: Math.max(0, attacked.sent - attacked.received - Math.ceil(attacked.sent * LATE_SHARE)),
    beforeMib,
    peakMib,
    afterMib: residentMib(pid),
  };
}

/**
 * Behind everything else on its core: what is measured is the broker, not how the load gets in its own way. Idle, not nice:
 * a process that is only nice is not interrupted before it has had its slice of some 3 ms.
 */
function attackerOf(name: string, port: number, count: number): ToolProcess {
  const flags = ["run", "--quiet", "--config", `${CHECKOUT}/deno.json`, "--allow-net", ATTACKER];
  const [program, ...args] = onLoadCore([Deno.execPath(), ...flags, name, String(port), String(count)]);
  const [behind, ...how] = isPinned() ? ["chrt", "--idle", "0"] : ["nice", "-n", "19"];
  return new ToolProcess(behind!, [...how, program, ...args]);
}

function judge(rounds: readonly Round[]): number {
  const factor = median(rounds.map(({ quietMs, attackedMs }) => attackedMs / quietMs));
  const growthMib = rounds.at(-1)!.afterMib - rounds[0]!.afterMib;
  const missed = rounds.reduce((sum, round) => sum + round.missed, 0);
  const verdicts = [
    [factor <= P99_FACTOR_MAX, `p99 is ${factor.toFixed(2)} times as long, of at most ${P99_FACTOR_MAX}`],
    [growthMib <= GROWTH_MIB_MAX, `memory grew by ${growthMib.toFixed(0)} MiB, of at most ${GROWTH_MIB_MAX}`],
    [missed === 0, `${missed} messages missed`],
  ] as const;
  for (const [holds, words] of verdicts) console.log(`  ${holds ? "ok    " : "FAILED"} ${words}`);
  return verdicts.filter(([holds]) => !holds).length;
}

function lineOf({ quietMs, attackedMs, beforeMib, peakMib, afterMib }: Round): string {
  return `  p99 ${quietMs.toFixed(2)} ms quiet, ${attackedMs.toFixed(2)} ms attacked; ` +
    `broker ${beforeMib.toFixed(0)} MiB before, ${peakMib.toFixed(0)} at most, ${afterMib.toFixed(0)} after`;
}

function residentMib(pid: number): number {
  return residentKibibytes(pid) / 1024;
}
