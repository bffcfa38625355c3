/** Buckets to each doubling: a value is known to 1.6 %. */
const STEPS = 64;
const STEP_BITS = 6;
const BUCKET_COUNT = (32 - STEP_BITS) * STEPS + STEPS;

/**
 * Counts whole numbers of up to 32 bits in buckets that grow with the value, so that millions a second cost neither
 * memory nor sorting: 0 to 127 have a bucket each, 128 to 255 one for two, 256 to 511 one for four.
 */
export class Histogram {
  readonly #counts = new Float64Array(BUCKET_COUNT);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    const shift = shiftOf(value);
    this.#counts[shift * STEPS + (value >>> shift)]!++;
    this.#count++;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
  }

  /** The value that this share (0 to 1) of all values does not exceed; 0 if there are none. */
  quantile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= wanted) return middleOf(bucket);
    }
    return 0;
  }
}

function shiftOf(value: number): number {
  return Math.max(0, 31 - Math.clz32(value) - STEP_BITS);
}

function middleOf(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / STEPS) - 1);
  return (bucket - shift * STEPS) * 2 ** shift + Math.floor((2 ** shift - 1) / 2);
}
