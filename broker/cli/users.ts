import { parsePasswordFile, PasswordFileError } from "../auth/password_file.ts";
import { UserTable } from "../auth/user_table.ts";
import type { Log } from "../core/log.ts";
import { StartError } from "./start.ts";
import { describeSystemError } from "./system_error.ts";

/** Bits of a file's mode by which others than its owner may do something with it. */
const OTHERS = 0o077;

/** The users of the password file, if the options name one; throws `StartError` for one that cannot be used. */
export async function loadUsers(name: string | undefined, log: Log): Promise<UserTable | undefined> {
  if (name === undefined) return undefined;
  try {
    const verifiers = parsePasswordFile({ name, text: await Deno.readTextFile(name) });
    if (verifiers.size === 0) {
      throw new PasswordFileError(`Cannot use ${name}: it has no user; pregon passwd ${name} USER adds one`);
    }
    const { mode } = await Deno.stat(name);
    if (mode !== null && (mode & OTHERS) !== 0) {
      log.warn("password-file-open", { file: name, mode: (mode & 0o777).toString(8), expected: "600" });
    }
    return new UserTable(verifiers);
  } catch (error) {
    if (error instanceof PasswordFileError) throw new StartError(error.message);
    throw new StartError(`Cannot read ${name}: ${describeSystemError(error)}`);
  }
}
