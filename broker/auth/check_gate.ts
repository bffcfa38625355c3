/**
 * Lets so many checks run at once, has some wait and turns the others away: whoever sends passwords as fast as they can
 * takes the time of a few cores' threads, and not all the memory.
 */
export class CheckGate {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor({ runningMax, waitingMax }: { readonly runningMax: number; readonly waitingMax: number }) {
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  async run<Result>(check: () => Promise<Result>): Promise<Result | "full"> {
    if (this.#running >= this.#runningMax) {
      if (this.#waiting.length >= this.#waitingMax) return "full";
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
