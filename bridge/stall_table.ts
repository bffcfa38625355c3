import type { Clock } from "../broker/mod.ts";

/** Something that has to be over in time. */
interface Wait {
  readonly until: number;
  readonly onStall: () => void;
}

/**
 * Waits that all may take the same time, so the first to begin is the first to be over it, and one timer does for all of
 * them. A timer for each cost 1.5 µs of a core.
 */
export class StallTable {
  readonly #clock: Clock;
  readonly #milliseconds: number;
  /** In the order in which they are over time. One for each request whose body is on its way. */
  readonly #waits = new Set<Wait>();
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, seconds: number) {
    this.#clock = clock;
    this.#milliseconds = seconds * 1000;
  }

  get size(): number {
    return this.#waits.size;
  }

  begin(onStall: () => void): Wait {
    const wait = { until: this.#clock.now() + this.#milliseconds, onStall };
    this.#waits.add(wait);
    this.#cancelTimer ??= this.#clock.after(this.#milliseconds, () => this.#check());
    return wait;
  }

  end(wait: Wait): void {
    this.#waits.delete(wait);
  }

  /** Nobody is told any more. */
  close(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#waits.clear();
  }

  #check(): void {
    this.#cancelTimer = undefined;
    const now = this.#clock.now();
    for (const wait of this.#waits) {
      if (wait.until > now) {
        // No longer than all take, should the clock have been set back.
        const left = Math.min(wait.until - now, this.#milliseconds);
        this.#cancelTimer = this.#clock.after(left, () => this.#check());
        return;
      }
      this.#waits.delete(wait);
      wait.onStall();
    }
  }
}
