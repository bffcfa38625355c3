import { ClientError } from "./client_error.ts";

const LINE_FEED = 0x0a;

/** Cuts bytes into lines. A line ends with a line feed, which is not part of it; a carriage return is. */
export class LineSplitter {
  readonly #lineBytesMax: number;
  /** Pieces of a line whose end has not come. */
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** The lines that end in the chunk, views of it but for the first. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      const line = chunk.subarray(start, end);
      start = end + 1;
      yield this.#bytes > 0 ? this.#join(line) : line;
    }
    if (start < chunk.length) this.#keep(chunk.slice(start));
  }

  /** What came after the last line feed, if anything did. */
  end(): Uint8Array | undefined {
    return this.#bytes > 0 ? this.#join(new Uint8Array(0)) : undefined;
  }

  #keep(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#lineBytesMax) {
      throw new ClientError(`Cannot publish a line of more than ${this.#lineBytesMax} bytes`);
    }
    this.#pieces.push(piece);
  }

  #join(last: Uint8Array): Uint8Array {
    const line = new Uint8Array(this.#bytes + last.length);
    let end = 0;
    for (const piece of [...this.#pieces, last]) {
      line.set(piece, end);
      end += piece.length;
    }
    this.#pieces = [];
    this.#bytes = 0;
    return line;
  }
}
