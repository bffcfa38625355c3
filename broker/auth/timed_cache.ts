import { createHmac, randomBytes } from "node:crypto";

interface Entry<Value> {
  readonly value: Value;
  readonly until: number;
}

/**
 * Answers to credentials, each for a while. The key is a keyed hash of what was asked, with a key that the process
 * makes and shows nobody: the memory holds no password, and nothing that could be compared with one elsewhere.
 */
export class TimedCache<Value> {
  readonly #secret = randomBytes(32);
  readonly #entriesMax: number;
  readonly #now: () => number;
  readonly #onEvicted: () => void;
  /** The oldest first. */
  readonly #entries = new Map<string, Entry<Value>>();

  /** @param onEvicted called when an answer goes before its time */
  constructor(entriesMax: number, now: () => number, onEvicted: () => void = () => {}) {
    this.#entriesMax = entriesMax;
    this.#now = now;
    this.#onEvicted = onEvicted;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Two lists of parts have the same key only if all parts are the same: each is hashed with its length. */
  keyOf(parts: readonly (string | Uint8Array | undefined)[]): string {
    const hash = createHmac("sha256", this.#secret);
    for (const part of parts) {
      const bytes = typeof part === "string" ? encoder.encode(part) : part;
      hash.update(bytes ? `${bytes.length}:` : "-");
      if (bytes) hash.update(bytes);
    }
    return hash.digest("base64");
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.until > this.#now()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: Value, seconds: number): void {
    this.#entries.delete(key);
    if (this.#entries.size >= this.#entriesMax) this.#evict();
    this.#entries.set(key, { value, until: this.#now() + seconds * 1000 });
  }

  clear(): void {
    this.#entries.clear();
  }

  #evict(): void {
    const [key, { until }] = this.#entries.entries().next().value!;
    this.#entries.delete(key);
    if (until > this.#now()) this.#onEvicted();
  }
}

const encoder = new TextEncoder();
