import type { Journal } from "./journal.ts";
import type { StateName } from "./records.ts";

/**
 * Numbers that are reserved at a time. Half of them last for five seconds of a million messages each, far longer than the
 * note of the next chunk waits for its commit: one that came too late would give numbers anew after a crash. A crash wastes
 * a chunk, and there are enough for nine hundred million of those.
 */
const CHUNK = 10_000_000;

/**
 * Numbers the messages, broker-wide and for ever: a number that somebody may have seen is never given to another message,
 * not even after a crash.
 *
 *     ├──── given ────┤ last      reserved ┤      after a crash the numbers go on behind `reserved`
 *                        ▲ the next chunk is reserved when half of this one is gone
 */
export class Sequence {
  readonly #journal: Journal | undefined;
  #epoch = newEpoch();
  #last = 0;
  #reserveAt = Infinity;

  constructor(journal: Journal | undefined) {
    this.#journal = journal;
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
    this.#reserveAt = this.#last + CHUNK / 2;
    this.#journal?.statePut("sequence", String(this.#last + CHUNK));
  }
}

/** Eight characters that no other broker has, as far as chance goes. */
export function newEpoch(): string {
  return crypto.randomUUID().slice(0, 8);
}
