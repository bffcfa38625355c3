import type { Bytes } from "./scram_keys.ts";

/** What a part of a verifier must be. */
export interface ExpectedBytes {
  /** For messages. */
  readonly what: string;
  readonly min: number;
  readonly max: number;
  /** Without the = at the end, as PHC strings have it. */
  readonly isUnpadded?: boolean;
  readonly fail: (problem: string) => never;
}

export function parseBytes(text: string, { what, min, max, isUnpadded = false, fail }: ExpectedBytes): Bytes {
  const bytes = isUnpadded && text.includes("=") ? undefined : decodeBase64(isUnpadded ? padded(text) : text);
  if (!bytes) return fail(`the ${what} is not base64${isUnpadded ? " without =" : ""}`);
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

function padded(text: string): string {
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}
