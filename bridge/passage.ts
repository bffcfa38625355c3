import { type Link, upgradeLink } from "../broker/mod.ts";
import { PassedBytes } from "./passed_bytes.ts";
import { TakenLink } from "./taken_link.ts";
import type { WebSocketOpening } from "./web_socket.ts";

const CHUNK_BYTES = 16 * 1024;
/** Of a request for a WebSocket, which has about 1 KiB, and of what the client sends behind it before it is heard. */
const KEPT_BYTES = 8 * 1024;
const NOTHING = new Uint8Array(0);

/** The end of a connection to a server inside. */
export type Inner = Pick<Deno.Conn, "read" | "write" | "close">;

/**
 * A link whose bytes are passed on to a server inside, until either side ends or one of its requests makes a WebSocket
 * of it.
 *
 *     client <──> link <──> inner
 *                  └──> WebSocket    from then on, with what the client sent behind that request
 */
export class Passage {
  readonly #link: Link;
  readonly #inner: Inner;
  readonly #outcome = Promise.withResolvers<Link | undefined>();
  readonly #passed = new PassedBytes({ keptBytes: KEPT_BYTES, chunkBytes: CHUNK_BYTES });
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

  /**
   * Nothing is passed on any more, not even an earlier answer that the client did not wait for. What the client sent
   * behind its request is the WebSocket's, though it was passed on; false if that was too much to be still there.
   */
  openWebSocket(opening: WebSocketOpening): boolean {
    if (this.#isOver) {
      opening.onClose();
      return true;
    }
    const early = this.#passed.behindHeadWith(opening.key);
    if (!early) return false;
    const taken = new TakenLink(this.#link, { opening, ahead: [early, this.#forth], quiet: this.#back });
    this.#end(upgradeLink(taken, opening));
    return true;
  }

  async #passForth(): Promise<Uint8Array> {
    try {
      for (;;) {
        const count = await this.#link.read(this.#passed.room());
        if (count === null) break;
        const bytes = this.#passed.take(count);
        if (this.#isOver) return bytes;
        await writeAll(this.#inner, bytes);
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

async function writeAll(to: Pick<Link, "write">, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
}
