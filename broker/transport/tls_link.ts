import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { type Link, LinkError, type PeerCertificate } from "./transport.ts";

/** A pending read pins its buffer, so a quiet link has a small one. A record of TLS has no more than the large one. */
const SMALL_CHUNK_BYTES = 1024;
const LARGE_CHUNK_BYTES = 16 * 1024;
/** More in one write would hide for long whether the peer takes any of it. */
const WRITE_BYTES_MAX = 64 * 1024;
/** A peer that does not even take the good-bye within this is not waited for. */
const CLOSE_MS = 1000;

/** What is not the same at the two ends of a link. */
export interface TlsSide {
  /** Begins the handshake over what is encrypted. */
  start(cipher: Duplex): TLSSocket;
  /** The event that ends it. */
  readonly secureEvent: "secure" | "secureConnect";
  /** Who the peer is, once it is over; throws `LinkError` for one who may not be that. */
  identify(tls: TLSSocket): PeerCertificate | undefined;
  /** What went wrong, of what TLS or the system says. */
  explain(error: Error): Error;
}

/**
 * One link over TLS.
 *
 *     inner link ──cipher──> #tls ──plain──> read
 *
 * Node's TLS takes all that it is given and keeps what nobody reads. So it is given nothing unless somebody waits, and
 * no more than two chunks are ever kept of a peer that sends faster than it is read.
 */
export class TlsLink implements Link {
  certificate: PeerCertificate | undefined;
  /** By ALPN; undefined when the two ends agreed on none. */
  protocol: string | undefined;
  readonly #inner: Link;
  readonly #side: TlsSide;
  #cipher: Duplex | undefined;
  #tls: TLSSocket | undefined;
  /** What was decrypted and not read yet. */
  #plain: Uint8Array | null = null;
  #error: Error | undefined;
  #hasEnded = false;
  /** The peer sends no more, though some of it may still be to decrypt. */
  #isCipherOver = false;
  /** Somebody waits for what the peer sends next. */
  #isWanted = false;
  #isFeeding = false;
  #chunkBytes = SMALL_CHUNK_BYTES;
  /** Came when nobody waited any more. */
  #ahead: Uint8Array | null | undefined;
  #isWriting = false;
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(inner: Link, side: TlsSide) {
    this.#inner = inner;
    this.#side = side;
  }

  get peer(): string {
    return this.#inner.peer;
  }

  get address(): string | undefined {
    return this.#inner.address;
  }

  async open(): Promise<void> {
    await this.#inner.open?.();
    if (this.#isClosed) throw handshakeFailed("it was closed");
    const tls = this.#start();
    let isSecure = false;
    tls.once(this.#side.secureEvent, () => {
      isSecure = true;
      this.#wake();
    });
    while (!isSecure) {
      if (this.#isCipherOver) await this.#explainEnd();
      await this.#change();
    }
    this.certificate = this.#side.identify(tls);
    this.protocol = tls.alpnProtocol || undefined;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while ((this.#plain ??= this.#tls!.read()) === null) {
      if (this.#hasEnded) return null;
      await this.#change();
    }
    const count = Math.min(this.#plain.length, buffer.length);
    buffer.set(this.#plain.subarray(0, count));
    this.#plain = count < this.#plain.length ? this.#plain.subarray(count) : null;
    return count;
  }

  /** Resolves when the inner link has the bytes: from then on the buffer is the caller's again. */
  async write(bytes: Uint8Array): Promise<number> {
    this.#check();
    const part = bytes.length > WRITE_BYTES_MAX ? bytes.subarray(0, WRITE_BYTES_MAX) : bytes;
    this.#isWriting = true;
    const error = await new Promise<unknown>((resolve) => this.#tls!.write(part, resolve));
    this.#isWriting = false;
    if (error) throw this.#error ?? new Deno.errors.BrokenPipe("The peer closed the link");
    return part.length;
  }

  /** Says good-bye, unless something still waits for the peer: then it would not hear it anyway. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wake();
    const tls = this.#tls;
    if (!tls || this.#isWriting || this.#error) return this.#destroy();
    const timer = setTimeout(() => this.#destroy(), CLOSE_MS);
    tls.end(() => {
      clearTimeout(timer);
      this.#destroy();
    });
  }

  #destroy(): void {
    this.#inner.close();
    this.#tls?.destroy();
    this.#cipher?.destroy();
  }

  /** The last bytes may have said why, which shows when they are decrypted. */
  async #explainEnd(): Promise<never> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#check();
    throw this.#side.explain(new Error("the peer went away"));
  }

  #start(): TLSSocket {
    const inner = this.#inner;
    this.#cipher = new Duplex({
      read() {},
      write: (chunk: Uint8Array, _encoding, done) => void writeAll(inner, chunk).then(() => done(), done),
    });
    const tls = this.#side.start(this.#cipher);
    tls.on("readable", () => this.#wake());
    tls.on("end", () => this.#end());
    tls.on("close", () => this.#end());
    tls.on("error", (error) => this.#fail(error));
    this.#cipher.on("error", (error) => this.#fail(error));
    return this.#tls = tls;
  }

  /** Waits for whatever comes next, and lets more come meanwhile. */
  async #change(): Promise<void> {
    this.#check();
    const changed = new Promise<void>((resolve) => this.#wake = resolve);
    this.#isWanted = true;
    void this.#feed();
    await changed;
    this.#isWanted = false;
    this.#check();
  }

  async #feed(): Promise<void> {
    if (this.#isFeeding) return;
    this.#isFeeding = true;
    try {
      while (!this.#hasEnded && !this.#error) {
        this.#ahead ??= await this.#readCipher();
        // The last chunk may have been enough, which shows only now.
        if (!this.#isWanted) break;
        const chunk = this.#ahead;
        this.#ahead = undefined;
        this.#cipher!.push(chunk);
        if (chunk !== null) continue;
        this.#isCipherOver = true;
        this.#wake();
        break;
      }
    } catch (error) {
      this.#fail(error as Error);
    }
    this.#isFeeding = false;
  }

  async #readCipher(): Promise<Uint8Array | null> {
    const chunk = new Uint8Array(this.#chunkBytes);
    const count = await this.#inner.read(chunk);
    if (count === null) return null;
    this.#chunkBytes = count === chunk.length ? LARGE_CHUNK_BYTES : SMALL_CHUNK_BYTES;
    return chunk.subarray(0, count);
  }

  #check(): void {
    if (this.#isClosed) throw new Deno.errors.BadResource("The link is closed");
    if (this.#error) throw this.#error;
  }

  #end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  #fail(error: Error): void {
    this.#error ??= this.#side.explain(error);
    this.#wake();
  }
}

async function writeAll(link: Link, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await link.write(bytes.subarray(sent));
}

export function isOfTheSystem(error: Error): boolean {
  return Object.values(Deno.errors).some((kind) => error instanceof kind);
}

export function handshakeFailed(why: string): LinkError {
  return new LinkError("handshake-failed", `The TLS handshake failed: ${why}`);
}
