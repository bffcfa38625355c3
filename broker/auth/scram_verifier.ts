import { parseBytes } from "./base64.ts";
import { type Bytes, hmac, isSameKey, KEY_BYTES, saltPassword, sha256 } from "./scram_keys.ts";
import type { ShownPassword, Verifier } from "./verifier.ts";

/**
 * Of new verifiers. A login costs the broker that much, by SCRAM the client: 11 ms of a core that has SHA instructions,
 * and by estimate ten times that on a small board that has none. RFC 7677 asks for 4,096 at least.
 */
export const DEFAULT_ITERATIONS = 100_000;
export const ITERATIONS_MIN = 4_096;
/** A second of a fast core. */
export const ITERATIONS_MAX = 10_000_000;
export const DEFAULT_SALT_BYTES = 16;
const SALT_BYTES_MIN = 8;
const SALT_BYTES_MAX = 32;

/**
 * Enough to tell whether somebody knows the password, in both ways that they can show it, and not enough to log in with.
 * Written as PostgreSQL writes it, each of the last three in base64.
 */
export class ScramVerifier implements Verifier {
  static readonly prefix = "SCRAM-SHA-256$";
  static readonly form = "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>";
  static readonly pattern = /^SCRAM-SHA-256\$(\d{1,9}):([^$:]*)\$([^$:]*):([^$:]*)$/;

  readonly iterations: number;
  readonly salt: Bytes;
  readonly storedKey: Bytes;
  readonly serverKey: Bytes;

  constructor(
    parts: {
      readonly iterations: number;
      readonly salt: Bytes;
      readonly storedKey: Bytes;
      readonly serverKey: Bytes;
    },
  ) {
    this.iterations = parts.iterations;
    this.salt = parts.salt;
    this.storedKey = parts.storedKey;
    this.serverKey = parts.serverKey;
  }

  /** @param password prepared by `saslprep` */
  static async make(
    password: string,
    { iterations, salt }: { readonly iterations: number; readonly salt: Bytes },
  ): Promise<ScramVerifier> {
    const salted = await saltPassword(password, { iterations, salt });
    const storedKey = await sha256(await hmac(salted, "Client Key"));
    return new ScramVerifier({ iterations, salt, storedKey, serverKey: await hmac(salted, "Server Key") });
  }

  static fromParts(
    [iterations = "", salt = "", storedKey = "", serverKey = ""]: readonly string[],
    fail: (problem: string) => never,
  ): ScramVerifier {
    const key = { min: KEY_BYTES, max: KEY_BYTES, fail };
    return new ScramVerifier({
      iterations: parseIterations(iterations, { min: ITERATIONS_MIN, fail }),
      salt: parseBytes(salt, { what: "salt", min: SALT_BYTES_MIN, max: SALT_BYTES_MAX, fail }),
      storedKey: parseBytes(storedKey, { what: "StoredKey", ...key }),
      serverKey: parseBytes(serverKey, { what: "ServerKey", ...key }),
    });
  }

  async verifies({ text }: Pick<ShownPassword, "text">): Promise<boolean> {
    const clientKey = await hmac(await saltPassword(text, this), "Client Key");
    return isSameKey(await sha256(clientKey), this.storedKey);
  }

  async decoy(seed: Bytes): Promise<ScramVerifier> {
    const { iterations } = this;
    const salt = (await hmac(seed, "salt")).slice(0, this.salt.length);
    const key = await hmac(seed, "key");
    return new ScramVerifier({ iterations, salt, storedKey: key, serverKey: key });
  }

  toString(): string {
    const keys = `${this.storedKey.toBase64()}:${this.serverKey.toBase64()}`;
    return `${ScramVerifier.prefix}${this.iterations}:${this.salt.toBase64()}$${keys}`;
  }
}

/** Of PBKDF2, which two forms of verifiers count in. */
export function parseIterations(
  count: string,
  { min, fail }: { readonly min: number; readonly fail: (problem: string) => never },
): number {
  const iterations = Number(count);
  if (iterations >= min && iterations <= ITERATIONS_MAX) return iterations;
  return fail(`${count} iterations are not from ${min} to ${ITERATIONS_MAX}`);
}
