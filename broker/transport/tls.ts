import type { Duplex } from "node:stream";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { type Clock, systemClock } from "../core/clock.ts";
import { handshakeFailed, isOfTheSystem, TlsLink, type TlsSide } from "./tls_link.ts";
import type { Listener, PeerCertificate } from "./transport.ts";
import { VerifiedCertificates } from "./verified_certificates.ts";

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
  readonly #side: ServerSide;
  readonly #verified = new VerifiedCertificates();
  #context: SecureContext;
  #clientAuthorities: string | undefined;

  constructor(inner: Listener, identity: TlsIdentity, options: TlsOptions = {}) {
    this.url = inner.url;
    this.port = inner.port;
    this.#inner = inner;
    this.#side = new ServerSide({ ...options, context: () => this.#context, verified: this.#verified });
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
    return link && new TlsLink(link, this.#side);
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

/** The server's end of every link of a listener. */
class ServerSide implements TlsSide {
  readonly secureEvent = "secure";
  readonly #shared: TlsShared;

  constructor(shared: TlsShared) {
    this.#shared = shared;
  }

  start(cipher: Duplex): TLSSocket {
    const { clientCertificates = "off", protocols } = this.#shared;
    return new TLSSocket(cipher, {
      isServer: true,
      secureContext: this.#shared.context(),
      requestCert: clientCertificates !== "off",
      // Where none is needed, one that does not hold is still refused, below.
      rejectUnauthorized: clientCertificates === "require",
      ...(protocols && { ALPNProtocols: [...protocols] }),
    });
  }

  explain(error: Error): Error {
    return isOfTheSystem(error) ? error : handshakeFailed(error.message);
  }

  identify(tls: TLSSocket): PeerCertificate | undefined {
    const { clientCertificates = "off", verified, clock = systemClock } = this.#shared;
    if (clientCertificates === "off") return undefined;
    const { fingerprint256, subject, subjectaltname, valid_to } = tls.getPeerCertificate() ?? {};
    if (!fingerprint256) {
      if (clientCertificates === "require") throw handshakeFailed("the client showed no certificate");
      return undefined;
    }
    const fingerprint = fingerprint256.replaceAll(":", "").toLowerCase();
    if (tls.isSessionReused()) {
      if (!verified.has(fingerprint, clock.now())) {
        throw handshakeFailed("the resumed session has no certificate that holds");
      }
    } else {
      const problem = verificationProblem(tls);
      if (problem !== undefined) throw handshakeFailed(`the client's certificate does not hold: ${problem}`);
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

/** Of several common names, the first. */
function firstOf(name: string | string[] | undefined): string | undefined {
  return Array.isArray(name) ? name[0] : name;
}
