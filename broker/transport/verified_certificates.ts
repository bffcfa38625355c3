/** Remembered; the one that was used longest ago goes. About 200 bytes each. */
const CERTIFICATES_MAX = 20_000;

/**
 * Certificates that held in a whole handshake. A client that resumes its session shows none, and of the one that it had
 * shown Deno says then that it holds, whatever came out before: who was refused would come in by coming back.
 */
export class VerifiedCertificates {
  /** Until when each holds, in the order of use. */
  readonly #expiries = new Map<string, number>();
  readonly #max: number;

  constructor(max = CERTIFICATES_MAX) {
    this.#max = max;
  }

  /** @param expiry in milliseconds since 1970 */
  add(fingerprint: string, expiry: number): void {
    this.#expiries.delete(fingerprint);
    this.#expiries.set(fingerprint, expiry);
    if (this.#expiries.size <= this.#max) return;
    const [oldest] = this.#expiries.keys();
    this.#expiries.delete(oldest!);
  }

  /** Whether it held, and still is of its time. */
  has(fingerprint: string, now: number): boolean {
    const expiry = this.#expiries.get(fingerprint);
    if (expiry === undefined || now > expiry) return false;
    this.add(fingerprint, expiry);
    return true;
  }

  /** Those whom they were issued by are no longer the ones that we trust. */
  clear(): void {
    this.#expiries.clear();
  }
}
