import type { Link } from "../broker/mod.ts";
import type { WebSocketOpening } from "./web_socket.ts";

/** How far HTTP is with a link that it leaves. */
export interface Taking {
  readonly opening: WebSocketOpening;
  /** What HTTP had read of it that is not its own, in this order. */
  readonly ahead: readonly (Uint8Array | Promise<Uint8Array>)[];
  /** Nobody else writes any more. */
  readonly quiet: Promise<void>;
}

/** A link that HTTP has left: as it was, but for what HTTP had begun to read of it, and for whose it is. */
export class TakenLink implements Link {
  readonly peer: string;
  readonly address: string | undefined;
  readonly certificate: Link["certificate"];
  readonly #link: Link;
  readonly #onClose: () => void;
  readonly #quiet: Promise<void>;
  readonly #ahead: (Uint8Array | Promise<Uint8Array>)[];
  #isClosed = false;

  constructor(link: Link, { opening, ahead, quiet }: Taking) {
    this.peer = opening.peer;
    this.address = opening.address;
    this.certificate = link.certificate;
    this.#link = link;
    this.#onClose = opening.onClose;
    this.#ahead = [...ahead];
    this.#quiet = quiet;
  }

  open(): Promise<void> {
    return this.#quiet;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#ahead.length > 0) {
      const bytes = await this.#ahead[0]!;
      const count = Math.min(bytes.length, buffer.length);
      buffer.set(bytes.subarray(0, count));
      if (count < bytes.length) this.#ahead[0] = bytes.subarray(count);
      else this.#ahead.shift();
      if (count > 0) return count;
    }
    return await this.#link.read(buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#link.write(bytes);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#link.close();
    this.#onClose();
  }
}
