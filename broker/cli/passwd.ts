import {
  checkUserName,
  parsePasswordFile,
  PasswordFileError,
  withoutUser,
  withUser,
} from "../auth/password_file.ts";
import { saslprep } from "../auth/saslprep.ts";
import {
  DEFAULT_ITERATIONS,
  DEFAULT_SALT_BYTES,
  ITERATIONS_MAX,
  ITERATIONS_MIN,
  makeVerifier,
} from "../auth/verifier.ts";
import { type CommandLine, UsageError, valueOf } from "./command_line.ts";
import { readPassword, type Terminal } from "./password_prompt.ts";
import { StartError } from "./start.ts";
import { describeSystemError } from "./system_error.ts";

interface PasswdOptions {
  readonly file: string;
  readonly user: string;
  readonly isDeleting: boolean;
  readonly iterations: number;
}

const encoder = new TextEncoder();

/** The `passwd` command; the answer is the exit code. */
export async function runPasswd(line: CommandLine): Promise<number> {
  console.error(await passwd(passwdOptions(line), Deno.stdin));
  return 0;
}

/** Changes the file; answers what it did. */
export async function passwd(options: PasswdOptions, terminal: Terminal): Promise<string> {
  const { file, user, isDeleting, iterations } = options;
  const before = await readExisting(file);
  if (isDeleting) {
    const left = withoutUser(before ?? "", user);
    if (left === undefined) throw new StartError(`Cannot remove ${JSON.stringify(user)}: not in ${file}`);
    await replace(file, left);
    return `Removed ${JSON.stringify(user)} from ${file}`;
  }
  const password = saslprep(await readPassword(terminal, user));
  if (password === undefined) {
    throw new StartError("Cannot use the password: it has a character like a control");
  }
  const salt = crypto.getRandomValues(new Uint8Array(DEFAULT_SALT_BYTES));
  const verifier = await makeVerifier(password, { iterations, salt });
  // Somebody may have taken their time to type.
  await replace(file, withUser(await readExisting(file) ?? "", user, verifier));
  return `${before === undefined ? "Created" : "Changed"} ${file}: ${JSON.stringify(user)} may come in`;
}

function passwdOptions(line: CommandLine): PasswdOptions {
  const file = valueOf(line, "FILE")!;
  const user = valueOf(line, "USER")!;
  const fail = (problem: string): never => {
    throw new UsageError(`Cannot use ${JSON.stringify(user)} as a user: ${problem}`);
  };
  const iterations = line.get("iterations")?.at(-1) ?? String(DEFAULT_ITERATIONS);
  const count = /^\d+$/.test(iterations) ? Number(iterations) : NaN;
  if (!(count >= ITERATIONS_MIN && count <= ITERATIONS_MAX)) {
    throw new UsageError(
      `Cannot use ${
        JSON.stringify(iterations)
      } for --iterations: it must be a whole number from ${ITERATIONS_MIN} to ${ITERATIONS_MAX}`,
    );
  }
  return { file, user: checkUserName(user, fail), isDeleting: line.has("delete"), iterations: count };
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
