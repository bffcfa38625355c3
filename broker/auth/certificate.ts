import { isReservedName } from "../core/identity.ts";
import {
  type Authenticator,
  BAD_CREDENTIALS,
  type ClientCertificate,
  type Credentials,
  type Grant,
} from "./authenticator.ts";
import { GrantedIdentity, parseKept } from "./granted_identity.ts";
import { CERTIFICATE, type CertificateName } from "./method_names.ts";

const now = () => 0;

/** Knows clients by the certificate of their link, which is trusted already: here it only gets its name. */
export class CertificateAuthenticator implements Authenticator {
  readonly name = CERTIFICATE;
  readonly #part: CertificateName;

  constructor(part: CertificateName) {
    this.#part = part;
  }

  /** Without a certificate others are asked; one that gives no name is refused, whatever else is shown. */
  authenticate({ certificate }: Credentials): Grant | undefined {
    if (!certificate) return undefined;
    const name = nameOf(certificate, this.#part);
    if (!name || isReservedName(name)) return BAD_CREDENTIALS;
    return {
      granted: true,
      identity: new GrantedIdentity({ name, method: CERTIFICATE, ground: certificate }, now),
    };
  }

  recall(kept: string): GrantedIdentity | undefined {
    const granted = parseKept(kept, CERTIFICATE);
    return granted && new GrantedIdentity(granted, now);
  }
}

/** Of an alternative name without its kind; further ones say nothing. */
function nameOf({ subject, names }: ClientCertificate, part: CertificateName): string | undefined {
  return part === "cn" ? subject : names[0]?.replace(/^(?:DNS|URI|email|IP Address):/i, "");
}
