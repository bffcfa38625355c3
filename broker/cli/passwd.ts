import {
  checkUserName,
  parsePasswordFile,
  PasswordFileError,
  withoutUser,
  withUsers,
} from "../auth/password_file.ts";
import { saslprep } from "../auth/saslprep.ts";
import {
  DEFAULT_ITERATIONS,
  DEFAULT_SALT_BYTES,
  ITERATIONS_MAX,
  ITERATIONS_MIN,
  ScramVerifier,
} from "../auth/scram_verifier.ts";
import { ScryptVerifier } from "../auth/scrypt_verifier.ts";
import type { Verifier } from "../auth/verifier.ts";
import { type CommandLine, UsageError, valueOf } from "./command_line.ts";
import { readLoginLines } from "./login_lines.ts";
import { readPassword, type Terminal } from "./password_prompt.ts";
import { StartError } from "./start.ts";
import { describeSystemError } from "./system_error.ts";

export interface PasswdOptions {
  readonly file: string;
  /** Undefined: users and passwords come line by line. */
  readonly user: string | undefined;
  readonly isDeleting: boolean;
  /** Of SCRAM's verifier; undefined for one of scrypt's. */
  readonly iterations: number | undefined;
}

/** Passwords hashed at once; a thread does each. */
const HASHES_MAX = 4;

const encoder = new TextEncoder();

/** The `passwd` command; the answer is the exit code. */
export async function runPasswd(line: CommandLine): Promise<number> {
  console.error(await passwd(passwdOptions(line), Deno.stdin));
  return 0;
}

/** Changes the file; answers what it did. */
export async function passwd(options: PasswdOptions, terminal: Terminal): Promise<string> {
  const { file, user, isDeleting } = options;
  const before = await readExisting(file);
  if (user !== undefined && isDeleting) return await remove(file, user, before ?? "");
  const verifiers = user === undefined
    ? await batch(terminal, options)
    : new Map([[user, await makeVerifier(checked(await readPassword(terminal, user)), options)]]);
  // Somebody may have taken their time to type.
  await replace(file, withUsers(await readExisting(file) ?? "", verifiers));
  const who = user === undefined ? `${verifiers.size} users` : JSON.stringify(user);
  return `${before === undefined ? "Created" : "Changed"} ${file}: ${who} may come in`;
}

async function remove(file: string, user: string, text: string): Promise<string> {
  const left = withoutUser(text, user);
  if (left === undefined) throw new StartError(`Cannot remove ${JSON.stringify(user)}: not in ${file}`);
  await replace(file, left);
  return `Removed ${JSON.stringify(user)} from ${file}`;
}

/** All or none: a line that cannot be used says so before any password is hashed. */
async function batch(terminal: Terminal, options: PasswdOptions): Promise<ReadonlyMap<string, Verifier>> {
  const lines = await readLoginLines(terminal);
  const verifiers: Verifier[] = [];
  let next = 0;
  const hash = async () => {
    while (next < lines.length) {
      const index = next++;
      verifiers[index] = await makeVerifier(lines[index]!.password, options);
    }
  };
  await Promise.all(Array.from({ length: HASHES_MAX }, hash));
  return new Map(lines.map(({ user }, index) => [user, verifiers[index]!]));
}

/** @param password prepared by `saslprep` */
async function makeVerifier(password: string, { iterations }: PasswdOptions): Promise<Verifier> {
  const salt = crypto.getRandomValues(new Uint8Array(DEFAULT_SALT_BYTES));
  return iterations === undefined
    ? await ScryptVerifier.make(password, { salt })
    : await ScramVerifier.make(password, { iterations, salt });
}

function checked(password: string): string {
  const prepared = saslprep(password);
  if (prepared) return prepared;
  throw new StartError("Cannot use the password: it has a character like a control");
}

function passwdOptions(line: CommandLine): PasswdOptions {
  const file = valueOf(line, "FILE")!;
  const user = valueOf(line, "USER");
  const isBatch = line.has("batch");
  if ((user === undefined) !== isBatch) {
    throw new UsageError(
      "Cannot tell whose password: give a file and a user, pregon passwd FILE USER, or a file and --batch",
    );
  }
  const isDeleting = line.has("delete");
  if (isBatch && isDeleting) throw new UsageError("Cannot use both --batch and --delete");
  if (line.has("scrypt") && line.has("iterations")) {
    throw new UsageError("Cannot use both --scrypt and --iterations: those are of the other form");
  }
  const fail = (problem: string): never => {
    throw new UsageError(`Cannot use ${JSON.stringify(user)} as a user: ${problem}`);
  };
  return {
    file,
    user: user === undefined ? undefined : checkUserName(user, fail),
    isDeleting,
    iterations: line.has("scrypt") ? undefined : iterationsOf(line),
  };
}

function iterationsOf(line: CommandLine): number {
  const iterations = valueOf(line, "iterations") ?? String(DEFAULT_ITERATIONS);
  const count = /^\d+$/.test(iterations) ? Number(iterations) : NaN;
  if (count >= ITERATIONS_MIN && count <= ITERATIONS_MAX) return count;
  throw new UsageError(
    `Cannot use ${
      JSON.stringify(iterations)
    } for --iterations: it must be a whole number from ${ITERATIONS_MIN} to ${ITERATIONS_MAX}`,
  );
}

/** The file's text, if there is one and the broker could use it; what it cannot use is not made worse. */
async function readExisting(name: string): Promise<string | undefined> {
  try {
    const text = await Deno.readTextFile(name);
    parsePasswordFile({ name, text });
    return text;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new StartError(
      error instanceof PasswordFileError
        ? error.message
        : `Cannot read ${name}: ${describeSystemError(error)}`,
    );
  }
}

/**
 * Writes the file whole or not at all, for its owner's eyes only. The new file also keeps a second `passwd` away, which
 * would undo what this one does.
 */
async function replace(name: string, text: string): Promise<void> {
  let path = name;
  let owner: Deno.FileInfo | undefined;
  try {
    path = await Deno.realPath(name); // Else a link would be replaced, and not what it leads to.
    owner = await Deno.stat(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw failure(name, error);
  }
  const fresh = `${path}.new`;
  let isOurs = false;
  try {
    using file = await Deno.open(fresh, { write: true, createNew: true, mode: 0o600 });
    isOurs = true;
    const bytes = encoder.encode(text);
    for (let sent = 0; sent < bytes.length;) sent += await file.write(bytes.subarray(sent));
    await file.sync();
    // On Windows there is none.
    if (owner && owner.uid !== null) await Deno.chown(fresh, owner.uid, owner.gid);
    await Deno.rename(fresh, path);
  } catch (error) {
    if (isOurs) await Deno.remove(fresh).catch(() => {}); // What went wrong first is what counts.
    throw failure(isOurs ? name : fresh, error);
  }
}

function failure(name: string, error: unknown): StartError {
  const hint = error instanceof Deno.errors.AlreadyExists
    ? "; another passwd is at work, or was killed and left it"
    : "";
  return new StartError(`Cannot write ${name}: ${describeSystemError(error)}${hint}`);
}
