import { scrypt } from "node:crypto";
import { parseBytes } from "./base64.ts";
import { type Bytes, hmac, isSameKey } from "./scram_keys.ts";
import type { ShownPassword, Verifier } from "./verifier.ts";

/** What a check costs: 128·r·2^ln bytes of memory, gone through p times. */
export interface ScryptCost {
  /** Of 2. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and a quarter of a second: of the settings that OWASP holds for equal, one that fits a small board. */
export const DEFAULT_SCRYPT_COST: ScryptCost = { ln: 15, r: 8, p: 3 };

const KiB = 1024;
const MiB = 1024 * KiB;
/** Less would be guessed too fast; as much as Node takes by default is 16 MiB. */
const BYTES_MIN = 1 * MiB;
/** Of one check; `passwordChecksMax` run at once. Twice what OWASP asks for. */
const BYTES_MAX = 256 * MiB;
/** Memory times rounds: some seconds of a core. */
const WORK_BYTES_MAX = 1024 * MiB;
/** node:crypto wants to know beforehand, and counts some of its own. */
const SPARE_BYTES = 1 * MiB;
const SALT_BYTES_MIN = 8;
const SALT_BYTES_MAX = 64;
const HASH_BYTES_MIN = 16;
const HASH_BYTES_MAX = 64;
const NEW_HASH_BYTES = 32;

/** Written as a PHC string, as passlib and others write it. It tells a password that is shown, and is of no use to SCRAM. */
export class ScryptVerifier implements Verifier {
  static readonly prefix = "$scrypt$";
  static readonly form = "$scrypt$ln=<n>,r=<n>,p=<n>$<salt>$<hash>";
  static readonly pattern = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([^$]*)\$([^$]*)$/;

  readonly cost: ScryptCost;
  readonly salt: Bytes;
  readonly hash: Bytes;

  constructor({ cost, salt, hash }: { cost: ScryptCost; salt: Bytes; hash: Bytes }) {
    this.cost = cost;
    this.salt = salt;
    this.hash = hash;
  }

  /** @param password prepared by `saslprep` */
  static async make(
    password: string,
    { cost = DEFAULT_SCRYPT_COST, salt }: { readonly cost?: ScryptCost; readonly salt: Bytes },
  ): Promise<ScryptVerifier> {
    return new ScryptVerifier({ cost, salt, hash: await derive(password, { cost, salt }, NEW_HASH_BYTES) });
  }

  static fromParts(
    [ln, r, p, salt = "", hash = ""]: readonly string[],
    fail: (problem: string) => never,
  ): ScryptVerifier {
    const bounds = { isUnpadded: true, fail };
    return new ScryptVerifier({
      cost: checkCost({ ln: Number(ln), r: Number(r), p: Number(p) }, fail),
      salt: parseBytes(salt, { what: "salt", min: SALT_BYTES_MIN, max: SALT_BYTES_MAX, ...bounds }),
      hash: parseBytes(hash, { what: "hash", min: HASH_BYTES_MIN, max: HASH_BYTES_MAX, ...bounds }),
    });
  }

  async verifies({ text }: Pick<ShownPassword, "text">): Promise<boolean> {
    return isSameKey(await derive(text, this, this.hash.length), this.hash);
  }

  async decoy(seed: Bytes): Promise<ScryptVerifier> {
    return new ScryptVerifier({
      cost: this.cost,
      salt: await hmac(seed, "salt"),
      hash: await hmac(seed, "key"),
    });
  }

  toString(): string {
    const { ln, r, p } = this.cost;
    const [salt, hash] = [this.salt, this.hash].map((bytes) => bytes.toBase64({ omitPadding: true }));
    return `${ScryptVerifier.prefix}ln=${ln},r=${r},p=${p}$${salt}$${hash}`;
  }
}

/** What one line of a file may cost whoever runs the broker, each time that somebody names that user. */
function checkCost(cost: ScryptCost, fail: (problem: string) => never): ScryptCost {
  const { ln, r, p } = cost;
  const bytes = bytesOf(cost);
  const written = `ln=${ln},r=${r},p=${p}`;
  if (r === 0 || p === 0) return fail(`${written} has a 0`);
  if (bytes > BYTES_MAX) {
    return fail(`${written} takes ${inMiB(bytes)} of memory, at most ${inMiB(BYTES_MAX)} are allowed`);
  }
  if (bytes < BYTES_MIN) {
    return fail(`${written} takes less than ${inMiB(BYTES_MIN)} of memory, which is too weak`);
  }
  if (bytes * p <= WORK_BYTES_MAX) return cost;
  return fail(`${written} goes through ${inMiB(bytes * p)}, at most ${inMiB(WORK_BYTES_MAX)} are allowed`);
}

function bytesOf({ ln, r }: ScryptCost): number {
  return 128 * r * 2 ** ln;
}

function inMiB(bytes: number): string {
  return `${Math.ceil(bytes / MiB)} MiB`;
}

/** On a thread of its own. */
function derive(
  password: string,
  { cost, salt }: { readonly cost: ScryptCost; readonly salt: Bytes },
  bytes: number,
): Promise<Bytes> {
  const { ln, r, p } = cost;
  const maxmem = bytesOf(cost) + 128 * r * p + SPARE_BYTES;
  return new Promise((resolve, reject) => {
    scrypt(password, salt, bytes, { N: 2 ** ln, r, p, maxmem }, (error, key) => {
      if (error) reject(error);
      else resolve(new Uint8Array(key));
    });
  });
}
