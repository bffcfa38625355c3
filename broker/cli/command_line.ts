import { parseArgs } from "@std/cli/parse-args";
import { didYouMean, quote } from "../config.ts";

/** A flag of a command. */
export interface Flag {
  readonly name: string;
  /** One letter. */
  readonly short?: string | undefined;
  /** What stands for its value in the help; a flag without one is a switch. */
  readonly placeholder?: string;
  readonly isRepeatable?: boolean;
  /** Its value without what nobody else should see; undefined: there is nothing of the kind. */
  readonly redact?: ((value: string) => string) | undefined;
  /** For a value of several arguments: how many it has, by the arguments that follow. They come joined by `\0`. */
  readonly wordCount?: (args: readonly string[]) => number;
  /** No flag but an argument that stands alone, such as the name of a file. They come in their order, and all must be there. */
  readonly isPositional?: boolean;
  /** Of the last of those: it may be left out. */
  readonly isOptional?: boolean;
  readonly help: string;
}

/** What stands between the words of a value of several arguments: no argument of a program can have it. */
export const WORD_SEPARATOR = "\0";

/** Something is wrong with the command line; the message says what, in one line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What the command line says, by the flags' names and the arguments': the values in their order, an empty list for a switch. */
export type CommandLine = ReadonlyMap<string, readonly string[]>;

/**
 * Reads the arguments; throws `UsageError` for what is no flag of the command, for a flag without its value or with two
 * where it takes one, and for an argument that is missing or one too many.
 */
export function parseCommandLine(args: readonly string[], known: readonly Flag[]): CommandLine {
  const flags = known.filter((flag) => !flag.isPositional);
  const positionals = known.filter((flag) => flag.isPositional);
  const valued = flags.filter((flag) => flag.placeholder);
  const parsed = parseArgs(spellOut(args, flags), {
    string: [...valued.map((flag) => flag.name), "_"],
    boolean: flags.filter((flag) => !flag.placeholder).map((flag) => flag.name),
    collect: valued.map((flag) => flag.name),
    alias: Object.fromEntries(flags.flatMap((flag) => flag.short ? [[flag.name, flag.short]] : [])),
    unknown: (arg, key) => (key === undefined && positionals.length > 0) || refuse(arg, key, flags),
  });
  const line = new Map<string, readonly string[]>();
  for (const flag of flags) {
    const { name, placeholder, isRepeatable } = flag;
    const value = parsed[name];
    if (placeholder && Array.isArray(value) && value.length > 0) {
      if (value.length > 1 && !isRepeatable) throw repeated(flag, value);
      line.set(name, value);
    } else if (!placeholder && value === true) line.set(name, []);
  }
  const standing = parsed._.map(String);
  for (const arg of standing.slice(positionals.length)) refuse(arg, undefined, flags);
  for (const [index, { name, help, isOptional }] of positionals.entries()) {
    const value = standing[index];
    if (value !== undefined) line.set(name, [value]);
    else if (!isOptional && !line.has("help")) throw new UsageError(`Missing ${name}: ${help}`);
  }
  return line;
}

/** The value of a flag that takes one. */
export function valueOf(line: CommandLine, name: string): string | undefined {
  return line.get(name)?.[0];
}

/** The value of a flag that is there, as a number. */
export function wholeNumberOf(
  line: CommandLine,
  name: string,
  { min, max }: { min: number; max: number },
): number {
  const text = valueOf(line, name)!;
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(
    `Cannot use ${JSON.stringify(text)} for --${name}: it must be a whole number from ${min} to ${max}`,
  );
}

/** One of them would count for nothing, and nobody would hear of it. */
function repeated({ name, redact }: Flag, [first, second]: readonly string[]): UsageError {
  const [one, other] = [first, second].map((value) => quote(value, redact));
  return new UsageError(`Cannot use both ${one} and ${other} for --${name}: give one of them`);
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
      // The parser takes --no-x=true for --x=true.
      spelled.push(flag.name.startsWith("no-") ? `--${flag.name}` : `--${flag.name}=true`);
    } else {
      const count = flag.wordCount?.(args.slice(index + 1)) ?? 1;
      const words = args.slice(index + 1, index + 1 + count);
      if (words.length < count) throw new UsageError(`Flag ${arg} needs a value: ${arg} ${flag.placeholder}`);
      spelled.push(`--${flag.name}=${words.join(WORD_SEPARATOR)}`);
      index += count;
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
