import { type CommandLine, type Flag, UsageError } from "../../broker/cli/command_line.ts";
import { didYouMean } from "../../broker/config.ts";

/** The value of a flag that is a whole number above 0. */
export function wholeOf(line: CommandLine, name: string, otherwise: number): number {
  const value = positiveOf(line, name, otherwise);
  if (!Number.isInteger(value)) {
    throw new UsageError(`Cannot use --${name} ${value}: a whole number is needed`);
  }
  return value;
}

/** The value of a flag that is a number above 0. */
export function positiveOf(line: CommandLine, name: string, otherwise: number): number {
  const word = line.get(name)?.[0];
  const value = word === undefined ? otherwise : Number(word);
  if (word !== "" && Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`Cannot use --${name} ${JSON.stringify(word)}: a number above 0 is needed`);
}

/** Those of the names that `--only` says, or all. */
export function onlyOf(line: CommandLine, what: string, known: readonly string[]): readonly string[] {
  const names = line.get("only")?.[0]?.split(",");
  if (!names) return known;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`Unknown ${what} ${JSON.stringify(unknown)}: ${didYouMean(unknown, known)}`);
  }
  return known.filter((name) => names.includes(name));
}

/** Lines of `--help`. */
export function flagLines(flags: readonly Flag[]): string {
  const spelled = flags.map(({ name, placeholder }) => `--${name}${placeholder ? ` ${placeholder}` : ""}`);
  return nameLines(spelled.map((name, index) => ({ name, title: flags[index]!.help })));
}

export function nameLines(
  rows: readonly { readonly name: string; readonly title: string | undefined }[],
): string {
  const width = Math.max(...rows.map(({ name }) => name.length)) + 4;
  return rows.map(({ name, title }) => `  ${name.padEnd(width)}${title}`).join("\n");
}
