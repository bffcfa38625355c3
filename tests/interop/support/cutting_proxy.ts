import type { Random } from "../../topic/random_names.ts";
import { HOST } from "./start_mqtt.ts";

const CHUNK_BYTES = 16 * 1024;

/** Passes bytes on in both directions, and cuts connections off in the middle of what goes to the client. */
export class CuttingProxy implements AsyncDisposable {
  readonly port: number;
  /** Connections cut so far. */
  cutCount = 0;
  /** Bytes that went to clients so far. */
  byteCount = 0;
  readonly #targetPort: number;
  readonly #random: Random;
  readonly #listener: Deno.TcpListener;
  readonly #passages = new Set<Passage>();
  readonly #running = new Set<Promise<void>>();
  #cutsLeft = 0;
  #bytesMax = 0;

  constructor(targetPort: number, random: Random) {
    this.#targetPort = targetPort;
    this.#random = random;
    this.#listener = Deno.listen({ hostname: HOST, port: 0 });
    this.port = this.#listener.addr.port;
    this.#track(this.#acceptAll());
  }

  /** Cuts off every connection, so many times in all, at less than `bytesMax` bytes from now or from its begin. */
  startCutting({ cutCount, bytesMax }: { cutCount: number; bytesMax: number }): void {
    this.#cutsLeft = cutCount;
    this.#bytesMax = bytesMax;
    for (const passage of this.#passages) passage.bytesLeft = this.#drawBytes();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const passage of this.#passages) passage.close();
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async #acceptAll(): Promise<void> {
    for await (const client of this.#listener) this.#track(this.#pass(client));
  }

  async #pass(client: Deno.TcpConn): Promise<void> {
    const server = await Deno.connect({ hostname: HOST, port: this.#targetPort });
    const passage = new Passage(client, server, this.#drawBytes());
    this.#passages.add(passage);
    await Promise.all([
      passage.copy(client, server, (chunk) => chunk),
      passage.copy(server, client, (chunk) => this.#cutOff(passage, chunk)),
    ]);
    this.#passages.delete(passage);
  }

  /** The part of the chunk that still goes to the client; a short one is the last. */
  #cutOff(passage: Passage, chunk: Uint8Array): Uint8Array {
    this.byteCount += chunk.length;
    if (this.#cutsLeft === 0) return chunk;
    passage.bytesLeft -= chunk.length;
    if (passage.bytesLeft > 0) return chunk;
    this.#cutsLeft--;
    this.cutCount++;
    return chunk.subarray(0, chunk.length + passage.bytesLeft - 1);
  }

  #drawBytes(): number {
    return 1 + this.#random.below(Math.max(1, this.#bytesMax));
  }

  #track(running: Promise<void>): void {
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }
}

/** A connection of a client, and the one to the server that it is passed on to. */
class Passage {
  /** Counts down to the cut. */
  bytesLeft: number;
  readonly #client: Deno.TcpConn;
  readonly #server: Deno.TcpConn;
  #isClosed = false;

  constructor(client: Deno.TcpConn, server: Deno.TcpConn, bytesLeft: number) {
    this.#client = client;
    this.#server = server;
    this.bytesLeft = bytesLeft;
  }

  /** @param take answers the part of a chunk to pass on; if that is not all of it, the passage ends there */
  async copy(
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    take: (chunk: Uint8Array) => Uint8Array,
  ): Promise<void> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) break;
        const part = take(buffer.subarray(0, count));
        for (let sent = 0; sent < part.length;) sent += await to.write(part.subarray(sent));
        if (part.length < count) break;
      }
    } catch {
      // One side is gone, so the other has to go: that is all that a proxy does about it.
    }
    this.close();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#client.close();
    this.#server.close();
  }
}
