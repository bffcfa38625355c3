// The arithmetic of SCRAM-SHA-256 (RFC 5802, 3). WebCrypto does it away from the event loop.

export type Bytes = Uint8Array<ArrayBuffer>;

export const KEY_BYTES = 32;

const encoder = new TextEncoder();

/** PBKDF2: `Hi(password, salt, iterations)` of SCRAM, the one step that takes its time, which is its purpose. */
export async function saltPassword(
  password: string | Bytes,
  { iterations, salt, hash = "SHA-256", keyBytes = KEY_BYTES }: {
    readonly salt: Bytes;
    readonly iterations: number;
    readonly hash?: "SHA-256" | "SHA-512";
    readonly keyBytes?: number;
  },
): Promise<Bytes> {
  const raw = typeof password === "string" ? encoder.encode(password) : password;
  const key = await crypto.subtle.importKey("raw", raw, "PBKDF2", false, ["deriveBits"]);
  const parameters = { name: "PBKDF2", hash, salt, iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, keyBytes * 8));
}

export async function hmac(key: Bytes, message: string): Promise<Bytes> {
  const parameters = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, parameters, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, encoder.encode(message)));
}

export async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** Both of the same length. */
export function xor(one: Bytes, other: Bytes): Bytes {
  return one.map((byte, index) => byte ^ other[index]!);
}

/** In a time that does not tell where two keys begin to differ. */
export function isSameKey(one: Bytes, other: Bytes): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (const [index, byte] of one.entries()) difference |= byte ^ other[index]!;
  return difference === 0;
}
