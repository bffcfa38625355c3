import type { Identity } from "../core/identity.ts";
import { saslprep } from "./saslprep.ts";
import { type Bytes, hmac } from "./scram_keys.ts";
import { DEFAULT_ITERATIONS, DEFAULT_SALT_BYTES, type Verifier } from "./verifier.ts";

export interface User {
  readonly identity: Identity;
  readonly verifier: Verifier;
}

/** Who may log in, and what is kept of their passwords. */
export class UserTable {
  readonly #users: ReadonlyMap<string, User>;
  readonly #shapes: readonly Pick<Verifier, "iterations" | "salt">[];
  readonly #secret: Bytes;

  /**
   * @param verifiers by user name, prepared by `saslprep`
   * @param secret what decoys are made of
   */
  constructor(
    verifiers: ReadonlyMap<string, Verifier>,
    secret: Bytes = crypto.getRandomValues(new Uint8Array(32)),
  ) {
    this.#secret = secret;
    this.#users = new Map([...verifiers].map(([name, verifier]) => [name, {
      identity: { name, method: "password-file", can: () => true },
      verifier,
    }]));
    const shapes = [...verifiers.values()];
    this.#shapes = shapes.length > 0
      ? shapes
      : [{ iterations: DEFAULT_ITERATIONS, salt: new Uint8Array(DEFAULT_SALT_BYTES) }];
  }

  get size(): number {
    return this.#users.size;
  }

  /** The user of this name, however it is written. */
  find(name: string): User | undefined {
    const prepared = saslprep(name);
    return prepared === undefined ? undefined : this.#users.get(prepared);
  }

  /**
   * What a name that is nobody's is checked against: it looks as a user's verifier does and is the same whenever it is
   * asked for, so that nobody learns from it, or from the time it takes, which names there are. Until a restart: the
   * salts of users outlive that, and these do not.
   */
  async decoy(name: string): Promise<Verifier> {
    const seed = await hmac(this.#secret, saslprep(name) ?? name);
    const shape = this.#shapes[new DataView(seed.buffer).getUint32(0) % this.#shapes.length]!;
    const salt = (await hmac(seed, "salt")).slice(0, shape.salt.length);
    const key = await hmac(seed, "key");
    return { iterations: shape.iterations, salt, storedKey: key, serverKey: key };
  }
}
