import { GrantedIdentity } from "./granted_identity.ts";
import { PASSWORD_FILE } from "./method_names.ts";
import { saslprep } from "./saslprep.ts";
import { type Bytes, hmac } from "./scram_keys.ts";
import { DEFAULT_ITERATIONS, DEFAULT_SALT_BYTES, ScramVerifier } from "./scram_verifier.ts";
import type { Verifier } from "./verifier.ts";

export interface User {
  readonly identity: GrantedIdentity;
  readonly verifier: Verifier;
}

const NO_BYTES = new Uint8Array();
/** What decoys look like in a table without users. */
const PLAIN_SHAPE = new ScramVerifier({
  iterations: DEFAULT_ITERATIONS,
  salt: new Uint8Array(DEFAULT_SALT_BYTES),
  storedKey: NO_BYTES,
  serverKey: NO_BYTES,
});

/** Who may log in, and what is kept of their passwords. */
export class UserTable {
  readonly #secret: Bytes;
  #users: ReadonlyMap<string, User> = new Map();
  #shapes: readonly Verifier[] = [];
  #scramShapes: readonly ScramVerifier[] = [];

  /**
   * @param verifiers by user name, prepared by `saslprep`
   * @param secret what decoys are made of
   */
  constructor(
    verifiers: ReadonlyMap<string, Verifier>,
    secret: Bytes = crypto.getRandomValues(new Uint8Array(32)),
  ) {
    this.#secret = secret;
    this.replace(verifiers);
  }

  get size(): number {
    return this.#users.size;
  }

  /**
   * Has these users from now on. Whoever is none of them, or has another password, may do nothing more as who they
   * were; all others notice nothing.
   */
  replace(verifiers: ReadonlyMap<string, Verifier>): void {
    const before = this.#users;
    this.#users = new Map([...verifiers].map(([name, verifier]) => {
      const user = before.get(name);
      return [name, user && `${user.verifier}` === `${verifier}` ? user : userOf(name, verifier)];
    }));
    for (const [name, user] of before) if (this.#users.get(name) !== user) user.identity.revoke();
    this.#shapes = [...verifiers.values()];
    this.#scramShapes = this.#shapes.filter((verifier) => verifier instanceof ScramVerifier);
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
    const seed = await this.#seedOf(name);
    return await shapeOf(this.#shapes, seed).decoy(seed);
  }

  /** A decoy for SCRAM, which also stands for users whose verifier is of no use there. */
  async scramDecoy(name: string): Promise<ScramVerifier> {
    const seed = await this.#seedOf(name);
    return await shapeOf(this.#scramShapes, seed).decoy(seed);
  }

  async #seedOf(name: string): Promise<Bytes> {
    return await hmac(this.#secret, saslprep(name) ?? name);
  }
}

function userOf(name: string, verifier: Verifier): User {
  // No token: it does not expire.
  return { identity: new GrantedIdentity({ name, method: PASSWORD_FILE }, () => 0), verifier };
}

function shapeOf<Shape extends Verifier>(shapes: readonly Shape[], seed: Bytes): Shape | typeof PLAIN_SHAPE {
  return shapes[new DataView(seed.buffer).getUint32(0) % shapes.length] ?? PLAIN_SHAPE;
}
