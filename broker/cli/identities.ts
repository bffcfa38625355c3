import type { Identities } from "../auth/methods.ts";
import { parsePasswordFile, PasswordFileError } from "../auth/password_file.ts";
import { KeyFileError, keyOfSecret, parseKeyFile, type TokenKey } from "../auth/token_keys.ts";
import { TokenKeyTable } from "../auth/token_key_table.ts";
import { UserTable } from "../auth/user_table.ts";
import type { Verifier } from "../auth/verifier.ts";
import type { Broker } from "../broker.ts";
import { ConfigError } from "../config.ts";
import type { AuthOptions } from "../config_auth.ts";
import { isSafeUrl, redactUrl } from "../config_kinds.ts";
import type { Log } from "../core/log.ts";
import { fileProblem, warnOfOthers } from "./option_file.ts";
import { describeSystemError } from "./system_error.ts";

const PASSWORD_FILE = "auth.password-file";
const JWT_KEYS = "auth.jwt-keys";
/** Of a password file with some hundred thousand users, or as many keys as nobody has. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** Whom the options say that the broker knows, and what brings that up to date. */
export interface LoadedIdentities extends Identities {
  /** Reads the files again, for this broker; throws `ConfigError`, and keeps what it had, if one of them cannot be used. */
  reload(broker: Pick<Broker, "identitiesChanged">): Promise<void>;
}

/** Reads what the options name; throws `ConfigError` for what cannot be used. */
export async function loadIdentities(auth: AuthOptions, log: Log): Promise<LoadedIdentities> {
  const { methods, allowAnonymous, passwordFile, certificateName: certificate, hookUrl, jwt } = auth;
  const users = passwordFile === undefined ? undefined : new UserTable(await readUsers(passwordFile, log));
  const { keys: keyFile, secret, ...wanted } = jwt;
  const keys = new TokenKeyTable([
    ...(keyFile === undefined ? [] : await readKeys(keyFile, log)),
    ...(secret === undefined ? [] : [keyOfSecret(secret)]),
  ]);
  if (hookUrl !== undefined) warnOfOpenLine(hookUrl, log);
  const tokens = methods.includes("jwt") ? { ...wanted, keys, jose: await import("jose") } : undefined;
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
      const fresh = keyFile === undefined ? undefined : await readKeys(keyFile, log);
      if (verifiers) users?.replace(verifiers);
      if (fresh) keys.replace(fresh);
      broker.identitiesChanged();
    },
  };
}

async function readUsers(name: string, log: Log): Promise<ReadonlyMap<string, Verifier>> {
  const { content, mode } = await reading(PASSWORD_FILE, name, (bytes) => {
    const found = parsePasswordFile({ name, text: decodeUtf8(bytes, name) });
    if (found.size > 0) return found;
    throw new PasswordFileError(`Cannot use ${name}: it has no user; pregon passwd ${name} USER adds one`);
  });
  warnOfOthers("password-file-open", { file: name, mode }, log);
  return content;
}

async function readKeys(name: string, log: Log): Promise<readonly TokenKey[]> {
  const { content, mode } = await reading(JWT_KEYS, name, (bytes) => parseKeyFile({ name, bytes }));
  const hasSecret = content.some(({ material }) => material instanceof Uint8Array);
  if (hasSecret) warnOfOthers("key-file-open", { file: name, mode }, log); // Public keys are for everybody to read.
  return content;
}

/** The keys of tokens are refused such a URL; a hook may be beside us in a network of its own. */
function warnOfOpenLine(hookUrl: string, log: Log): void {
  if (isSafeUrl(new URL(hookUrl))) return;
  const risk = "names and passwords travel to it as they are";
  log.warn("hook-url-open", { key: "auth.hook-url", url: redactUrl(hookUrl), risk, expected: "https" });
}

function decodeUtf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new PasswordFileError(`Cannot use ${name}: it is not UTF-8`);
  }
}

/** What is wrong with a file becomes one line, with the key of the option that names it. */
async function reading<Content>(
  key: string,
  name: string,
  parse: (bytes: Uint8Array<ArrayBuffer>) => Content | Promise<Content>,
): Promise<{ readonly content: Content; readonly mode: number | null }> {
  try {
    const { size, mode } = await Deno.stat(name);
    if (size <= FILE_BYTES_MAX) return { content: await parse(await Deno.readFile(name)), mode };
    throw fileProblem(key, `Cannot use ${name}: it has ${size} bytes, at most ${FILE_BYTES_MAX} are allowed`);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if (error instanceof PasswordFileError || error instanceof KeyFileError) {
      throw fileProblem(key, error.message);
    }
    throw fileProblem(key, `Cannot read ${name}: ${describeSystemError(error)}`);
  }
}
