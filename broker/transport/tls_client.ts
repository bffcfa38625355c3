import type { Duplex } from "node:stream";
import {
  checkServerIdentity,
  connect,
  type PeerCertificate as NodeCertificate,
  type TLSSocket,
} from "node:tls";
import { certificatesIn, checkIdentity, IdentityError } from "./tls_identity.ts";
import { isOfTheSystem, TlsLink, type TlsSide } from "./tls_link.ts";
import { type Link, LinkError } from "./transport.ts";

/** How a client takes part in TLS; texts are PEM. `checkTlsTrust` says whether they can be used. */
export interface TlsTrust {
  /** The server's name: its certificate must be for it. */
  readonly host: string;
  /** Whose certificates are believed; Mozilla's list unless given. */
  readonly authorities?: readonly string[] | undefined;
  /** The client's own certificate, then those of its issuers. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  /** False: a certificate for another name will do, if it holds otherwise. */
  readonly checksHost: boolean;
  /** Named to the server (ALPN). */
  readonly protocols: readonly string[];
}

/** Why there is no TLS to a server. */
export type TlsProblem =
  /** No authority that is believed issued its certificate. */
  | "untrusted"
  /** Its certificate is for another name. */
  | "other-name"
  /** Its certificate is not of its time. */
  | "expired"
  /** It speaks something else. */
  | "no-tls"
  /** It does not take the client's certificate, or that there is none. */
  | "refused"
  | "failed";

/** There is no TLS to the server; the message says why, as something that the server has or does. */
export class TlsError extends LinkError {
  constructor(readonly problem: TlsProblem, message: string) {
    super("handshake-failed", message);
  }
}

/** Names of a certificate that are shown. */
const NAMES_MAX = 5;

const PROBLEMS: readonly (readonly [code: RegExp, problem: TlsProblem, message: string])[] = [
  [
    /^(?:UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT.*)|(?:DEPTH_ZERO_)?SELF_SIGNED_CERT.*|CERT_UNTRUSTED)$/,
    "untrusted",
    "its certificate was issued by nobody who is trusted here",
  ],
  [/^CERT_HAS_EXPIRED$/, "expired", "its certificate has expired"],
  [/^CERT_NOT_YET_VALID$/, "expired", "its certificate does not hold yet"],
  [/^ERR_SSL_WRONG_VERSION_NUMBER$/, "no-tls", "it does not speak TLS"],
  [/_ALERT_CERTIFICATE_REQUIRED$/, "refused", "it demands a certificate of its clients"],
  [
    /_ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|ACCESS_DENIED)$/,
    "refused",
    "it does not accept this client's certificate",
  ],
  [/^ECONNRESET$/, "failed", "the TLS handshake failed: the peer went away"],
  [/_ALERT_NO_APPLICATION_PROTOCOL$/, "failed", "it does not know the protocol that ALPN names"],
];

/**
 * Checks what a handshake would only find out, or not at all: TLS lets go what it cannot read of authorities, certificate
 * and key. Throws `IdentityError`.
 */
export function checkTlsTrust({ authorities, certificate, key }: TlsTrust, now: number): void {
  if (authorities?.length === 0) {
    throw new IdentityError("clientAuthorities", "Cannot use tls.ca: it names nobody to trust");
  }
  authorities?.forEach((text) => certificatesIn(text, "tls.ca", "clientAuthorities"));
  if (certificate === undefined || key === undefined) return;
  checkIdentity({ certificate, key }, { certificate: "tls.cert", key: "tls.key" }, now);
}

/** The client's end of TLS over a link to a server. */
export function openTls(link: Link, trust: TlsTrust): TlsLink {
  return new TlsLink(link, new ClientSide(trust));
}

class ClientSide implements TlsSide {
  readonly secureEvent = "secureConnect";
  readonly #trust: TlsTrust;
  /** From then on what breaks is the link, not the handshake. */
  #isSecure = false;

  constructor(trust: TlsTrust) {
    this.#trust = trust;
  }

  start(cipher: Duplex): TLSSocket {
    const { host, authorities, certificate, key, checksHost, protocols } = this.#trust;
    return connect({
      socket: cipher,
      // An address is no server name (RFC 6066, 3): then this is compared with the certificate.
      host,
      ...(!isAddress(host) && { servername: host }),
      ...(authorities && { ca: [...authorities] }),
      ...(certificate !== undefined && { cert: certificate, key }),
      ALPNProtocols: [...protocols],
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      rejectUnauthorized: true,
      checkServerIdentity: (name, shown) => checksHost ? nameProblem(name, shown) : undefined,
    });
  }

  /** Nobody asks for what the server proved, once it has. */
  identify(tls: TLSSocket): undefined {
    if (!tls.authorized) throw this.explain(new Error("the certificate was not verified"));
    this.#isSecure = true;
  }

  explain(error: Error & { readonly code?: unknown }): Error {
    if (error instanceof TlsError || (this.#isSecure && isOfTheSystem(error))) return error;
    const code = String(error.code);
    const [, problem, message] = PROBLEMS.find(([pattern]) => pattern.test(code)) ?? [];
    return new TlsError(problem ?? "failed", message ?? `the TLS handshake failed: ${error.message}`);
  }
}

/** Whether it is an address rather than a name; as in a URL, but without brackets. */
function isAddress(host: string): boolean {
  return host.includes(":") || /^\d+(?:\.\d+){3}$/.test(host);
}

function nameProblem(host: string, shown: NodeCertificate): TlsError | undefined {
  if (!checkServerIdentity(host, shown)) return undefined;
  const names = (shown.subjectaltname ?? "").split(", ").filter((name) => name !== "");
  const listed = names.slice(0, NAMES_MAX).join(", ").replaceAll(/\p{Cc}/gu, " ");
  const rest = names.length > NAMES_MAX ? " and others" : "";
  return new TlsError("other-name", `its certificate is for ${listed || "no name"}${rest}, not for ${host}`);
}
