import type { Clock } from "../core/clock.ts";
import type { Journal } from "./journal.ts";
import type { StateName } from "./records.ts";

/** Numbers that are reserved at a time, at least and at most. */
const CHUNK_MIN = 1_000;
const CHUNK_MAX = 4_000_000;
/** A chunk that lasts less than this was too small, one that lasts more than ten times as long too large. */
const CHUNK_MS_MIN = 1_000;

/**
 * Numbers the messages, broker-wide and for ever: a number that somebody may have seen is never given to another message,
 * not even after a crash.
 *
 *     ├──── given ────┤ last      reserved ┤      after a crash the numbers go on behind `reserved`
 *                        ▲ the next chunk is reserved when half of this one is gone
 */
export class Sequence {
  readonly #journal: Journal | undefined;
  readonly #clock: Clock;
  #epoch = crypto.randomUUID().slice(0, 8);
  #last = 0;
  #reserveAt = Infinity;
  #chunk = CHUNK_MIN;
  #reservedAt = 0;

  constructor(journal: Journal | undefined, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
  }

  /** Another one means that the numbers began anew. */
  get epoch(): string {
    return this.#epoch;
  }

  /** The newest number; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  next(): number {
    const number = ++this.#last;
    if (number >= this.#reserveAt) this.#reserve();
    return number;
  }

  /** Goes on where the store says; the first chunk must be committed before the first number is given. */
  restore(state: Partial<Record<StateName, string>>): void {
    if (state.epoch !== undefined) this.#epoch = state.epoch;
    else this.#journal?.statePut("epoch", this.#epoch);
    this.#last = Number(state.sequence ?? 0);
    this.#reserve();
  }

  /** An orderly end wastes no numbers. */
  close(): void {
    if (this.#reserveAt !== Infinity) this.#journal?.statePut("sequence", String(this.#last));
  }

  #reserve(): void {
    const now = this.#clock.now();
    const lasted = now - this.#reservedAt;
    if (lasted < CHUNK_MS_MIN) this.#chunk = Math.min(this.#chunk * 2, CHUNK_MAX);
    else if (lasted > CHUNK_MS_MIN * 10) this.#chunk = Math.max(this.#chunk / 2, CHUNK_MIN);
    this.#reservedAt = now;
    this.#reserveAt = this.#last + this.#chunk / 2;
    this.#journal?.statePut("sequence", String(this.#last + this.#chunk));
  }
}
