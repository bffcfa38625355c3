import type { Link } from "../transport/transport.ts";

/** Bytes that wait for the link; with so many, publishing waits too. */
export const SENDER_BYTES_MAX = 1024 * 1024;

export interface SenderInit {
  readonly link: Link;
  /** Called when bytes went out. */
  readonly onSent: () => void;
  readonly onFailed: (error: unknown) => void;
}

/**
 * What a client sends: everything of a turn in one write. Simpler than the broker's outbox (`transport/outbox.ts`), since
 * a client has one of them and a caller that can wait.
 */
export class Sender {
  readonly #init: SenderInit;
  #queue: Uint8Array[] = [];
  #bytes = 0;
  /** Settles when the queue is with the operating system; all who ask for it share it. */
  #handover: PromiseWithResolvers<void> | undefined;
  #isWriting = false;
  #closedWith: Error | undefined;

  constructor(init: SenderInit) {
    this.#init = init;
  }

  get isFull(): boolean {
    return this.#bytes >= SENDER_BYTES_MAX;
  }

  send(bytes: Uint8Array): void {
    if (this.#closedWith) return;
    this.#queue.push(bytes);
    this.#bytes += bytes.length;
    if (this.#isWriting) return;
    this.#isWriting = true;
    queueMicrotask(() => void this.#drain());
  }

  /** Resolves when everything sent up to now is with the operating system. */
  handedOver(): Promise<void> {
    if (this.#closedWith) return Promise.reject(this.#closedWith);
    this.#handover ??= Promise.withResolvers<void>();
    return this.#handover.promise;
  }

  /** Closes the link, whatever waits. */
  close(error: Error): void {
    this.#closedWith = error;
    this.#init.link.close();
    this.#queue = [];
    this.#handover?.reject(error);
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const handover = this.#handover;
      this.#handover = undefined;
      const bytes = join(this.#queue);
      this.#queue = [];
      try {
        for (let sent = 0; sent < bytes.length;) sent += await this.#init.link.write(bytes.subarray(sent));
      } catch (error) {
        if (!this.#closedWith) this.#init.onFailed(error);
        handover?.reject(this.#closedWith);
        return;
      }
      this.#bytes -= bytes.length;
      handover?.resolve();
      this.#init.onSent();
    }
    this.#isWriting = false;
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
