import { type Bytes, hmac, isSameKey, KEY_BYTES, saltPassword, sha256 } from "./scram_keys.ts";

/**
 * What is kept of a password: enough to tell whether somebody knows it, in both ways that they can show it, and not
 * enough to log in with. Written as PostgreSQL writes it:
 *
 *     SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>      each of the last three in base64
 */
export interface Verifier {
  readonly iterations: number;
  readonly salt: Bytes;
  readonly storedKey: Bytes;
  readonly serverKey: Bytes;
}

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

const FORM = /^SCRAM-SHA-256\$(\d{1,9}):([^$:]*)\$([^$:]*):([^$:]*)$/;

/** @param password prepared by `saslprep` */
export async function makeVerifier(
  password: string,
  { iterations, salt }: { readonly iterations: number; readonly salt: Bytes },
): Promise<Verifier> {
  const salted = await saltPassword(password, { iterations, salt });
  return {
    iterations,
    salt,
    storedKey: await sha256(await hmac(salted, "Client Key")),
    serverKey: await hmac(salted, "Server Key"),
  };
}

/** Whether it is the verifier of this password. */
export async function verifies(verifier: Verifier, password: string): Promise<boolean> {
  const clientKey = await hmac(await saltPassword(password, verifier), "Client Key");
  return isSameKey(await sha256(clientKey), verifier.storedKey);
}

export function formatVerifier({ iterations, salt, storedKey, serverKey }: Verifier): string {
  const keys = `${storedKey.toBase64()}:${serverKey.toBase64()}`;
  return `SCRAM-SHA-256$${iterations}:${salt.toBase64()}$${keys}`;
}

/** @param fail says what is wrong with the text, without quoting a secret */
export function parseVerifier(text: string, fail: (problem: string) => never): Verifier {
  const [, count, salt, storedKey, serverKey] = FORM.exec(text) ?? [];
  if (count === undefined) {
    return fail("what follows the name is not SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>");
  }
  const iterations = Number(count);
  if (iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX) {
    fail(`${count} iterations are not from ${ITERATIONS_MIN} to ${ITERATIONS_MAX}`);
  }
  return {
    iterations,
    salt: parseBytes(salt!, { what: "salt", min: SALT_BYTES_MIN, max: SALT_BYTES_MAX, fail }),
    storedKey: parseBytes(storedKey!, { what: "StoredKey", min: KEY_BYTES, max: KEY_BYTES, fail }),
    serverKey: parseBytes(serverKey!, { what: "ServerKey", min: KEY_BYTES, max: KEY_BYTES, fail }),
  };
}

interface Expected {
  readonly what: string;
  readonly min: number;
  readonly max: number;
  readonly fail: (problem: string) => never;
}

function parseBytes(text: string, { what, min, max, fail }: Expected): Bytes {
  const bytes = decodeBase64(text);
  if (!bytes) return fail(`the ${what} is not base64`);
  if (bytes.length >= min && bytes.length <= max) return bytes;
  return fail(`the ${what} has ${bytes.length} bytes and not ${min === max ? min : `${min} to ${max}`}`);
}

/** Undefined for what is not base64 in its one right form. */
export function decodeBase64(text: string): Bytes | undefined {
  if (/\s/.test(text)) return undefined;
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    return undefined;
  }
}
