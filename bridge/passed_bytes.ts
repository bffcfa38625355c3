const decoder = new TextDecoder("latin1");
/** Of the buffer of who has sent no more than that, which is about a request: most of a crowd does nothing. */
const BEGINNING_BYTES = 1024;

/**
 * A buffer for what is passed on, of which the newest bytes stay there.
 *
 *     | newest bytes | room for a chunk |
 */
export class PassedBytes {
  #buffer: Uint8Array<ArrayBuffer>;
  readonly #bufferBytes: number;
  readonly #keptBytes: number;
  #length = 0;

  constructor({ keptBytes, chunkBytes }: { readonly keptBytes: number; readonly chunkBytes: number }) {
    this.#bufferBytes = keptBytes + chunkBytes;
    this.#buffer = new Uint8Array(Math.min(BEGINNING_BYTES, this.#bufferBytes));
    this.#keptBytes = keptBytes;
  }

  /** Where the next bytes go: space for a chunk at least, once more than a little was sent. */
  room(): Uint8Array {
    if (this.#length === this.#buffer.length && this.#length < this.#bufferBytes) {
      const grown = new Uint8Array(this.#bufferBytes);
      grown.set(this.#buffer);
      this.#buffer = grown;
    }
    if (this.#length > this.#keptBytes) {
      this.#buffer.copyWithin(0, this.#length - this.#keptBytes, this.#length);
      this.#length = this.#keptBytes;
    }
    return this.#buffer.subarray(this.#length);
  }

  /** So many were read into the room. They stay where they are until it is asked for again. */
  take(count: number): Uint8Array {
    const start = this.#length;
    this.#length += count;
    return this.#buffer.subarray(start, this.#length);
  }

  /** A copy of what came behind the head of the last request that has the word; undefined if not all of that is there. */
  behindHeadWith(word: string): Uint8Array | undefined {
    const text = decoder.decode(this.#buffer.subarray(0, this.#length));
    const at = text.lastIndexOf(word);
    if (at === -1) return undefined;
    const headEnd = /\r?\n\r?\n/g;
    headEnd.lastIndex = at;
    return headEnd.test(text) ? this.#buffer.slice(headEnd.lastIndex, this.#length) : undefined;
  }
}
