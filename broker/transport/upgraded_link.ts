import { type Link, LinkError } from "./transport.ts";
import { CloseCode } from "./websocket_frames.ts";

/** Bytes that the socket may hold for a peer; the rest waits where it is counted, in the outbox. */
const BUFFERED_BYTES_MAX = 256 * 1024;
/** The socket does not say when it has sent something. */
const POLL_MS = 10;
const WRITE_BYTES_MAX = 64 * 1024;

/** What came and was not read: a client may send while it waits to be let in, up to this. */
export const UNREAD_BYTES_MAX = 1024 * 1024;

export interface UpgradedLinkOptions {
  readonly peer: string;
  readonly address: string | undefined;
  /** A larger message closes the link. */
  readonly messageBytesMax: number;
}

/**
 * A link over a WebSocket that HTTP was upgraded to, which Deno frames: it gives whole messages, as fast as they come.
 * Fragments of a message it keeps without a bound until the last one comes, so this is for clients that are trusted.
 */
export class UpgradedLink implements Link {
  readonly peer: string;
  readonly address: string | undefined;
  readonly #socket: WebSocket;
  readonly #opened = Promise.withResolvers<void>();
  readonly #messageBytesMax: number;
  #chunks: Uint8Array[] = [];
  #unreadBytes = 0;
  #error: Error | undefined;
  #hasEnded = false;
  #isClosed = false;
  #wakeReader: () => void = () => {};
  #wakeWriter: () => void = () => {};

  constructor(socket: WebSocket, { peer, address, messageBytesMax }: UpgradedLinkOptions) {
    this.peer = peer;
    this.address = address;
    this.#messageBytesMax = messageBytesMax;
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened.resolve();
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => this.#take(data);
    socket.onerror = () => this.#end();
    socket.onclose = () => this.#end();
    if (socket.readyState === WebSocket.OPEN) this.#opened.resolve();
  }

  open(): Promise<void> {
    return this.#opened.promise;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#chunks.length === 0) {
      if (this.#isClosed) throw new Deno.errors.BadResource("The link is closed");
      if (this.#error) throw this.#error;
      if (this.#hasEnded) return null;
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    const chunk = this.#chunks[0]!;
    const count = Math.min(chunk.length, buffer.length);
    buffer.set(chunk.subarray(0, count));
    if (count < chunk.length) this.#chunks[0] = chunk.subarray(count);
    else this.#chunks.shift();
    this.#unreadBytes -= count;
    return count;
  }

  /** Resolves when the socket has room again, so that a peer that takes nothing keeps the outbox waiting. */
  async write(bytes: Uint8Array): Promise<number> {
    this.#checkWritable();
    const part = bytes.length > WRITE_BYTES_MAX ? bytes.slice(0, WRITE_BYTES_MAX) : bytes.slice();
    this.#socket.send(part); // [MQTT-6.0.0-1] [MQTT5-6.0.0-1]
    while (this.#socket.bufferedAmount > BUFFERED_BYTES_MAX) {
      const timer = Promise.withResolvers<void>();
      this.#wakeWriter = timer.resolve;
      const handle = setTimeout(timer.resolve, POLL_MS);
      await timer.promise;
      clearTimeout(handle);
      this.#checkWritable();
    }
    return part.length;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#opened.reject(new Deno.errors.BadResource("The link is closed"));
    this.#opened.promise.catch(() => {});
    this.#wakeReader();
    this.#wakeWriter();
    this.#shut(CloseCode.normal);
  }

  #take(data: string | ArrayBuffer): void {
    if (this.#error || this.#isClosed) return;
    if (typeof data === "string") { // [MQTT-6.0.0-1] [MQTT5-6.0.0-1]
      return this.#fail(CloseCode.unsupportedData, "Cannot accept a text frame: MQTT has binary frames only");
    }
    if (data.byteLength > this.#messageBytesMax) {
      return this.#fail(
        CloseCode.tooBig,
        `Cannot accept a WebSocket message of ${data.byteLength} bytes: at most ${this.#messageBytesMax} are allowed`,
      );
    }
    this.#unreadBytes += data.byteLength;
    if (this.#unreadBytes > UNREAD_BYTES_MAX + this.#messageBytesMax) {
      return this.#fail(CloseCode.tooBig, `Cannot keep ${this.#unreadBytes} bytes that nobody has read yet`);
    }
    if (data.byteLength > 0) this.#chunks.push(new Uint8Array(data)); // [MQTT-6.0.0-2] [MQTT5-6.0.0-2]
    this.#wakeReader();
  }

  #fail(code: number, message: string): void {
    this.#error = new LinkError("frame-refused", message);
    this.#chunks = [];
    this.#shut(code);
    this.#wakeReader();
    this.#wakeWriter();
  }

  #shut(code: number): void {
    if (this.#socket.readyState <= WebSocket.OPEN) this.#socket.close(code);
  }

  #end(): void {
    this.#hasEnded = true;
    this.#opened.reject(new Deno.errors.ConnectionReset("The WebSocket was not opened"));
    this.#opened.promise.catch(() => {});
    this.#wakeReader();
    this.#wakeWriter();
  }

  #checkWritable(): void {
    if (this.#error) throw this.#error;
    if (this.#isClosed || this.#hasEnded) throw new Deno.errors.BrokenPipe("The peer closed the link");
  }
}
