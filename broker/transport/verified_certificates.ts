/** Remembered; the one that was used longest ago goes. About 400 bytes each. */
const CERTIFICATES_MAX = 20_000;

export interface VerifiedCertificate {
  /** In milliseconds since 1970. */
  readonly expiry: number;
  /** Who vouches for it, as `ClientAuthorities.pathOf` has it. */
  readonly path: readonly string[];
}

/**
 * Certificates that held in a whole handshake. A client that resumes its session shows none, and of the one that it had
 * shown Deno says then that it holds, whatever came out before: who was refused would come in by coming back.
 */
export class VerifiedCertificates {
  /** By fingerprint, in the order of use. */
  readonly #certificates = new Map<string, VerifiedCertificate>();
  readonly #max: number;

  constructor(max = CERTIFICATES_MAX) {
    this.#max = max;
  }

  add(fingerprint: string, certificate: VerifiedCertificate): void {
    this.#certificates.delete(fingerprint);
    this.#certificates.set(fingerprint, certificate);
    if (this.#certificates.size <= this.#max) return;
    const [oldest] = this.#certificates.keys();
    this.#certificates.delete(oldest!);
  }

  /** One that held, and still is of its time. */
  find(fingerprint: string, now: number): VerifiedCertificate | undefined {
    const found = this.#certificates.get(fingerprint);
    if (found === undefined || now > found.expiry) return undefined;
    this.add(fingerprint, found);
    return found;
  }

  /** Those whom they were issued by are no longer the ones that we trust. */
  clear(): void {
    this.#certificates.clear();
  }
}
