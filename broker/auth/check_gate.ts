export interface CheckGateInit {
  readonly runningMax: number;
  readonly waitingMax: number;
  /** Called for each check that must wait, or is turned away. */
  readonly onFull?: (limit: "runningMax" | "waitingMax") => void;
}

/**
 * Lets so many checks run at once, has some wait and turns the others away: whoever sends passwords as fast as they can
 * takes the time of a few cores' threads, and not all the memory.
 */
export class CheckGate {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #onFull: (limit: "runningMax" | "waitingMax") => void;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor({ runningMax, waitingMax, onFull = () => {} }: CheckGateInit) {
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
    this.#onFull = onFull;
  }

  async run<Result>(check: () => Promise<Result>): Promise<Result | "full"> {
    if (this.#running >= this.#runningMax) {
      const isFull = this.#waiting.length >= this.#waitingMax;
      this.#onFull(isFull ? "waitingMax" : "runningMax");
      if (isFull) return "full";
      await new Promise<void>((resolve) => this.#waiting.push(resolve)); // Whoever leaves gives its place on.
    } else this.#running++;
    try {
      return await check();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
