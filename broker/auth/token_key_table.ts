import type { CryptoKey } from "jose";
import type { TokenKey } from "./token_keys.ts";

/** A key, and what it is for one algorithm once that was asked for. */
export interface KeyInForce {
  readonly key: TokenKey;
  readonly imported: Map<string, CryptoKey | Uint8Array>;
  /** What rests on it ends. */
  isGone: boolean;
}

/** Whose signatures count. */
export class TokenKeyTable {
  #keys: readonly KeyInForce[] = [];

  constructor(keys: readonly TokenKey[]) {
    this.replace(keys);
  }

  /** Has these keys from now on; who came in by one that is not among them may do nothing more. */
  replace(keys: readonly TokenKey[]): void {
    const before = this.#keys;
    this.#keys = keys.map((key) =>
      before.find(({ key: { fingerprint } }) => fingerprint === key.fingerprint) ??
        { key, imported: new Map(), isGone: false }
    );
    for (const key of before) key.isGone = !this.#keys.includes(key);
  }

  /** Those that a token may have been signed with that names this algorithm, and perhaps a key. */
  fitting(algorithm: string, id: string | undefined): readonly KeyInForce[] {
    return this.#keys.filter(({ key }) =>
      key.algorithms.includes(algorithm) && (key.id === undefined || id === undefined || key.id === id)
    );
  }
}
