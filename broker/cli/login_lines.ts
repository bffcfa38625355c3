import { checkUserName } from "../auth/password_file.ts";
import { saslprep } from "../auth/saslprep.ts";
import { StartError } from "./start.ts";

/** A user and a password, as they are compared. */
export interface LoginLine {
  readonly user: string;
  readonly password: string;
}

const BYTES_MAX = 64 * 1024 * 1024;
const PASSWORD_BYTES_MAX = 1024;
const READ_BYTES = 64 * 1024;

const encoder = new TextEncoder();

/** Reads `user:password` lines up to the end of the input. What is wrong with one is said by its number, never by itself. */
export async function readLoginLines(
  input: { read(buffer: Uint8Array): Promise<number | null> },
): Promise<readonly LoginLine[]> {
  const logins: LoginLine[] = [];
  const seen = new Set<string>();
  for (const [index, line] of (await readText(input)).split(/\r?\n/).entries()) {
    if (line === "") continue;
    const fail = (problem: string): never => {
      throw new StartError(`Cannot use line ${index + 1} of the input: ${problem}; nothing was changed`);
    };
    const colon = line.indexOf(":");
    if (colon === -1) return fail("there is no colon between a user and a password");
    // What is wrong with a name may quote it, and it may be a password that went astray.
    const user = checkUserName(line.slice(0, colon), () => fail("this is no name for a user"));
    if (seen.has(user)) fail("the user was there before");
    seen.add(user);
    logins.push({ user, password: checkPassword(line.slice(colon + 1), fail) });
  }
  if (logins.length > 0) return logins;
  throw new StartError("Cannot find a user in the input: it has no line user:password");
}

function checkPassword(password: string, fail: (problem: string) => never): string {
  if (password === "") return fail("the password is empty");
  if (encoder.encode(password).length > PASSWORD_BYTES_MAX) {
    return fail(`the password has more than ${PASSWORD_BYTES_MAX} bytes`);
  }
  return saslprep(password) || fail("the password has a character like a control");
}

async function readText(input: { read(buffer: Uint8Array): Promise<number | null> }): Promise<string> {
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  const buffer = new Uint8Array(READ_BYTES);
  let text = "";
  let bytes = 0;
  try {
    for (let count = await input.read(buffer); count !== null; count = await input.read(buffer)) {
      bytes += count;
      if (bytes > BYTES_MAX) {
        throw new StartError(`Cannot use the input: it has more than ${BYTES_MAX} bytes`);
      }
      text += utf8.decode(buffer.subarray(0, count), { stream: true });
    }
    return text + utf8.decode();
  } catch (error) {
    if (error instanceof TypeError) throw new StartError("Cannot use the input: it is not UTF-8");
    throw error;
  }
}
