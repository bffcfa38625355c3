import { parseBytes } from "./base64.ts";
import { type Bytes, hmac, isSameKey, saltPassword } from "./scram_keys.ts";
import { parseIterations } from "./scram_verifier.ts";
import type { ShownPassword, Verifier } from "./verifier.ts";

/** What mosquitto_passwd of 2.0 writes. Weak, but whoever moves here cannot ask all users for new passwords first. */
const ITERATIONS_MIN = 101;
const SALT_BYTES_MIN = 8;
const SALT_BYTES_MAX = 64;
const HASH_BYTES = 64;

/**
 * As mosquitto_passwd writes it: PBKDF2 with SHA-512. Only read here, never written: SCRAM's verifier is stronger and
 * does more.
 */
export class MosquittoVerifier implements Verifier {
  static readonly prefix = "$7$";
  static readonly form = "$7$<iterations>$<salt>$<hash>";
  static readonly pattern = /^\$7\$(\d{1,9})\$([^$]*)\$([^$]*)$/;

  readonly iterations: number;
  readonly salt: Bytes;
  readonly hash: Bytes;

  constructor({ iterations, salt, hash }: { iterations: number; salt: Bytes; hash: Bytes }) {
    this.iterations = iterations;
    this.salt = salt;
    this.hash = hash;
  }

  static fromParts(
    [iterations = "", salt = "", hash = ""]: readonly string[],
    fail: (problem: string) => never,
  ): MosquittoVerifier {
    return new MosquittoVerifier({
      iterations: parseIterations(iterations, { min: ITERATIONS_MIN, fail }),
      salt: parseBytes(salt, { what: "salt", min: SALT_BYTES_MIN, max: SALT_BYTES_MAX, fail }),
      hash: parseBytes(hash, { what: "hash", min: HASH_BYTES, max: HASH_BYTES, fail }),
    });
  }

  /** Of the bytes as they come: mosquitto prepares nothing. */
  async verifies({ bytes }: Pick<ShownPassword, "bytes">): Promise<boolean> {
    const { iterations, salt } = this;
    const derived = await saltPassword(bytes, { iterations, salt, hash: "SHA-512", keyBytes: HASH_BYTES });
    return isSameKey(derived, this.hash);
  }

  async decoy(seed: Bytes): Promise<MosquittoVerifier> {
    const { iterations } = this;
    return new MosquittoVerifier({
      iterations,
      salt: (await hmac(seed, "salt")).slice(0, this.salt.length),
      hash: new Uint8Array(HASH_BYTES),
    });
  }

  toString(): string {
    return `${MosquittoVerifier.prefix}${this.iterations}$${this.salt.toBase64()}$${this.hash.toBase64()}`;
  }
}
