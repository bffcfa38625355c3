import { parse } from "@std/toml";

/** A `[header]` or `[[header]]` and what is assigned below it. */
export interface Section {
  /** Empty for what stands before the first one. */
  readonly header: string;
  readonly line: number;
  readonly assignments: readonly Assignment[];
}

/** One `key = value`. */
export interface Assignment {
  readonly key: string;
  readonly value: unknown;
  /** Where it begins, from 1. */
  readonly line: number;
}

const BLANK = /^\s*(#.*)?$/;
const HEADER = /^\s*(\[\[?)\s*([^[\]]*?)\s*(\]\]?)\s*(#.*)?$/;

/**
 * Reads TOML section by section, with the line of everything. Each assignment is given to the parser alone: given a whole
 * file it would let a second key of one name silently replace the first or, for arrays, add to it, and drop some names.
 *
 * @param fail says what is wrong with a line
 */
export function readSections(text: string, fail: (line: number, problem: string) => never): Section[] {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  const sections: (Section & { readonly assignments: Assignment[] })[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    if (BLANK.test(lines[index]!)) continue;
    const [, open, name, close] = HEADER.exec(lines[index]!) ?? [];
    if (open && open.length === close!.length) {
      sections.push({ header: `${open}${name}${close}`, line, assignments: [] });
      continue;
    }
    let chunk = lines[index]!;
    while (isOpen(chunk) && index + 1 < lines.length) chunk += `\n${lines[++index]}`;
    if (sections.length === 0) sections.push({ header: "", line, assignments: [] });
    sections.at(-1)!.assignments.push({ ...parseAssignment(chunk, (problem) => fail(line, problem)), line });
  }
  return sections;
}

function parseAssignment(
  chunk: string,
  fail: (problem: string) => never,
): { readonly key: string; readonly value: unknown } {
  let table: Record<string, unknown>;
  try {
    table = parse(chunk);
  } catch {
    return fail("it is no key = value of TOML");
  }
  const [key, ...others] = Object.keys(table);
  if (key === undefined || others.length > 0) return fail("it is no key = value of TOML");
  return { key, value: table[key] };
}

const OPENING = /^("""|''')$/;
const STRING_OR_COMMENT = /"""[^]*?"""|'''[^]*?'''|"""|'''|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*/g;

/** Whether a bracket, or a string of several lines, is open at the end. */
function isOpen(chunk: string): boolean {
  const bare = chunk.replace(STRING_OR_COMMENT, (found) => OPENING.test(found) ? "[" : "");
  return bare.split("[").length > bare.split("]").length;
}
