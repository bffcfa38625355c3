import type { Link, Listener } from "./transport.ts";

/** Bytes on their way in one direction before the writer waits, as in a socket's buffer. */
const PIPE_BYTES_MAX = 64 * 1024;

/** Links inside the process, for tests: no sockets, no ports, no time of their own. */
export class MemoryListener implements Listener {
  readonly url = "memory:";
  readonly port = 0;
  readonly #waiting: Link[] = [];
  #accept: ((link: Link | null) => void) | undefined;
  #isClosed = false;
  #count = 0;

  /** The client's end of a new link. */
  connect(): Link {
    if (this.#isClosed) throw new Deno.errors.ConnectionRefused("The listener is closed");
    const [near, far] = memoryLinks(`memory:${++this.#count}`);
    if (this.#accept) this.#accept(far);
    else this.#waiting.push(far);
    this.#accept = undefined;
    return near;
  }

  accept(): Promise<Link | null> {
    if (this.#isClosed) return Promise.resolve(null);
    const link = this.#waiting.shift();
    if (link) return Promise.resolve(link);
    return new Promise((resolve) => this.#accept = resolve);
  }

  close(): void {
    this.#isClosed = true;
    this.#accept?.(null);
    this.#accept = undefined;
  }
}

/** Two ends of one link. */
export function memoryLinks(peer: string): [Link, Link] {
  const forth = new Pipe();
  const back = new Pipe();
  return [new MemoryLink(peer, back, forth), new MemoryLink(peer, forth, back)];
}

class MemoryLink implements Link {
  readonly peer: string;
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;

  constructor(peer: string, incoming: Pipe, outgoing: Pipe) {
    this.peer = peer;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#incoming.read(buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#outgoing.write(bytes);
  }

  close(): void {
    this.#incoming.break();
    this.#outgoing.finish();
  }
}

/** One direction. */
class Pipe {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isFinished = false;
  #isBroken = false;
  #wake: (() => void)[] = [];

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#bytes === 0 && !this.#isFinished && !this.#isBroken) await this.#change();
    if (this.#isBroken) throw new Deno.errors.BadResource("The link is closed");
    const chunk = this.#chunks.shift();
    if (!chunk) return null;
    const count = Math.min(chunk.length, buffer.length);
    buffer.set(chunk.subarray(0, count));
    if (count < chunk.length) this.#chunks.unshift(chunk.subarray(count));
    this.#bytes -= count;
    this.#changed();
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    while (this.#bytes >= PIPE_BYTES_MAX && !this.#isBroken && !this.#isFinished) await this.#change();
    if (this.#isBroken || this.#isFinished) throw new Deno.errors.BrokenPipe("The peer closed the link");
    const count = Math.min(bytes.length, PIPE_BYTES_MAX - this.#bytes);
    this.#chunks.push(bytes.slice(0, count));
    this.#bytes += count;
    this.#changed();
    return count;
  }

  /** The writer's side is closed: what was written can still be read. */
  finish(): void {
    this.#isFinished = true;
    this.#changed();
  }

  /** The reader's side is closed: nobody will read what was written. */
  break(): void {
    this.#isBroken = true;
    this.#changed();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #changed(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}
