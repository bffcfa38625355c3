/** Reads that used little of the buffer before it shrinks: growing back costs one short read each. */
const QUIET_READS = 16;
/** Between large packets: what comes in of the next one is copied, the rest read to where it stays. */
const BEGINNING_BYTES = 4 * 1024;

/**
 * The buffer that a connection reads into. A pending read pins it, so it starts small, grows while reads fill it and
 * shrinks when they no longer do.
 */
export class ReadBuffer {
  #bytes: Uint8Array;
  #isBeginning = false;
  readonly #bytesMin: number;
  readonly #bytesMax: number;
  #quietReads = 0;

  constructor(bytesMin: number, bytesMax: number) {
    this.#bytesMin = bytesMin;
    this.#bytesMax = Math.max(bytesMin, bytesMax);
    this.#bytes = new Uint8Array(bytesMin);
  }

  /** Where the next chunk is read to. */
  room(isAfterLarge: boolean): Uint8Array {
    this.#isBeginning = isAfterLarge && this.#bytes.length > BEGINNING_BYTES;
    return this.#isBeginning ? this.#bytes.subarray(0, BEGINNING_BYTES) : this.#bytes;
  }

  /** What was read, lent: the next read writes over it. */
  take(count: number): Uint8Array {
    const chunk = this.#bytes.subarray(0, count);
    if (this.#isBeginning) return chunk;
    if (count === this.#bytes.length) this.#resize(Math.min(count * 4, this.#bytesMax));
    else if (count * 4 > this.#bytes.length) this.#quietReads = 0;
    else if (++this.#quietReads >= QUIET_READS) {
      this.#resize(Math.max(this.#bytes.length / 4, this.#bytesMin));
    }
    return chunk;
  }

  #resize(size: number): void {
    this.#quietReads = 0;
    if (size !== this.#bytes.length) this.#bytes = new Uint8Array(Math.ceil(size));
  }
}
