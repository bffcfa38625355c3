import { type Clock, type Link, upgradeLink } from "../broker/mod.ts";
import { PassedBytes } from "./passed_bytes.ts";
import { TakenLink } from "./taken_link.ts";
import type { WebSocketOpening } from "./web_socket.ts";

const CHUNK_BYTES = 16 * 1024;
/** Of the answers, until one fills it: with two buffers of whole chunks an idle link took 74 KiB, now 24. */
const BEGINNING_BYTES = 1024;
/** Of a request for a WebSocket, which has about 1 KiB, and of what the client sends behind it before it is heard. */
const KEPT_BYTES = 8 * 1024;
const NOTHING = new Uint8Array(0);
/**
 * A request that was passed on is heard within so many turns of the event loop, each of so long at least; one took up to
 * three. A time alone would not do: while the loop is held up, nothing is heard.
 */
const HEARD_TURNS = 10;
const TURN_MS = 10;

/** The end of a connection to a server inside. */
export type Inner = Pick<Deno.Conn, "read" | "write" | "closeWrite" | "close">;

/** How long a client is waited for. */
export interface Patience {
  readonly clock: Clock;
  /** One that takes nothing of what there is for it for so long has its link closed. */
  readonly stallSeconds: number;
  /** Called when that happens. */
  readonly onStall: () => void;
  /** One that has asked for nothing for so long, or not to the end, has its link closed as well. */
  readonly idleSeconds: number;
  readonly onIdle: () => void;
}

/**
 * A link whose bytes are passed on to a server inside, until either breaks, the server ends it, or one of its requests
 * makes a WebSocket of it.
 *
 *     client <──> link <──> inner
 *                  └──> WebSocket    from then on, with what the client sent behind that request
 *
 * A client that has closed its side may be gone, or wait for its answers. `Deno.serve` drops those that it has not yet
 * when it hears of the end, so that is passed on only when nothing more is to be answered. Over HTTP/2 a client says how
 * much it takes: it gets no more than it has said by then.
 */
export class Passage {
  readonly #link: Link;
  readonly #inner: Inner;
  readonly #patience: Patience;
  readonly #outcome = Promise.withResolvers<Link | undefined>();
  readonly #passed = new PassedBytes({ keptBytes: KEPT_BYTES, chunkBytes: CHUNK_BYTES });
  /** Requests that were heard, and whose answer is not out. */
  #exchangeCount = 0;
  /** Since when there are none, in milliseconds since 1970. */
  #idleSince: number;
  /** Since when the client was to take what there is for it; Infinity if there is nothing. */
  #givingSince = Infinity;
  /** One of these has an answer that goes on for as long as the client is there. */
  #isFollowed = false;
  /** The client has closed its side. */
  #hasEnded = false;
  /** The server inside knows of that. */
  #isEndPassed = false;
  #cancelWait: () => void = () => {};
  #isOver = false;
  /** With what was read of the link too late to be passed on. */
  readonly #forth: Promise<Uint8Array>;
  readonly #back: Promise<void>;

  constructor(link: Link, inner: Inner, patience: Patience) {
    this.#link = link;
    this.#inner = inner;
    this.#patience = patience;
    this.#idleSince = patience.clock.now();
    this.#forth = this.#passForth();
    this.#back = this.#passBack();
  }

  /** Resolves when it is over, with the WebSocket that is to be served instead, if there is one. */
  get outcome(): Promise<Link | undefined> {
    return this.#outcome.promise;
  }

  /** A request was heard, whose answer is out when `completed` settles. */
  begin(completed: Promise<void>): void {
    this.#exchangeCount++;
    completed.then(this.#complete, this.#complete);
    if (this.#hasEnded) this.#wait();
  }

  /** Ends it if the client took nothing, or nothing was under way, for too long; answers whether it did. */
  checkTime(now: number): boolean {
    const { stallSeconds, onStall, idleSeconds, onIdle } = this.#patience;
    if (this.#isOver || this.#hasEnded) return false; // Then `#wait` looks after the time.
    const hasStalled = now - this.#givingSince >= stallSeconds * 1000;
    const isIdle = this.#exchangeCount === 0 && now - this.#idleSince >= idleSeconds * 1000;
    if (hasStalled) onStall();
    else if (isIdle) onIdle();
    else return false;
    this.#end();
    return true;
  }

  /** The answer to a request that was heard goes on for as long as the client is there. */
  follow(): void {
    this.#isFollowed = true;
    if (this.#hasEnded) this.#end();
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
      this.#clientEnded();
    } catch {
      // What is wrong with one side only ends both, and whoever took the link over hears it there.
      this.#end();
    }
    return NOTHING;
  }

  async #passBack(): Promise<void> {
    let buffer = new Uint8Array(BEGINNING_BYTES);
    try {
      for (;;) {
        const count = await this.#inner.read(buffer);
        if (count === null) break;
        if (this.#hasEnded) this.#wait();
        this.#givingSince = this.#patience.clock.now();
        await writeAll(this.#link, buffer.subarray(0, count));
        this.#givingSince = Infinity;
        if (count === buffer.length && count < CHUNK_BYTES) buffer = new Uint8Array(CHUNK_BYTES);
      }
    } catch {
      // As above.
    }
    this.#end();
  }

  #complete = (): void => {
    this.#exchangeCount--;
    if (this.#exchangeCount === 0) {
      this.#isFollowed = false;
      this.#idleSince = this.#patience.clock.now();
    }
    if (this.#hasEnded) this.#wait();
  };

  /** No stream goes on: if the client is gone, messages that it shares with others would be lost with it. */
  #clientEnded(): void {
    this.#hasEnded = true;
    if (this.#isFollowed) this.#end();
    else this.#wait();
  }

  /** Waits anew for what comes next, now that the client has closed its side. */
  #wait(turns = HEARD_TURNS): void {
    this.#cancelWait();
    if (this.#isOver) return;
    const { clock, stallSeconds, onStall } = this.#patience;
    const isAnswered = this.#exchangeCount === 0 && !this.#isEndPassed;
    if (isAnswered && turns > 0) {
      this.#cancelWait = clock.after(TURN_MS, () => this.#wait(turns - 1));
      return;
    }
    if (isAnswered) {
      this.#isEndPassed = true;
      this.#inner.closeWrite().catch(() => this.#end());
    }
    this.#cancelWait = clock.after(stallSeconds * 1000, () => {
      onStall();
      this.#end();
    });
  }

  #end(successor?: Link): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelWait();
    this.#inner.close();
    this.#outcome.resolve(successor);
  }
}

async function writeAll(to: Pick<Link, "write">, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
}
