import type { Link } from "../../broker/transport/transport.ts";

/** A link that opens by itself: what is read and written waits until it has. */
export class OpeningLink implements Link {
  readonly #inner: Link;
  readonly #opened: Promise<void>;

  constructor(inner: Link) {
    this.#inner = inner;
    this.#opened = inner.open?.() ?? Promise.resolve();
    this.#opened.catch(() => {});
  }

  get peer(): string {
    return this.#inner.peer;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    await this.#opened;
    return await this.#inner.read(buffer);
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#opened;
    return await this.#inner.write(bytes);
  }

  close(): void {
    this.#inner.close();
  }
}
