import { ConfigError } from "../config.ts";
import type { Log } from "../core/log.ts";

/** Bits of a file's mode by which others than its owner may do something with it. */
const OTHERS = 0o077;

/** A file with a secret, and by what it is known in the log. */
export interface SecretFile {
  readonly file: string;
  readonly mode: number | null;
}

/**
 * A file that an option names cannot be used: a slip in the options, like any other.
 *
 * @param key as it stands in the file of options: `auth.password-file`
 * @param problem a sentence about the file
 */
export function fileProblem(key: string, problem: string): ConfigError {
  return new ConfigError(`${problem} (key ${key})`);
}

/** Says so if others than the owner of a file may read it, or change it. */
export function warnOfOthers(event: string, { file, mode }: SecretFile, log: Log): void {
  if (mode === null || (mode & OTHERS) === 0) return;
  log.warn(event, { file, mode: (mode & 0o777).toString(8), expected: "600" });
}
