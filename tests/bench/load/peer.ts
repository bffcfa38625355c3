import { AckBuffer } from "./ack_buffer.ts";
import { FrameScanner } from "./frame_scanner.ts";
import { type OpenClient, writeAll } from "./handshake.ts";

/** Who is told that a peer got on: messages may have come, or its write may be over. */
export interface PeerOwner {
  peerGotOn(): void;
  peerFailed(error: unknown): void;
}

/** A client under load: it reads what comes, answers each chunk with one write, and never writes twice at once. */
export abstract class Peer {
  protected readonly frames: FrameScanner;
  protected readonly answers = new AckBuffer();
  readonly #connection: Deno.TcpConn;
  readonly #owner: PeerOwner;
  #isWriting = false;
  #isClosed = false;

  constructor({ connection }: OpenClient, owner: PeerOwner, bufferBytes: number) {
    this.#connection = connection;
    this.#owner = owner;
    this.frames = new FrameScanner(bufferBytes);
  }

  get isIdle(): boolean {
    return !this.#isWriting;
  }

  /** Reads until it is closed; any other end is a failure. */
  async run(): Promise<void> {
    try {
      for (;;) {
        const count = await this.#connection.read(this.frames.room());
        if (count === null) throw new Error("The broker closed a connection under load");
        this.frames.filled(count);
        this.begin();
        while (this.frames.next()) this.handle();
        if (this.answers.length > 0 && !this.#isWriting) this.write(this.answers.take());
        this.#owner.peerGotOn();
      }
    } catch (error) {
      if (!this.#isClosed) this.#owner.peerFailed(error);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#connection.close();
  }

  /** A chunk came. */
  protected begin(): void {}

  /** Takes the frame that `frames` found. */
  protected abstract handle(): void;

  /** Only while it is idle. The bytes must not change until it is again. */
  protected write(bytes: Uint8Array): void {
    this.#isWriting = true;
    void this.#write(bytes);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      await writeAll(this.#connection, bytes);
      while (this.answers.length > 0) await writeAll(this.#connection, this.answers.take());
      this.#isWriting = false;
      this.#owner.peerGotOn();
    } catch (error) {
      if (!this.#isClosed) this.#owner.peerFailed(error);
    }
  }
}
