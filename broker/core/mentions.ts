/** A warning that is this old may be said again. */
const AGAIN_MS = 10 * 60 * 1000;

/**
 * Of whom the log has said something lately: who brings the same about again and again, by a new connection each time,
 * must not fill it.
 */
export class Mentions {
  readonly #max: number;
  /** When; the oldest first. */
  readonly #times = new Map<string, number>();

  /** @param max of them; beyond, the oldest is forgotten and may be mentioned again sooner */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#times.size;
  }

  /** Whether it is time to mention them, which then counts as done. */
  isDue(who: string, now: number): boolean {
    const before = this.#times.get(who);
    if (before !== undefined && now - before < AGAIN_MS) return false;
    this.#times.delete(who);
    if (this.#times.size >= this.#max) this.#times.delete(this.#times.keys().next().value!);
    this.#times.set(who, now);
    return true;
  }
}
