import { Histogram } from "./histogram.ts";

/** What begins every payload: whose message it is, its number, and when it was sent. */
export const STAMP_BYTES = 12;

/** What came of the messages of one load. */
export class Tally {
  readonly latency = new Histogram();
  received = 0;
  /** Passed over: a later message of the same publisher came first. */
  lost = 0;
  /** Came again, or after a later one. */
  repeated = 0;
  /** Latencies count from now on. */
  isMeasuring = false;

  /** Deliveries that nobody waits for any more. */
  get settled(): number {
    return this.received + this.lost;
  }
}

/** What one subscriber waits for: of each publisher every message once, in order. */
export class Expectation {
  readonly #tally: Tally;
  readonly #next: Uint32Array;

  constructor(tally: Tally, publisherCount: number) {
    this.#tally = tally;
    this.#next = new Uint32Array(publisherCount);
  }

  take(publisher: number, sequence: number): void {
    const next = this.#next[publisher];
    if (sequence === next) {
      this.#next[publisher] = sequence + 1;
      this.#tally.received++;
    } else if (next === undefined) {
      throw new Error(`Received a message of publisher ${publisher}: there are ${this.#next.length}`);
    } else if (sequence > next) {
      this.#next[publisher] = sequence + 1;
      this.#tally.received++;
      this.#tally.lost += sequence - next;
    } else this.#tally.repeated++;
  }
}

/** Microseconds since the process began: the clock of all stamps. */
export function microseconds(): number {
  return Math.round(performance.now() * 1000) >>> 0;
}
