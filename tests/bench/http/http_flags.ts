import {
  type CommandLine,
  type Flag,
  parseCommandLine,
  UsageError,
} from "../../../broker/cli/command_line.ts";

export const PACE_FLAGS: readonly Flag[] = [
  { name: "rounds", placeholder: "COUNT", help: "Times that each server has its turn; 3 unless given" },
  { name: "seconds", placeholder: "COUNT", help: "Measured each time; 3 unless given" },
  { name: "warm-up", placeholder: "COUNT", help: "Seconds before that; 2 unless given" },
  { name: "against", placeholder: "FOLDER", help: "Also the Pregón of another check-out" },
  { name: "help", short: "h", help: "Print this and exit" },
];

export interface HttpPace {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmSeconds: number;
  readonly against: string | undefined;
}

export function paceOf(line: CommandLine): HttpPace {
  return {
    rounds: wholeNumber(line, "rounds", 3),
    seconds: numberOf(line, "seconds", 3),
    warmSeconds: numberOf(line, "warm-up", 2),
    against: line.get("against")?.[0],
  };
}

export function wholeNumber(line: CommandLine, name: string, otherwise: number): number {
  const value = numberOf(line, name, otherwise);
  if (Number.isInteger(value)) return value;
  throw new UsageError(`Cannot use --${name} ${value}: a whole number is needed`);
}

function numberOf(line: CommandLine, name: string, otherwise: number): number {
  const word = line.get(name)?.[0];
  const value = word === undefined ? otherwise : Number(word);
  if (word !== "" && Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`Cannot use --${name} ${JSON.stringify(word)}: a number above 0 is needed`);
}

/** Runs a bench; the answer is the exit code: 0 done, 1 something failed, 2 wrong flags. */
export async function runBench(
  args: readonly string[],
  { flags, about, bench }: {
    readonly flags: readonly Flag[];
    readonly about: string;
    readonly bench: (line: CommandLine) => Promise<number>;
  },
): Promise<number> {
  try {
    const line = parseCommandLine(args, flags);
    if (!line.has("help")) return await bench(line);
    const spelled = flags.map(({ name, placeholder }) => `--${name}${placeholder ? ` ${placeholder}` : ""}`);
    const width = Math.max(...spelled.map((flag) => flag.length)) + 4;
    const lines = flags.map(({ help }, index) => `  ${spelled[index]!.padEnd(width)}${help}`);
    console.log(
      `${about}\n\nFlags:\n${lines.join("\n")}\n\nExit code: 0 done, 1 something failed, 2 wrong flags.`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    return 2;
  }
}
