import { type Link, upgradeLink } from "../broker/mod.ts";
import type { WebSocketOpening } from "./web_socket.ts";

const CHUNK_BYTES = 16 * 1024;
const NOTHING = new Uint8Array(0);

/** The end of a connection to a server inside. */
export type Inner = Pick<Deno.Conn, "read" | "write" | "close">;

/**
 * A link whose bytes are passed on to a server inside, until either side ends or one of its requests makes a WebSocket
 * of it.
 *
 *     client <──> link <──> inner
 *                  └──> WebSocket    from then on, with what the client sends next
 */
export class Passage {
  readonly #link: Link;
  readonly #inner: Inner;
  readonly #outcome = Promise.withResolvers<Link | undefined>();
  #isOver = false;
  /** With what was read of the link too late to be passed on. */
  readonly #forth: Promise<Uint8Array>;
  readonly #back: Promise<void>;

  constructor(link: Link, inner: Inner) {
    this.#link = link;
    this.#inner = inner;
    this.#forth = this.#passForth();
    this.#back = this.#passBack();
  }

  /** Resolves when it is over, with the WebSocket that is to be served instead, if there is one. */
  get outcome(): Promise<Link | undefined> {
    return this.#outcome.promise;
  }

  /** Nothing is passed on any more, not even an earlier answer that the client did not wait for. */
  openWebSocket(opening: WebSocketOpening): void {
    if (this.#isOver) return opening.onClose();
    const taken = new TakenLink(this.#link, { opening, rest: this.#forth, quiet: this.#back });
    this.#end(upgradeLink(taken, opening));
  }

  async #passForth(): Promise<Uint8Array> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    try {
      for (;;) {
        const count = await this.#link.read(buffer);
        if (count === null) break;
        if (this.#isOver) return buffer.subarray(0, count);
        await writeAll(this.#inner, buffer.subarray(0, count));
      }
    } catch {
      // What is wrong with one side only ends both, and whoever took the link over hears it there.
    }
    this.#end();
    return NOTHING;
  }

  async #passBack(): Promise<void> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    try {
      for (;;) {
        const count = await this.#inner.read(buffer);
        if (count === null) break;
        await writeAll(this.#link, buffer.subarray(0, count));
      }
    } catch {
      // As above.
    }
    this.#end();
  }

  #end(successor?: Link): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#inner.close();
    this.#outcome.resolve(successor);
  }
}

interface Taking {
  readonly opening: WebSocketOpening;
  readonly rest: Promise<Uint8Array>;
  /** Nobody else writes any more. */
  readonly quiet: Promise<void>;
}

/** A link that HTTP has left: as it was, but for what HTTP had begun to read of it, and for whose it is. */
class TakenLink implements Link {
  readonly peer: string;
  readonly address: string | undefined;
  readonly certificate: Link["certificate"];
  readonly #link: Link;
  readonly #onClose: () => void;
  readonly #quiet: Promise<void>;
  #rest: Promise<Uint8Array> | undefined;
  #isClosed = false;

  constructor(link: Link, { opening, rest, quiet }: Taking) {
    this.peer = opening.peer;
    this.address = opening.address;
    this.certificate = link.certificate;
    this.#link = link;
    this.#onClose = opening.onClose;
    this.#rest = rest;
    this.#quiet = quiet;
  }

  open(): Promise<void> {
    return this.#quiet;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    if (!this.#rest) return await this.#link.read(buffer);
    const rest = await this.#rest;
    const count = Math.min(rest.length, buffer.length);
    buffer.set(rest.subarray(0, count));
    this.#rest = count < rest.length ? Promise.resolve(rest.subarray(count)) : undefined;
    return count > 0 ? count : await this.#link.read(buffer);
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

async function writeAll(to: Pick<Link, "write">, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
}
