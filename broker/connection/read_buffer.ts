/** Reads that used little of the buffer before it shrinks: growing back costs one short read each. */
const QUIET_READS = 16;

/**
 * The buffer that a connection reads into. A pending read pins it, so it starts small, grows while reads fill it and
 * shrinks when they no longer do.
 */
export class ReadBuffer {
  bytes: Uint8Array;
  readonly #bytesMin: number;
  readonly #bytesMax: number;
  #quietReads = 0;

  constructor(bytesMin: number, bytesMax: number) {
    this.#bytesMin = bytesMin;
    this.#bytesMax = Math.max(bytesMin, bytesMax);
    this.bytes = new Uint8Array(bytesMin);
  }

  /** What was read, lent: the next read writes over it. */
  take(count: number): Uint8Array {
    const chunk = this.bytes.subarray(0, count);
    if (count === this.bytes.length) this.#resize(Math.min(count * 4, this.#bytesMax));
    else if (count * 4 > this.bytes.length) this.#quietReads = 0;
    else if (++this.#quietReads >= QUIET_READS) this.#resize(Math.max(this.bytes.length / 4, this.#bytesMin));
    return chunk;
  }

  #resize(size: number): void {
    this.#quietReads = 0;
    if (size !== this.bytes.length) this.bytes = new Uint8Array(Math.ceil(size));
  }
}
