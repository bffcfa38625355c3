const SLAB_BYTES = 64 * 1024;
/** Larger ones have memory of their own. */
const COPIED_BYTES_MAX = 4 * 1024;

/**
 * Copies of small chunks, side by side in one buffer, since memory of its own costs a chunk of 80 bytes more than all the
 * rest of reading it.
 *
 *     slab  │chunk│chunk 2│chunk 3│ ...                 never written twice: who has a view has it for good
 *
 * Any of them holds the whole slab in memory, so who keeps one beyond its turn copies it out.
 */
export class Slab {
  #bytes = new Uint8Array(0);
  #used = 0;

  copy(chunk: Uint8Array): Uint8Array {
    const { length } = chunk;
    if (length > COPIED_BYTES_MAX) return chunk.slice();
    if (length > this.#bytes.length - this.#used) {
      this.#bytes = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used = start + length;
    this.#bytes.set(chunk, start);
    return this.#bytes.subarray(start, this.#used);
  }
}
