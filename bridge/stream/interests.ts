import { type Broker, type EventJournal, isShared, matches } from "../../broker/mod.ts";

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
 *                                    └── its place is wanted: the one that is gone for longest ──> forgotten
 */
export class Interests {
  readonly #events: EventJournal;
  readonly #counters: Broker["counters"];
  readonly #graceMs: number;
  readonly #filtersMax: number;
  /** Those that are gone in the order in which they went. */
  readonly #interests = new Map<string, Interest>();
  readonly #matched = new Map<string, boolean>();

  constructor({ events, counters, limits }: Pick<Broker, "events" | "counters" | "limits">) {
    this.#events = events;
    this.#counters = counters;
    this.#graceMs = limits.replaySeconds * 1000;
    this.#filtersMax = limits.replayFiltersMax;
  }

  get size(): number {
    return this.#interests.size;
  }

  /** Takes over what the process before this one kept: every stream may come back. */
  restore(kept: readonly (readonly [filter: string, until: number])[], now: number): void {
    const interests = kept.map(([filter, until]): [string, Interest] => [
      filter,
      { openCount: 0, until: until === Infinity ? now + this.#graceMs : until },
    ]).sort(([, one], [, other]) => one.until - other.until);
    for (const [filter, interest] of interests) {
      if (this.#makeRoom()) this.#interests.set(filter, interest);
      else this.#events.deleteInterest(filter);
    }
  }

  /**
   * A stream with these filters begins. Whose turn a message of a shared one was, nobody knows: nothing is kept for it.
   *
   * @returns the filters that something is kept for from now on, for `closed`; and whether that is all that could be
   */
  opened(filters: readonly string[]): { readonly counted: readonly string[]; readonly isKept: boolean } {
    const wanted = [...new Set(filters)].filter((filter) => !isShared(filter));
    const counted = wanted.filter((filter) => this.#count(filter));
    const isKept = counted.length === wanted.length || !this.#events.isDurable;
    if (!isKept) this.#counters.streamsUnkept++;
    return { counted, isKept };
  }

  /** @param counted as `opened` answered */
  closed(counted: readonly string[], now: number): void {
    for (const filter of counted) {
      const known = this.#interests.get(filter)!;
      if (--known.openCount > 0) continue;
      known.until = now + this.#graceMs;
      this.#interests.delete(filter);
      this.#interests.set(filter, known);
      this.#events.putInterest(filter, known.until);
    }
  }

  /** Forgets who did not come back. */
  expire(now: number): void {
    for (const [filter, { openCount, until }] of this.#interests) {
      if (openCount > 0 || until > now) continue;
      this.#forget(filter);
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

  /** False if there is no place for it. */
  #count(filter: string): boolean {
    const known = this.#interests.get(filter);
    if (known && known.openCount++ > 0) return true;
    if (known) known.until = Infinity;
    else if (!this.#makeRoom()) return false;
    else {
      this.#interests.set(filter, { openCount: 1, until: Infinity });
      this.#matched.clear();
    }
    this.#events.putInterest(filter, Infinity);
    return true;
  }

  /** Who is there matters more than who was. */
  #makeRoom(): boolean {
    if (this.#interests.size < this.#filtersMax) return true;
    const gone = this.#interests.entries().find(([, { openCount }]) => openCount === 0);
    if (!gone) return false;
    this.#forget(gone[0]);
    this.#counters.interestsEvicted++;
    return true;
  }

  #forget(filter: string): void {
    this.#interests.delete(filter);
    this.#matched.clear();
    this.#events.deleteInterest(filter);
  }
}
