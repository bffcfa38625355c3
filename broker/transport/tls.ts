import { X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import {
  createSecureContext,
  type DetailedPeerCertificate,
  type PeerCertificate as NodeCertificate,
  type SecureContext,
  TLSSocket,
} from "node:tls";
import { type Clock, systemClock } from "../core/clock.ts";
import { ClientAuthorities } from "./client_authorities.ts";
import { ShownCertificate } from "./shown_certificate.ts";
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

/** Certificates of a client's chain that are looked at: it may send as many as it likes. */
const CHAIN_MAX = 8;

/**
 * Links of another listener, over TLS. Each handshake uses the identity that is in force then, and what is open stays
 * as it is: `present` changes certificates without closing anything, but `certificate.isGone` of links whose client no
 * longer would come in. By Node's TLS, since Deno's own takes its certificate once and asks no client for one.
 */
export class TlsListener implements Listener {
  readonly url: string;
  readonly port: number;
  readonly #inner: Listener;
  readonly #shared: TlsShared;
  readonly #verified = new VerifiedCertificates();
  #inForce: InForce;

  constructor(inner: Listener, identity: TlsIdentity, options: TlsOptions = {}) {
    this.url = inner.url;
    this.port = inner.port;
    this.#inner = inner;
    this.#shared = { ...options, inForce: () => this.#inForce, verified: this.#verified };
    this.#inForce = inForce(identity);
  }

  /** Shows another identity from now on. */
  present(identity: TlsIdentity): void {
    const before = this.#inForce;
    this.#inForce = inForce(identity, before);
    if (this.#inForce.authorities !== before.authorities) this.#verified.clear();
  }

  async accept(): Promise<TlsLink | null> {
    const link = await this.#inner.accept();
    return link && new TlsLink(link, new ServerSide(this.#shared));
  }

  close(): void {
    this.#inner.close();
  }
}

/** What a handshake uses. */
interface InForce {
  readonly context: SecureContext;
  readonly authorities: ClientAuthorities;
  /** As text, to tell whether they changed. */
  readonly clientAuthorities: string | undefined;
}

/** What all links of a listener have in common. */
interface TlsShared extends TlsOptions {
  readonly inForce: () => InForce;
  /** What holds by the authorities that are in force. */
  readonly verified: VerifiedCertificates;
}

/** The server's end of a link. */
class ServerSide implements TlsSide {
  readonly secureEvent = "secure";
  readonly #shared: TlsShared;
  /** Who was trusted when the handshake began. */
  #authorities: ClientAuthorities;

  constructor(shared: TlsShared) {
    this.#shared = shared;
    this.#authorities = shared.inForce().authorities;
  }

  start(cipher: Duplex): TLSSocket {
    const { clientCertificates = "off", protocols, inForce } = this.#shared;
    const { context, authorities } = inForce();
    this.#authorities = authorities;
    return new TLSSocket(cipher, {
      isServer: true,
      secureContext: context,
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
    const { clientCertificates = "off", inForce } = this.#shared;
    if (clientCertificates === "off") return undefined;
    const shown: NodeCertificate = tls.getPeerCertificate() ?? {};
    const { fingerprint256, subject, subjectaltname } = shown;
    if (!fingerprint256) {
      if (clientCertificates === "require") throw handshakeFailed("the client showed no certificate");
      return undefined;
    }
    const fingerprint = fingerprint256.replaceAll(":", "").toLowerCase();
    const certificate = new ShownCertificate({
      subject: firstOf(subject?.CN) ?? "",
      names: subjectaltname ? subjectaltname.split(", ") : [],
      fingerprint,
      path: this.#pathOf(tls, fingerprint),
      heldBy: this.#authorities,
      authorities: () => inForce().authorities,
    });
    if (!certificate.isGone) return certificate;
    throw handshakeFailed("the client's certificate does not hold: its issuer is trusted no more");
  }

  /** Who vouches for the certificate; throws for one that does not hold. */
  #pathOf(tls: TLSSocket, fingerprint: string): readonly string[] {
    const { inForce, verified, clock = systemClock } = this.#shared;
    const known = verified.find(fingerprint, clock.now());
    if (tls.isSessionReused()) {
      if (known) return known.path;
      throw handshakeFailed("the resumed session has no certificate that holds");
    }
    const problem = verificationProblem(tls);
    if (problem !== undefined) throw handshakeFailed(`the client's certificate does not hold: ${problem}`);
    if (known) return known.path;
    const shown = tls.getPeerCertificate(true);
    const path = this.#authorities.pathOf(chainOf(shown));
    // Others may be trusted by now.
    const isCurrent = inForce().authorities === this.#authorities;
    if (isCurrent) verified.add(fingerprint, { expiry: Date.parse(shown.valid_to), path });
    return path;
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

/** The certificate that was shown, and those that came with it up to the first that cannot be read. */
function chainOf(shown: DetailedPeerCertificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let each: DetailedPeerCertificate | undefined = shown; each && chain.length < CHAIN_MAX;) {
    try {
      chain.push(new X509Certificate(each.raw));
    } catch {
      break;
    }
    each = each.issuerCertificate === each ? undefined : each.issuerCertificate;
  }
  return chain;
}

function inForce({ certificate, key, clientAuthorities }: TlsIdentity, before?: InForce): InForce {
  const context = createSecureContext({
    cert: certificate,
    key,
    ...(clientAuthorities !== undefined && { ca: clientAuthorities }),
  });
  const isSame = before !== undefined && before.clientAuthorities === clientAuthorities;
  const authorities = isSame ? before.authorities : new ClientAuthorities(clientAuthorities);
  return { context, authorities, clientAuthorities };
}

/** Of several common names, the first. */
function firstOf(name: string | string[] | undefined): string | undefined {
  return Array.isArray(name) ? name[0] : name;
}
