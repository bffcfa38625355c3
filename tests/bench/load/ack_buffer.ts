const FIRST_BYTES = 4096;
const ACK_BYTES = 4;

/** Acknowledgements of four bytes, one buffer filling while the other is being written. */
export class AckBuffer {
  #filling = new Uint8Array(FIRST_BYTES);
  #writing = new Uint8Array(FIRST_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(header: number, packetId: number): void {
    const at = this.#length;
    if (at + ACK_BYTES > this.#filling.length) this.#grow();
    const bytes = this.#filling;
    bytes[at] = header;
    bytes[at + 1] = 2;
    bytes[at + 2] = packetId >> 8;
    bytes[at + 3] = packetId & 0xff;
    this.#length = at + ACK_BYTES;
  }

  /** All of them, good until the next call. */
  take(): Uint8Array {
    const taken = this.#filling.subarray(0, this.#length);
    [this.#filling, this.#writing] = [this.#writing, this.#filling];
    this.#length = 0;
    return taken;
  }

  #grow(): void {
    const grown = new Uint8Array(this.#filling.length * 2);
    grown.set(this.#filling);
    this.#filling = grown;
  }
}
