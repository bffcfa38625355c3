import type { Limits } from "./limits.ts";
import type { Log } from "./log.ts";

/** What is over begins to be over at this share of the bound: otherwise it would begin and end every second. */
const LOW_SHARE = 0.9;

export interface MemoryWatchParts {
  readonly limits: Pick<Limits, "memoryBytesMax">;
  readonly log: Log;
  /** Bytes that the process holds. */
  readonly read: () => number;
  readonly onOverload: () => void;
}

/**
 * Knows whether there is too little memory to begin anything that would hold more: sessions and subscriptions that are not
 * there yet, messages that would wait or be retained, streams, cookies and tokens. What is under way goes on.
 *
 *     bytes  ----- memoryBytesMax -----/‾‾‾\------------
 *            ----- 90 % of it --------/-----\-----------
 *                               ok   | overloaded | ok
 */
export class MemoryWatch {
  readonly #parts: MemoryWatchParts;
  #isOverloaded = false;

  constructor(parts: MemoryWatchParts) {
    this.#parts = parts;
  }

  get isOverloaded(): boolean {
    return this.#isOverloaded;
  }

  /** Looks at the memory; called about once a second, never for a message. */
  sample(): void {
    const { limits: { memoryBytesMax }, log, read, onOverload } = this.#parts;
    if (memoryBytesMax === 0) return;
    const bytes = read();
    if (!this.#isOverloaded && bytes > memoryBytesMax) {
      this.#isOverloaded = true;
      onOverload();
      log.warn("memory-overloaded", { bytes, memoryBytesMax });
    } else if (this.#isOverloaded && bytes < memoryBytesMax * LOW_SHARE) {
      this.#isOverloaded = false;
      log.info("memory-recovered", { bytes, memoryBytesMax });
    }
  }
}
