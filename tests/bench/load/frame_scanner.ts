const BUFFER_BYTES_MIN = 256;

/**
 * Finds the frames in what a socket read, with as little work as can be: the load must not be what is measured.
 *
 *     bytes   |..done..|frame...|frame..|fra..........room.........|
 *                      ^position             ^filled
 */
export class FrameScanner {
  /** First byte of the frame that `next` found, and where the bytes behind its fixed header begin and end. */
  header = 0;
  start = 0;
  end = 0;
  bytes: Uint8Array;
  view: DataView;
  #position = 0;
  #filled = 0;

  constructor(bufferBytes: number) {
    this.bytes = new Uint8Array(Math.max(bufferBytes, BUFFER_BYTES_MIN));
    this.view = new DataView(this.bytes.buffer);
  }

  /** Where the next bytes go; call `filled` with how many came. */
  room(): Uint8Array {
    return this.bytes.subarray(this.#filled);
  }

  filled(count: number): void {
    this.#filled += count;
  }

  /** Finds the next whole frame. On false, the frames found before are gone from the buffer. */
  next(): boolean {
    const { bytes } = this;
    let at = this.#position + 1;
    let length = 0;
    for (let shift = 0; at < this.#filled; shift += 7) {
      const byte = bytes[at++]!;
      length |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (at + length > this.#filled) return this.#makeRoom(at + length - this.#position);
      this.header = bytes[this.#position]!;
      this.start = at;
      this.end = this.#position = at + length;
      return true;
    }
    return this.#makeRoom(BUFFER_BYTES_MIN);
  }

  /** Moves what is left to the front of a buffer that holds the whole frame. */
  #makeRoom(frameBytes: number): false {
    const left = this.bytes.subarray(this.#position, this.#filled);
    if (frameBytes > this.bytes.length) {
      this.bytes = new Uint8Array(frameBytes * 2);
      this.view = new DataView(this.bytes.buffer);
    }
    this.bytes.set(left);
    this.#filled = left.length;
    this.#position = 0;
    return false;
  }
}
