import { createHash, type X509Certificate } from "node:crypto";
import { certificatesIn } from "./tls_identity.ts";

/**
 * Who may vouch for the certificates that clients show: issuers, or a certificate for itself. TLS says that somebody did,
 * and not who; that is found out here, so that it can be asked later whether they still may.
 *
 *     client's certificate <── issuers that it sent along <── one of ours         a path, from left to right
 *
 * A certificate is known by its mark, subject and key: what TLS trusts, too, however often the certificate is renewed.
 */
export class ClientAuthorities {
  readonly #bySubject: ReadonlyMap<string, readonly X509Certificate[]>;
  readonly #marks: ReadonlySet<string>;

  /** @param pem undefined: there is nobody */
  constructor(pem: string | undefined) {
    const ours = pem === undefined ? [] : certificatesIn(pem, "the client authorities", "clientAuthorities");
    this.#bySubject = Map.groupBy(ours, ({ subject }) => subject);
    this.#marks = new Set(ours.map(markOf));
  }

  /**
   * The marks from the client's certificate to the first one of ours. Empty where a signature is none that Deno checks
   * here, of P-521 or RSA-PSS, or the chain is not in its order: then nobody can be said to vouch for it later.
   *
   * @param chain the client's certificate, then those of its issuers, each after the one that it issued
   */
  pathOf(chain: readonly X509Certificate[]): readonly string[] {
    const path: string[] = [];
    for (const [index, certificate] of chain.entries()) {
      path.push(markOf(certificate));
      if (this.vouchFor(path)) return path;
      const issuer = this.#bySubject.get(certificate.issuer)?.find((ours) => hasIssued(ours, certificate));
      if (issuer) return [...path, markOf(issuer)];
      // Whoever sends another's certificate along is not vouched for by them.
      const next = chain[index + 1];
      if (!next || !hasIssued(next, certificate)) break;
    }
    return [];
  }

  /** Whether one of ours is on the path. */
  vouchFor(path: readonly string[]): boolean {
    return path.some((mark) => this.#marks.has(mark));
  }
}

function hasIssued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false; // It is of a kind that Deno does not know, so nobody can say.
  }
}

function markOf(certificate: X509Certificate): string {
  const { subject, fingerprint256 } = certificate;
  try {
    const key = certificate.publicKey.export({ type: "spki", format: "der" });
    return createHash("sha256").update(subject).update("\0").update(key).digest("base64");
  } catch {
    return fingerprint256; // Of a key that Deno does not know: then this very certificate.
  }
}
