import type { Identities } from "../auth/methods.ts";
import { parsePasswordFile, PasswordFileError } from "../auth/password_file.ts";
import { KeyFileError, parseKeyFile, type TokenKey } from "../auth/token_keys.ts";
import { TokenKeyTable } from "../auth/token_key_table.ts";
import { UserTable } from "../auth/user_table.ts";
import type { Verifier } from "../auth/verifier.ts";
import type { Broker } from "../broker.ts";
import type { AuthOptions } from "../config_auth.ts";
import type { Log } from "../core/log.ts";
import { StartError } from "./start.ts";
import { describeSystemError } from "./system_error.ts";

/** Bits of a file's mode by which others than its owner may do something with it. */
const OTHERS = 0o077;
/** Of a password file with some hundred thousand users, or as many keys as nobody has. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** Whom the options say that the broker knows, and what brings that up to date. */
export interface LoadedIdentities extends Identities {
  /** Reads the files again, for this broker; throws `StartError`, and keeps what it had, if one of them cannot be used. */
  reload(broker: Pick<Broker, "identitiesChanged">): Promise<void>;
}

/** Reads what the options name; throws `StartError` for what cannot be used. */
export async function loadIdentities(auth: AuthOptions, log: Log): Promise<LoadedIdentities> {
  const { methods, allowAnonymous, passwordFile, certificateName: certificate, hookUrl, jwt } = auth;
  const users = passwordFile === undefined ? undefined : new UserTable(await readUsers(passwordFile, log));
  const keys = new TokenKeyTable(jwt.keys === undefined ? [] : await readKeys(jwt.keys, log));
  const tokens = methods.includes("jwt") ? { ...jwt, keys, jose: await import("jose") } : undefined;
  return {
    methods,
    allowAnonymous,
    users,
    certificate,
    hookUrl,
    tokens,
    async reload(broker) {
      // Both are read before either counts: half of a change is none that somebody wanted.
      const verifiers = passwordFile === undefined ? undefined : await readUsers(passwordFile, log);
      const fresh = jwt.keys === undefined ? undefined : await readKeys(jwt.keys, log);
      if (verifiers) users?.replace(verifiers);
      if (fresh) keys.replace(fresh);
      broker.identitiesChanged();
    },
  };
}

async function readUsers(name: string, log: Log): Promise<ReadonlyMap<string, Verifier>> {
  const verifiers = await reading(name, async () => {
    const found = parsePasswordFile({ name, text: decodeUtf8(await Deno.readFile(name), name) });
    if (found.size > 0) return found;
    throw new PasswordFileError(`Cannot use ${name}: it has no user; pregon passwd ${name} USER adds one`);
  });
  await warnOfOthers("password-file-open", name, log);
  return verifiers;
}

async function readKeys(name: string, log: Log): Promise<readonly TokenKey[]> {
  const keys = await reading(name, async () => parseKeyFile({ name, bytes: await Deno.readFile(name) }));
  const hasSecret = keys.some(({ material }) => material instanceof Uint8Array);
  if (hasSecret) await warnOfOthers("key-file-open", name, log); // Public keys are for everybody to read.
  return keys;
}

/** Says so if others than the owner of a file may read it, or change it. */
async function warnOfOthers(event: string, name: string, log: Log): Promise<void> {
  const { mode } = await Deno.stat(name);
  if (mode === null || (mode & OTHERS) === 0) return;
  log.warn(event, { file: name, mode: (mode & 0o777).toString(8), expected: "600" });
}

function decodeUtf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new PasswordFileError(`Cannot use ${name}: it is not UTF-8`);
  }
}

/** What is wrong with a file becomes one line. */
async function reading<Content>(name: string, read: () => Promise<Content>): Promise<Content> {
  try {
    const { size } = await Deno.stat(name);
    if (size <= FILE_BYTES_MAX) return await read();
    throw new StartError(`Cannot use ${name}: it has ${size} bytes, at most ${FILE_BYTES_MAX} are allowed`);
  } catch (error) {
    if (error instanceof StartError) throw error;
    if (error instanceof PasswordFileError || error instanceof KeyFileError) {
      throw new StartError(error.message);
    }
    throw new StartError(`Cannot read ${name}: ${describeSystemError(error)}`);
  }
}
