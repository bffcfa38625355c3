import { createPublicKey } from "node:crypto";
import type { JWK } from "jose";
import type { Bytes } from "./scram_keys.ts";
import {
  CURVE_ALGORITHMS,
  HMAC_ALGORITHMS,
  RSA_ALGORITHMS,
  SECRET_BYTES,
  SECRET_BYTES_MIN,
} from "./token_algorithms.ts";

/** What tokens are checked with, and for which algorithms: a key of one kind is never taken for one of another. */
export interface TokenKey {
  readonly id: string | undefined;
  readonly algorithms: readonly string[];
  /** A secret, or a public key. */
  readonly material: Bytes | JWK;
  /** What stays the same when the file is read again. */
  readonly fingerprint: string;
}

/** A key file cannot be used; the message says why, in one line. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
}

/** 2048 bits (RFC 7518, 3.3). */
const RSA_BYTES_MIN = 256;

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

const encoder = new TextEncoder();

/**
 * Reads a file with keys: public keys as PEM, one or several; a JWK; a JWK set; or else a secret, the whole file up to a
 * last line break. What begins as a key and is none is an error, and never a secret: whoever knew that public text could
 * sign with it.
 *
 * @throws {KeyFileError}
 */
export function parseKeyFile(
  { name, bytes }: { readonly name: string; readonly bytes: Bytes },
): readonly TokenKey[] {
  const fail = (problem: string): never => {
    throw new KeyFileError(`Cannot use ${name}: ${problem}`);
  };
  const text = new TextDecoder().decode(bytes).trim();
  const keys = text.includes("-----BEGIN")
    ? parsePem(text, fail)
    : text.startsWith("{")
    ? parseJson(text, fail)
    : [secretKey(withoutLastBreak(bytes), undefined, fail)];
  return keys.length > 0 ? keys : fail("there is no key in it that checks signatures");
}

/** The key that a secret is, the text as it stands; it has `SECRET_BYTES_MIN` bytes or more. */
export function keyOfSecret(text: string): TokenKey {
  return secretKey(encoder.encode(text), undefined, (problem) => {
    throw new KeyFileError(`Cannot use a secret: ${problem}`);
  });
}

function parsePem(text: string, fail: (problem: string) => never): TokenKey[] {
  return [...text.matchAll(PEM_BLOCK)].map(([block, label]) => {
    if (label !== "PUBLIC KEY" && label !== "RSA PUBLIC KEY") {
      return fail(`it has a ${label}, and only a PUBLIC KEY is of use here`);
    }
    return publicKey(jwkOfPem(block) ?? fail("a PUBLIC KEY in it cannot be read"), fail);
  });
}

function jwkOfPem(block: string): JWK | undefined {
  try {
    return createPublicKey(block).export({ format: "jwk" }) as JWK;
  } catch {
    return undefined;
  }
}

/** Keys of a set that are for something else are left out: authorities keep them side by side. */
function parseJson(text: string, fail: (problem: string) => never): TokenKey[] {
  let value: JWK & { keys?: unknown };
  try {
    value = JSON.parse(text);
  } catch {
    return fail("it begins as a JWK does and is no JSON");
  }
  if (value.keys === undefined) return [jwkKey(value, fail)];
  if (!Array.isArray(value.keys)) return fail("keys is no list");
  const jwks = value.keys.filter((jwk) => typeof jwk === "object" && jwk !== null) as JWK[];
  return jwks.filter(({ use, key_ops: uses }) =>
    (use ?? "sig") === "sig" && (uses?.includes("verify") ?? true)
  )
    .map((jwk) => jwkKey(jwk, fail));
}

function jwkKey(jwk: JWK, fail: (problem: string) => never): TokenKey {
  if (jwk.kty !== "oct") return publicKey(jwk, fail);
  const secret = typeof jwk.k === "string" ? decodeBase64Url(jwk.k) : undefined;
  return secretKey(secret ?? fail("a JWK of the type oct has no k in base64url"), jwk, fail);
}

function publicKey(jwk: JWK, fail: (problem: string) => never): TokenKey {
  if (jwk.d !== undefined) return fail("it has a private key, and only the public one is of use here");
  const { kty, crv = "", n = "" } = jwk;
  const fitting = kty === "RSA"
    ? RSA_ALGORITHMS
    : kty === "EC" || kty === "OKP"
    ? CURVE_ALGORITHMS[crv]
    : undefined;
  if (!fitting) return fail(`a key of the type ${kty} ${crv} is of no use here`.replace(/ +/g, " "));
  if (kty === "RSA" && (decodeBase64Url(n)?.length ?? 0) < RSA_BYTES_MIN) {
    return fail(`an RSA key has less than ${RSA_BYTES_MIN * 8} bits`);
  }
  return keyOf(jwk, { fitting, material: jwk, fail });
}

function secretKey(secret: Bytes, jwk: JWK | undefined, fail: (problem: string) => never): TokenKey {
  const { length } = secret;
  if (length < SECRET_BYTES_MIN) {
    fail(`a secret has ${length} bytes, and at least ${SECRET_BYTES_MIN} are needed`);
  }
  const fitting = HMAC_ALGORITHMS.filter((algorithm) => length >= SECRET_BYTES[algorithm]);
  return keyOf(jwk ?? {}, { fitting, material: secret, fail });
}

/** A key that names its algorithm is for no other. */
function keyOf(
  { kid: id, alg }: Pick<JWK, "kid" | "alg">,
  { fitting, material, fail }: {
    readonly fitting: readonly string[];
    readonly material: Bytes | JWK;
    readonly fail: (problem: string) => never;
  },
): TokenKey {
  if (alg !== undefined && !fitting.includes(alg)) {
    return fail(`a key says that it is for ${alg}, and is one for ${fitting.join(", ")}`);
  }
  const algorithms = alg === undefined ? fitting : [alg];
  const text = material instanceof Uint8Array ? material.toBase64() : JSON.stringify(material);
  return { id, algorithms, material, fingerprint: `${id} ${algorithms} ${text}` };
}

function decodeBase64Url(text: string): Bytes | undefined {
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch {
    return undefined;
  }
}

/** An editor adds one; a secret that ends in one is none that somebody chose. */
function withoutLastBreak(bytes: Bytes): Bytes {
  const [lineFeed, carriageReturn] = encoder.encode("\n\r");
  let end = bytes.length;
  if (bytes[end - 1] === lineFeed) end--;
  if (bytes[end - 1] === carriageReturn) end--;
  return bytes.slice(0, end);
}
