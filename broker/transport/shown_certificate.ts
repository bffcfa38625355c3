import type { ClientAuthorities } from "./client_authorities.ts";
import type { PeerCertificate } from "./transport.ts";

export interface ShownCertificateInit extends Omit<PeerCertificate, "isGone"> {
  /** Who vouches for it, as `ClientAuthorities.pathOf` has it. */
  readonly path: readonly string[];
  /** By whom it was found to hold. */
  readonly heldBy: ClientAuthorities;
  /** Who is trusted now. */
  readonly authorities: () => ClientAuthorities;
}

/** The certificate of a link: it held when it was shown, and does so until nobody who vouches for it is trusted any more. */
export class ShownCertificate implements PeerCertificate {
  readonly subject: string;
  readonly names: readonly string[];
  readonly fingerprint: string;
  readonly #path: readonly string[];
  readonly #authorities: () => ClientAuthorities;
  #judgedBy: ClientAuthorities;
  #isGone = false;

  constructor({ subject, names, fingerprint, path, heldBy, authorities }: ShownCertificateInit) {
    this.subject = subject;
    this.names = names;
    this.fingerprint = fingerprint;
    this.#path = path;
    this.#judgedBy = heldBy;
    this.#authorities = authorities;
  }

  /** Each message asks this. */
  get isGone(): boolean {
    const authorities = this.#authorities();
    if (authorities !== this.#judgedBy) {
      this.#judgedBy = authorities;
      this.#isGone = !authorities.vouchFor(this.#path);
    }
    return this.#isGone;
  }
}
