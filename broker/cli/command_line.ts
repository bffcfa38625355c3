import { parseArgs } from "@std/cli/parse-args";
import { didYouMean } from "../config.ts";

/** A flag of a command. */
export interface Flag {
  readonly name: string;
  /** One letter. */
  readonly short?: string | undefined;
  /** What stands for its value in the help; a flag without one is a switch. */
  readonly placeholder?: string;
  readonly isRepeatable?: boolean;
  readonly help: string;
}

/** Something is wrong with the command line; the message says what, in one line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What the command line says, by the flags' names and the arguments': the values in their order, an empty list for a switch. */
export type CommandLine = ReadonlyMap<string, readonly string[]>;

/**
 * Reads the arguments; throws `UsageError` for what is no flag of the command, and for a flag without its value.
 *
 * @param names of the arguments that are no flags, in their order
 */
export function parseCommandLine(
  args: readonly string[],
  flags: readonly Flag[],
  names: readonly string[] = [],
): CommandLine {
  const valued = flags.filter((flag) => flag.placeholder);
  const parsed = parseArgs(spellOut(args, flags), {
    string: ["_", ...valued.map((flag) => flag.name)],
    boolean: flags.filter((flag) => !flag.placeholder).map((flag) => flag.name),
    collect: valued.map((flag) => flag.name),
    alias: Object.fromEntries(flags.flatMap((flag) => flag.short ? [[flag.name, flag.short]] : [])),
    unknown: (arg, key) => (key === undefined && names.length > 0) || refuse(arg, key, flags),
  });
  for (const arg of parsed._.slice(names.length)) refuse(String(arg), undefined, flags);
  const line = new Map<string, readonly string[]>(
    parsed._.map((arg, index) => [names[index]!, [String(arg)]]),
  );
  for (const { name, placeholder, isRepeatable } of flags) {
    const value = parsed[name];
    if (placeholder && Array.isArray(value) && value.length > 0) {
      line.set(name, isRepeatable ? value : value.slice(-1));
    } else if (!placeholder && value === true) line.set(name, []);
  }
  return line;
}

/**
 * Joins each flag to the argument that is its value: `-m -5` is a message, not two flags. The parser would guess by
 * the look of it.
 */
function spellOut(args: readonly string[], flags: readonly Flag[]): string[] {
  const spelled: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    if (arg === "--") return [...spelled, ...args.slice(index)];
    const flag = flags.find(({ name, short }) => arg === `--${name}` || (short && arg === `-${short}`));
    if (!flag) {
      checkSwitch(arg, flags);
      spelled.push(arg);
    } else if (!flag.placeholder) {
      spelled.push(`--${flag.name}=true`);
    } else {
      const value = args[++index];
      if (value === undefined) throw new UsageError(`Flag ${arg} needs a value: ${arg} ${flag.placeholder}`);
      spelled.push(`--${flag.name}=${value}`);
    }
  }
  return spelled;
}

function checkSwitch(arg: string, flags: readonly Flag[]): void {
  const flag = flags.find(({ name, placeholder }) => !placeholder && arg.startsWith(`--${name}=`));
  if (flag && !/=(true|false)$/.test(arg)) {
    throw new UsageError(`Cannot use ${arg}: --${flag.name} takes no value`);
  }
}

function refuse(arg: string, key: string | undefined, flags: readonly Flag[]): never {
  if (key === undefined) throw new UsageError(`Unknown argument ${JSON.stringify(arg)}: expected a flag`);
  // One letter is as far from every other.
  if (!arg.startsWith("--")) throw new UsageError(`Unknown flag -${key}: --help lists them`);
  const known = flags.map((flag) => `--${flag.name}`);
  throw new UsageError(`Unknown flag --${key}: ${didYouMean(`--${key}`, known)}`);
}
