/** Fits the answers of a quiet connection. */
const SMALL_BYTES = 4 * 1024;
/** Fits a busy turn; a write of more gains nothing. */
export const LARGE_BYTES = 64 * 1024;
/** Spare buffers kept of each size: what a busy turn needs, 4 MiB at most. */
const SPARES_MAX = 64;

/**
 * Lends write buffers to the outboxes of all connections. A connection holds one only while something waits for its
 * peer, so an idle connection costs none.
 */
export class BufferPool {
  readonly #small: Uint8Array[] = [];
  readonly #large: Uint8Array[] = [];

  take(bytes: number): Uint8Array {
    if (bytes <= SMALL_BYTES) return this.#small.pop() ?? new Uint8Array(SMALL_BYTES);
    return this.#large.pop() ?? new Uint8Array(LARGE_BYTES);
  }

  /** Only for a buffer that nobody reads any more. */
  give(buffer: Uint8Array): void {
    const spares = buffer.length === SMALL_BYTES ? this.#small : this.#large;
    if (spares.length < SPARES_MAX) spares.push(buffer);
  }
}
