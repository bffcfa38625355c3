import { isReservedName } from "../core/identity.ts";
import { saslprep } from "./saslprep.ts";
import { parseVerifier, type Verifier } from "./verifier.ts";

/** A password file cannot be used; the message says which line and why, in one line. */
export class PasswordFileError extends Error {
  override readonly name = "PasswordFileError";
}

export interface PasswordFile {
  /** For messages. */
  readonly name: string;
  readonly text: string;
}

const NAME_QUOTE_MAX = 40;

/**
 * Reads the users of a password file. A user is a line, `name:verifier`; a line that begins with # and an empty one are
 * nobody. One bad line makes the whole file unusable: it may have been meant to keep somebody out.
 *
 * @throws {PasswordFileError}
 */
export function parsePasswordFile(file: PasswordFile): ReadonlyMap<string, Verifier> {
  const verifiers = new Map<string, Verifier>();
  for (const [index, line] of linesOf(file.text).entries()) {
    if (!isOfUser(line)) continue;
    const fail = (problem: string): never => {
      throw new PasswordFileError(`Cannot use ${file.name}, line ${index + 1}: ${problem}`);
    };
    const colon = line.indexOf(":");
    if (colon === -1) return fail("there is no colon after a name");
    const name = checkUserName(line.slice(0, colon), fail);
    if (verifiers.has(name)) fail(`there is a user ${quote(name)} before`);
    verifiers.set(name, parseVerifier(line.slice(colon + 1), fail));
  }
  return verifiers;
}

/** The file's text with these users, each in the place of an earlier one of the name or at the end. */
export function withUsers(text: string, verifiers: ReadonlyMap<string, Verifier>): string {
  const left = new Map(verifiers);
  const lines = withoutLastBreak(linesOf(text)).map((line) => {
    const name = nameOf(line);
    const verifier = name === undefined ? undefined : left.get(name);
    if (!verifier) return line;
    left.delete(name!);
    return `${name}:${verifier}`;
  });
  return [...lines, ...[...left].map(([name, verifier]) => `${name}:${verifier}`)].join("\n") + "\n";
}

/** The file's text without this user; undefined if there is no such user. */
export function withoutUser(text: string, name: string): string | undefined {
  const lines = withoutLastBreak(linesOf(text));
  const left = lines.filter((line) => nameOf(line) !== name);
  if (left.length === lines.length) return undefined;
  return left.map((line) => `${line}\n`).join("");
}

/** The name as it is compared; `fail` says what is wrong with it. */
export function checkUserName(written: string, fail: (problem: string) => never): string {
  const name = saslprep(written);
  if (name === undefined) return fail(`the name ${quote(written)} has a character that is not allowed`);
  if (name.trim() === "") fail("the name is empty");
  if (name !== name.trim()) fail(`the name ${quote(name)} has a space around it`);
  if (name.includes(":")) fail(`the name ${quote(name)} has a colon, which ends a name`);
  if (name.startsWith("#")) fail(`the name ${quote(name)} begins with #, as a comment does`);
  if (isReservedName(name)) fail(`the name ${quote(name)} is the broker's own`);
  return name;
}

function linesOf(text: string): string[] {
  return text.replace(/^\ufeff/, "").split(/\r?\n/);
}

function withoutLastBreak(lines: string[]): string[] {
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

function isOfUser(line: string): boolean {
  return line.trim() !== "" && !line.startsWith("#");
}

/** Whose line it is. */
function nameOf(line: string): string | undefined {
  return isOfUser(line) ? saslprep(line.slice(0, Math.max(0, line.indexOf(":")))) : undefined;
}

/** Never more than a name's worth: the line may be a password that went astray. */
function quote(name: string): string {
  return JSON.stringify(name.length <= NAME_QUOTE_MAX ? name : `${name.slice(0, NAME_QUOTE_MAX)}…`);
}
