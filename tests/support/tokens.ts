import * as jose from "jose";
import { authMethods } from "../../broker/auth/methods.ts";
import type { Authenticator } from "../../broker/auth/authenticator.ts";
import type { TokenField } from "../../broker/auth/method_names.ts";
import { parseKeyFile } from "../../broker/auth/token_keys.ts";
import { TokenKeyTable } from "../../broker/auth/token_key_table.ts";
import type { TokenSource } from "../../broker/auth/token_verifier.ts";
import type { TestAuthTools } from "./auth_tools.ts";

const encoder = new TextEncoder();

export const SECRET = "a secret of 32 bytes, and no less";

/** The keys that a file with this text has. */
export function keysOf(text: string | Uint8Array<ArrayBuffer>): TokenKeyTable {
  return new TokenKeyTable(parse(text));
}

export function parse(text: string | Uint8Array<ArrayBuffer>) {
  return parseKeyFile({ name: "keys", bytes: typeof text === "string" ? encoder.encode(text) : text });
}

/** What a broker that takes tokens is given. */
export function tokensOf(
  source: Partial<Omit<TokenSource, "jose">> & { readonly field?: TokenField } = {},
): TokenSource & { readonly field: TokenField } {
  return { jose, field: "password", keys: keysOf(SECRET), ...source };
}

export function tokenAuthenticator(
  tools: TestAuthTools,
  source: Parameters<typeof tokensOf>[0] = {},
): Authenticator {
  return authMethods({ tokens: tokensOf(source), allowAnonymous: false }, tools).plain[0]!;
}

/** A token with these claims, signed with `SECRET` unless something else is said. */
export async function sign(
  claims: jose.JWTPayload,
  { key = encoder.encode(SECRET), alg = "HS256", kid }: {
    readonly key?: jose.CryptoKey | Uint8Array;
    readonly alg?: string;
    readonly kid?: string;
  } = {},
): Promise<string> {
  const header = { alg, ...(kid !== undefined && { kid }) };
  return await new jose.SignJWT(claims).setProtectedHeader(header).sign(key);
}

export interface Signer {
  readonly alg: string;
  readonly key: jose.CryptoKey;
  readonly jwk: jose.JWK;
  readonly pem: string;
}

/** Somebody who signs with a key of their own. */
export async function signerFor(alg: string): Promise<Signer> {
  const { privateKey, publicKey } = await jose.generateKeyPair(alg, { extractable: true });
  return {
    alg,
    key: privateKey,
    jwk: await jose.exportJWK(publicKey),
    pem: await jose.exportSPKI(publicKey),
  };
}
