export const HMAC_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;
export const RSA_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const;

/** As many bytes as the hash gives (RFC 7518, 3.2); a shorter secret would be the weaker part. */
export const SECRET_BYTES: Readonly<Record<(typeof HMAC_ALGORITHMS)[number], number>> = {
  HS256: 32,
  HS384: 48,
  HS512: 64,
};
export const SECRET_BYTES_MIN = SECRET_BYTES.HS256;

/** By the curve of the key. */
export const CURVE_ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  "P-256": ["ES256"],
  "P-384": ["ES384"],
  "P-521": ["ES512"],
  "Ed25519": ["EdDSA", "Ed25519"],
};

/** Every algorithm that a token may name. `none` is not one. */
export const TOKEN_ALGORITHMS: readonly string[] = [
  ...HMAC_ALGORITHMS,
  ...RSA_ALGORITHMS,
  ...Object.values(CURVE_ALGORITHMS).flat(),
];
