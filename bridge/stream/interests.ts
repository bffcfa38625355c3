import { type EventJournal, isShared, matches } from "../../broker/mod.ts";

/** Filters that something is kept for. The streams of one more have what they miss in memory only. */
const FILTERS_MAX = 1_000;
/** Topics whose match is remembered. */
const REMEMBERED_TOPICS_MAX = 10_000;

interface Interest {
  /** Open streams with the filter. */
  openCount: number;
  /** While none is open: until when one may come back, in milliseconds since 1970. */
  until: number;
}

/**
 * The filters of streams that are open, or were and may come back: what matches one of them is kept on the disk before
 * its publisher hears of it, so that a stream misses nothing that was acknowledged, whatever becomes of the process.
 *
 *     open ──> open ──close──> may come back (as long as the log reaches back) ──> forgotten
 */
export class Interests {
  readonly #events: EventJournal;
  readonly #graceMs: number;
  readonly #interests = new Map<string, Interest>();
  readonly #matched = new Map<string, boolean>();

  /** @param graceSeconds for which a stream that is gone may come back */
  constructor(events: EventJournal, graceSeconds: number) {
    this.#events = events;
    this.#graceMs = graceSeconds * 1000;
  }

  get size(): number {
    return this.#interests.size;
  }

  /** Takes over what the process before this one kept: every stream may come back. */
  restore(kept: readonly (readonly [filter: string, until: number])[], now: number): void {
    for (const [filter, until] of kept.slice(0, FILTERS_MAX)) {
      this.#interests.set(filter, { openCount: 0, until: until === Infinity ? now + this.#graceMs : until });
    }
  }

  /** A stream with these filters begins. Whose turn a message of a shared one was, nobody knows: nothing is kept for it. */
  opened(filters: readonly string[]): void {
    for (const filter of new Set(filters)) {
      const known = this.#interests.get(filter);
      if (known) known.openCount++;
      if (known || isShared(filter) || this.#interests.size >= FILTERS_MAX) continue;
      this.#interests.set(filter, { openCount: 1, until: Infinity });
      this.#matched.clear();
      this.#events.putInterest(filter, Infinity);
    }
  }

  closed(filters: readonly string[], now: number): void {
    for (const filter of new Set(filters)) {
      const known = this.#interests.get(filter);
      if (!known || known.openCount === 0 || --known.openCount > 0) continue;
      known.until = now + this.#graceMs;
      this.#events.putInterest(filter, known.until);
    }
  }

  /** Forgets who did not come back. */
  expire(now: number): void {
    for (const [filter, { openCount, until }] of this.#interests) {
      if (openCount > 0 || until > now) continue;
      this.#interests.delete(filter);
      this.#matched.clear();
      this.#events.deleteInterest(filter);
    }
  }

  has(topic: string): boolean {
    if (this.#interests.size === 0) return false;
    const known = this.#matched.get(topic);
    if (known !== undefined) return known;
    if (this.#matched.size >= REMEMBERED_TOPICS_MAX) this.#matched.clear();
    const isMatch = this.#interests.keys().some((filter) => matches(filter, topic));
    this.#matched.set(topic, isMatch);
    return isMatch;
  }
}
