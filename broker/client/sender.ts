import type { Clock } from "../core/clock.ts";
import { encode, type OutgoingPacket, type Version } from "../packet/mod.ts";
import type { Link } from "../transport/transport.ts";
import { LimitError } from "./client_error.ts";

/** Bytes that wait for the link; with so many, publishing waits too. */
export const SENDER_BYTES_MAX = 1024 * 1024;
/** How long a broker that broke the protocol may take to read what it did wrong. */
const LAST_WORDS_SECONDS = 2;

export interface SenderInit {
  readonly link: Link;
  readonly version: Version;
  readonly clock: Clock;
  /** Called when bytes went out. */
  readonly onSent: () => void;
  readonly onFailed: (error: unknown) => void;
}

/**
 * What a client sends: everything of a turn in one write. Simpler than the broker's outbox (`transport/outbox.ts`), since
 * a client has one of them and a caller that can wait.
 */
export class Sender {
  /** The largest packet that the broker takes, once CONNACK has said it. */
  packetBytesMax = Infinity;
  readonly #init: SenderInit;
  #queue: Uint8Array[] = [];
  #bytes = 0;
  /** Settles when the queue is with the operating system; all who ask for it share it. */
  #handover: PromiseWithResolvers<void> | undefined;
  #isWriting = false;
  #closedWith: Error | undefined;
  /** Of the time that the last words have, when there are any. */
  #cancelTimer: (() => void) | undefined;

  constructor(init: SenderInit) {
    this.#init = init;
  }

  get isFull(): boolean {
    return this.#bytes >= SENDER_BYTES_MAX;
  }

  /** Throws, and sends nothing, when the packet cannot be encoded or is more than the broker takes. */
  send(packet: OutgoingPacket): void {
    const bytes = encode(packet, this.#init.version);
    if (bytes.length > this.packetBytesMax) { // [MQTT5-3.2.2-15]
      const what = `${packet.type.toUpperCase()} of ${bytes.length} bytes`;
      throw new LimitError(`Cannot send ${what}: the broker takes at most ${this.packetBytesMax}`);
    }
    if (!this.#closedWith) this.#push(bytes);
  }

  /** Resolves when everything sent up to now is with the operating system. */
  handedOver(): Promise<void> {
    if (this.#closedWith) return Promise.reject(this.#closedWith);
    this.#handover ??= Promise.withResolvers<void>();
    return this.#handover.promise;
  }

  /** Closes the link, whatever waits; `lastWords` go out before, if the broker takes them in time. */
  close(error: Error, lastWords?: OutgoingPacket): void {
    this.#closedWith = error;
    this.#handover?.reject(error);
    this.#queue = [];
    const { link, clock, version } = this.#init;
    const bytes = lastWords && encode(lastWords, version);
    if (!bytes || bytes.length > this.packetBytesMax) return link.close();
    this.#cancelTimer = clock.after(LAST_WORDS_SECONDS * 1000, () => link.close());
    this.#push(bytes);
  }

  #push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    this.#bytes += bytes.length;
    if (this.#isWriting) return;
    this.#isWriting = true;
    queueMicrotask(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0 && await this.#writeQueue());
    this.#isWriting = false;
    if (!this.#closedWith) return;
    this.#cancelTimer?.();
    this.#init.link.close();
  }

  /** False when the link broke. */
  async #writeQueue(): Promise<boolean> {
    const handover = this.#handover;
    this.#handover = undefined;
    const bytes = join(this.#queue);
    this.#queue = [];
    try {
      for (let sent = 0; sent < bytes.length;) sent += await this.#init.link.write(bytes.subarray(sent));
    } catch (error) {
      if (!this.#closedWith) this.#init.onFailed(error);
      handover?.reject(this.#closedWith);
      return false;
    }
    this.#bytes -= bytes.length;
    handover?.resolve();
    if (!this.#closedWith) this.#init.onSent();
    return true;
  }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const joined = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let end = 0;
  for (const chunk of chunks) {
    joined.set(chunk, end);
    end += chunk.length;
  }
  return joined;
}
