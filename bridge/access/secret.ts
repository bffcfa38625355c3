import { encodeBase64Url } from "@std/encoding/base64url";

/** 256 bits: nobody guesses one, however many there are. */
const SECRET_BYTES = 32;

const encoder = new TextEncoder();

/** A new secret as text that cookies and URLs take as it is. */
export function makeSecret(): string {
  return encodeBase64Url(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
}

/** What is kept of a secret: who reads our memory, or measures how long a look-up takes, learns nothing of use. */
export async function hashOf(secret: string): Promise<string> {
  return encodeBase64Url(await crypto.subtle.digest("SHA-256", encoder.encode(secret)));
}
