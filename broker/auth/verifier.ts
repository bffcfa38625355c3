import { MosquittoVerifier } from "./mosquitto_verifier.ts";
import type { Bytes } from "./scram_keys.ts";
import { ScramVerifier } from "./scram_verifier.ts";
import { ScryptVerifier } from "./scrypt_verifier.ts";

/** A password as it was shown. */
export interface ShownPassword {
  /** Prepared by `saslprep`. */
  readonly text: string;
  /** As it came. */
  readonly bytes: Bytes;
}

/** What is kept of a password: enough to tell whether somebody knows it. */
export interface Verifier {
  /** Whether it is the verifier of this password; takes its time, away from the event loop. */
  verifies(password: ShownPassword): Promise<boolean>;
  /** One of nobody's that looks the same and takes as long; always the same for the same seed. */
  decoy(seed: Bytes): Promise<Verifier>;
  /** As it stands in a password file. */
  toString(): string;
}

/** A form in which a verifier may be written. */
interface Scheme {
  readonly prefix: string;
  /** What a person is told that it looks like. */
  readonly form: string;
  /** Matches nothing else, and each part of it in a group. */
  readonly pattern: RegExp;
  /** @param fail says what is wrong with one of the parts, without quoting a secret */
  fromParts(parts: readonly string[], fail: (problem: string) => never): Verifier;
}

const SCHEMES: readonly Scheme[] = [ScramVerifier, ScryptVerifier, MosquittoVerifier];

/** @param fail says what is wrong with the text, without quoting a secret */
export function parseVerifier(text: string, fail: (problem: string) => never): Verifier {
  const scheme = SCHEMES.find(({ prefix }) => text.startsWith(prefix));
  if (!scheme) return fail(`what follows the name is none of ${SCHEMES.map(({ form }) => form).join(", ")}`);
  const found = scheme.pattern.exec(text);
  if (!found) return fail(`what follows the name is not ${scheme.form}`);
  return scheme.fromParts(found.slice(1), fail);
}
