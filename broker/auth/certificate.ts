import { isReservedName } from "../core/identity.ts";
import {
  type Authenticator,
  BAD_CREDENTIALS,
  type Certificate,
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
    return { granted: true, identity: new GrantedIdentity({ name, method: CERTIFICATE }, now) };
  }

  recall(kept: string): GrantedIdentity | undefined {
    const granted = parseKept(kept, CERTIFICATE);
    return granted && new GrantedIdentity(granted, now);
  }
}

function nameOf({ subject, names }: Certificate, part: CertificateName): string | undefined {
  if (part === "san") return names[0]?.replace(/^(?:DNS|URI|email|IP Address):/i, "");
  const found = attributesOf(subject).filter(({ type }) => /^(?:CN|2\.5\.4\.3)$/i.test(type));
  // With two of them it is for nobody to say which one the authority meant.
  return found.length === 1 ? found[0]!.value : undefined;
}

/** A comma, plus or line break parts attributes, unless a backslash says that it belongs to a value (RFC 4514). */
function attributesOf(subject: string): { readonly type: string; readonly value: string }[] {
  const parts = subject.includes("\n") ? subject.split("\n") : subject.match(/(?:\\.|[^,+\\])+/gs) ?? [];
  return parts.map((part) => {
    const equals = part.indexOf("=");
    return { type: part.slice(0, Math.max(0, equals)).trim(), value: unescaped(part.slice(equals + 1)) };
  });
}

function unescaped(value: string): string {
  return value.trim().replace(/\\(.)/gs, "$1");
}
