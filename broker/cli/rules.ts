import type { Limits } from "../core/limits.ts";
import { parseRulesFile, RulesFileError } from "../auth/rules_file.ts";
import type { Rules } from "../auth/rules.ts";
import { fileProblem } from "./option_file.ts";
import { StartError } from "./start.ts";
import { describeSystemError } from "./system_error.ts";

const ACL_FILE = "auth.acl-file";

/** The rules of the file that the options name; throws `ConfigError`, in one line, for one that cannot be used. */
export async function loadRules(name: string, limits: Limits): Promise<Rules> {
  try {
    return await readRules(name, limits);
  } catch (error) {
    if (error instanceof StartError) throw fileProblem(ACL_FILE, error.message);
    throw error;
  }
}

/** As `loadRules`, for a file that somebody asks about; throws `StartError`. */
export async function readRules(name: string, limits: Limits): Promise<Rules> {
  try {
    return parseRulesFile({ name, text: decode(name, await read(name, limits.aclFileBytesMax)) }, limits);
  } catch (error) {
    if (error instanceof RulesFileError) throw new StartError(error.message);
    throw new StartError(`Cannot read ${name}: ${describeSystemError(error)}`);
  }
}

/** No more than there may be, whatever the path leads to; one byte more tells that there is more. */
async function read(name: string, bytesMax: number): Promise<Uint8Array> {
  using file = await Deno.open(name);
  const bytes = new Uint8Array(bytesMax + 1);
  let length = 0;
  for (let count: number | null = 0; count !== null && length < bytes.length; length += count ?? 0) {
    count = await file.read(bytes.subarray(length));
  }
  return bytes.subarray(0, length);
}

/** A byte that is no UTF-8 would become a character that nobody's name has, and the rule be about nobody. */
function decode(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new RulesFileError(`Cannot use ${name}: it is not UTF-8`);
  }
}
