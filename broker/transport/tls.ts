import { Duplex } from "node:stream";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { type Clock, systemClock } from "../core/clock.ts";
import { VerifiedCertificates } from "./verified_certificates.ts";
import { type Link, LinkError, type Listener, type PeerCertificate } from "./transport.ts";

/** A pending read pins its buffer, so a quiet link has a small one. A record of TLS has no more than the large one. */
const SMALL_CHUNK_BYTES = 1024;
const LARGE_CHUNK_BYTES = 16 * 1024;
/** More in one write would hide for long whether the peer takes any of it. */
const WRITE_BYTES_MAX = 64 * 1024;
/** A peer that does not even take the good-bye within this is not waited for. */
const CLOSE_MS = 1000;

/** What a listener shows to its peers, as PEM text. `checkIdentity` (tls_identity.ts) says whether it can be used. */
export interface TlsIdentity {
  /** The certificate, then those of its issuers. */
  readonly certificate: string;
  readonly key: string;
  /** Issuers of the certificates that clients may show. */
  readonly clientAuthorities?: string | undefined;
}

export interface TlsOptions {
  /** Whether clients are asked for a certificate, and whether they must have one. */
  readonly clientCertificates?: "off" | "request" | "require";
  /** For clients that name protocols: the first of these that they know. */
  readonly protocols?: readonly string[];
  readonly clock?: Clock;
}

/**
 * Links of another listener, over TLS. Each handshake uses the identity that is in force then, and what is open stays
 * as it is: `present` changes certificates without closing anything. By Node's TLS, since Deno's own takes its
 * certificate once and asks no client for one.
 */
export class TlsListener implements Listener {
  readonly url: string;
  readonly port: number;
  readonly #inner: Listener;
  readonly #options: TlsOptions;
  readonly #verified = new VerifiedCertificates();
  #context: SecureContext;
  #clientAuthorities: string | undefined;

  constructor(inner: Listener, identity: TlsIdentity, options: TlsOptions = {}) {
    this.url = inner.url;
    this.port = inner.port;
    this.#inner = inner;
    this.#options = options;
    this.#context = contextOf(identity);
    this.#clientAuthorities = identity.clientAuthorities;
  }

  /** Shows another identity from now on. */
  present(identity: TlsIdentity): void {
    this.#context = contextOf(identity);
    if (identity.clientAuthorities !== this.#clientAuthorities) this.#verified.clear();
    this.#clientAuthorities = identity.clientAuthorities;
  }

  async accept(): Promise<TlsLink | null> {
    const link = await this.#inner.accept();
    return link &&
      new TlsLink(link, { ...this.#options, context: () => this.#context, verified: this.#verified });
  }

  close(): void {
    this.#inner.close();
  }
}

/** What all links of a listener have in common. */
interface TlsShared extends TlsOptions {
  readonly context: () => SecureContext;
  readonly verified: VerifiedCertificates;
}

/**
 * One link over TLS, on the server's side.
 *
 *     inner link ──cipher──> #tls ──plain──> read
 *
 * Node's TLS takes all that it is given and keeps what nobody reads. So it is given nothing unless somebody waits, and
 * no more than two chunks are ever kept of a peer that sends faster than it is read.
 */
export class TlsLink implements Link {
  certificate: PeerCertificate | undefined;
  /** By ALPN; undefined when the client named none that we know. */
  protocol: string | undefined;
  readonly #inner: Link;
  readonly #shared: TlsShared;
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

  constructor(inner: Link, shared: TlsShared) {
    this.#inner = inner;
    this.#shared = shared;
  }

  get peer(): string {
    return this.#inner.peer;
  }

  get address(): string | undefined {
    return this.#inner.address;
  }

  async open(): Promise<void> {
    await this.#inner.open?.();
    if (this.#isClosed) throw failed("it was closed");
    const tls = this.#start();
    let isSecure = false;
    tls.once("secure", () => {
      isSecure = true;
      this.#wake();
    });
    while (!isSecure) {
      if (this.#isCipherOver) throw failed("the peer went away");
      await this.#change();
    }
    this.certificate = this.#certificateOf(tls);
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

  #start(): TLSSocket {
    const inner = this.#inner;
    this.#cipher = new Duplex({
      read() {},
      write: (chunk: Uint8Array, _encoding, done) => void writeAll(inner, chunk).then(() => done(), done),
    });
    const { clientCertificates = "off", protocols } = this.#shared;
    const tls = new TLSSocket(this.#cipher, {
      isServer: true,
      secureContext: this.#shared.context(),
      requestCert: clientCertificates !== "off",
      // Where none is needed, one that does not hold is still refused, below.
      rejectUnauthorized: clientCertificates === "require",
      ...(protocols && { ALPNProtocols: [...protocols] }),
    });
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
    this.#error ??= isOfTheSystem(error) ? error : failed(error.message);
    this.#wake();
  }

  #certificateOf(tls: TLSSocket): PeerCertificate | undefined {
    const { clientCertificates = "off", verified, clock = systemClock } = this.#shared;
    if (clientCertificates === "off") return undefined;
    const { fingerprint256, subject, subjectaltname, valid_to } = tls.getPeerCertificate() ?? {};
    if (!fingerprint256) {
      if (clientCertificates === "require") throw failed("the client showed no certificate");
      return undefined;
    }
    const fingerprint = fingerprint256.replaceAll(":", "").toLowerCase();
    if (tls.isSessionReused()) {
      if (!verified.has(fingerprint, clock.now())) {
        throw failed("the resumed session has no certificate that holds");
      }
    } else {
      const problem = verificationProblem(tls);
      if (problem !== undefined) throw failed(`the client's certificate does not hold: ${problem}`);
      verified.add(fingerprint, Date.parse(valid_to));
    }
    return {
      subject: firstOf(subject?.CN) ?? "",
      names: subjectaltname ? subjectaltname.split(", ") : [],
      fingerprint,
    };
  }
}

/**
 * Why the certificate that the client showed does not hold; undefined if it does. Node's own servers ask the same way;
 * Node answers with an error or null, Deno with a word or an empty one. What cannot be asked holds for nobody.
 */
function verificationProblem(tls: TLSSocket): string | undefined {
  const { ssl } = tls as unknown as { readonly ssl?: { verifyError?(): unknown } };
  if (typeof ssl?.verifyError !== "function") return "it cannot be verified";
  const problem = ssl.verifyError();
  if (problem === null || problem === undefined || problem === "") return undefined;
  return problem instanceof Error ? problem.message : String(problem);
}

function contextOf({ certificate, key, clientAuthorities }: TlsIdentity): SecureContext {
  return createSecureContext({
    cert: certificate,
    key,
    ...(clientAuthorities !== undefined && { ca: clientAuthorities }),
  });
}

async function writeAll(link: Link, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await link.write(bytes.subarray(sent));
}

/** Of several common names, the first. */
function firstOf(name: string | string[] | undefined): string | undefined {
  return Array.isArray(name) ? name[0] : name;
}

function isOfTheSystem(error: Error): boolean {
  return Object.values(Deno.errors).some((kind) => error instanceof kind);
}

function failed(why: string): LinkError {
  return new LinkError("handshake-failed", `The TLS handshake failed: ${why}`);
}
