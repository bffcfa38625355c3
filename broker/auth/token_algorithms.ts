export const HMAC_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;
export const RSA_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const;

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
