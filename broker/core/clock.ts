/** Time as the broker sees it; tests put a simulated one in its place. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number;
  /** Calls back once after so many milliseconds; the answer cancels it. */
  after(milliseconds: number, callback: () => void): () => void;
}

/** Longest delay that `setTimeout` keeps; a longer one would fire at once. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** The clock on the wall. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, Math.min(milliseconds, TIMEOUT_MS_MAX));
    return () => clearTimeout(timer);
  },
};
