import { decode, FrameReader, type Packet, type Version } from "../packet/mod.ts";
import type { Link } from "../transport/transport.ts";

const READ_BUFFER_BYTES = 64 * 1024;

export interface ReceiverInit {
  readonly link: Link;
  readonly version: Version;
  readonly packetBytesMax: number;
  /** Takes a packet; the next one waits for what it returns. */
  readonly handle: (packet: Packet) => void | Promise<void>;
  readonly onHeard: () => void;
  /** Whether reading waits for `resume`. */
  readonly isPaused: () => boolean;
  /** Whether what comes is of no interest any more; the link is read to its end all the same. */
  readonly isDeaf: () => boolean;
}

/** What a client reads. */
export class Receiver {
  readonly #init: ReceiverInit;
  #resume: (() => void) | undefined;

  constructor(init: ReceiverInit) {
    this.#init = init;
  }

  /** Reads until the link ends. Rejects when it breaks, and with what decoding and handling throw. */
  async run(): Promise<void> {
    const { link, version, packetBytesMax, handle, onHeard, isPaused, isDeaf } = this.#init;
    const frames = new FrameReader(packetBytesMax);
    const buffer = new Uint8Array(READ_BUFFER_BYTES);
    for (;;) {
      const count = await link.read(buffer);
      if (count === null) return;
      onHeard();
      if (isDeaf()) continue;
      // The buffer is used again: nothing that is kept from a packet is a view of it (`IncomingFlows` copies).
      frames.push(buffer.subarray(0, count));
      while (!isDeaf() && frames.next()) {
        const handling = handle(decode(frames, version));
        if (handling) await handling;
        while (isPaused()) await this.#pause();
      }
    }
  }

  /** Looks again whether to read on. */
  resume(): void {
    this.#resume?.();
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => this.#resume = resolve);
    this.#resume = undefined;
    this.#init.onHeard();
  }
}
