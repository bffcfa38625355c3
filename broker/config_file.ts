import { parse } from "@std/toml";
import { readSections, type Section } from "./auth/toml_lines.ts";
import { ConfigError } from "./config_schema.ts";

/** A file with options; its name is for messages. */
export interface ConfigFile {
  readonly name: string;
  readonly text: string;
}

/**
 * Reads the file as TOML. A key that is given twice is refused: the parser would take the last, or join two lists, and a
 * line further up that closes a door would close nothing.
 */
export function parseConfigFile(file: ConfigFile): Record<string, unknown> {
  let table: Record<string, unknown>;
  try {
    table = parse(file.text);
  } catch (error) {
    throw new ConfigError(`Cannot read ${file.name} as TOML: ${reasonOf(error)}`);
  }
  refuseRepeated(file);
  return table;
}

/** Where and what, in one line. The parser goes on with the text itself, in which there may be a secret. */
function reasonOf(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return reason.replace(/ on line '.*/s, "").replace(/( is not closed):.*/s, "$1").replace(/\s+/g, " ")
    .trim();
}

function refuseRepeated({ name, text }: ConfigFile): void {
  const lines = new Map<string, number>();
  const sections = readSections(text, (line, problem) => {
    throw new ConfigError(`Cannot read ${name} as TOML: line ${line}: ${problem}`);
  });
  for (const section of sections) {
    for (const [path, line] of pathsIn(section)) {
      const before = lines.get(path);
      if (before !== undefined) {
        throw new ConfigError(
          `Cannot use ${path} from ${name}: it is given twice, in line ${before} and in line ${line}`,
        );
      }
      lines.set(path, line);
    }
  }
}

/** `mqtt.port`, however it is written: below its section, with a dot, or within braces. */
function* pathsIn({ header, assignments }: Section): Generator<[path: string, line: number]> {
  const prefix = header === "" ? "" : `${header.replace(/^\[+|\]+$/g, "")}.`;
  for (const { key, value, line } of assignments) {
    for (const path of leaves(`${prefix}${key}`, value)) yield [path, line];
  }
}

function* leaves(path: string, value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Date) {
    yield path;
    return;
  }
  for (const [key, inner] of Object.entries(value)) yield* leaves(`${path}.${key}`, inner);
}
