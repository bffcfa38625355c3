import { AddressSet, formatEndpoint, type Offer, parseAddress } from "../broker/mod.ts";
import type { HeaderReader } from "./header_fields.ts";
import type { WebSocketOpener } from "./web_socket.ts";

/** Whom a request comes from. */
export interface Client {
  /** For logs: `127.0.0.1:50312`, or the address alone where a proxy says no port. */
  readonly peer: string;
  readonly address: string | undefined;
  /** Whether it comes by TLS, as far as the last proxy that we trust knows. */
  readonly isSecure: boolean;
  /** How they may say who they are, where they come in; undefined: by all that is set up. */
  readonly offer?: Offer | undefined;
}

/** What the server knows of a request beside its text. */
export interface RequestInfo {
  readonly remoteAddr: Deno.Addr;
  /** It came by our own TLS. */
  readonly isSecure?: boolean;
  /** What the listener offers; undefined: all that is set up. */
  readonly offer?: Offer | undefined;
  /** Without it there are no WebSockets where the request came in. */
  readonly openWebSocket?: WebSocketOpener | undefined;
}

/** Tells whom a request comes from: what proxies say of it counts if it comes from one that we trust. */
export class ClientReader {
  readonly #trusted: AddressSet;

  constructor(trustedProxies: readonly string[] = []) {
    this.#trusted = new AddressSet(trustedProxies);
  }

  read(headers: HeaderReader, info: RequestInfo | undefined): Client {
    const { remoteAddr: remote, isSecure: isDirectlySecure = false, offer } = info ?? {};
    const came = { isSecure: isDirectlySecure, ...(offer && { offer }) };
    if (!remote || !("hostname" in remote)) return { peer: "local", address: undefined, ...came };
    const { hostname, port } = remote;
    const direct = { peer: formatEndpoint(hostname, port), address: hostname, ...came };
    if (this.#trusted.isEmpty || !this.#trusted.has(hostname)) return direct;
    const isSecure = lastOf(headers.get("x-forwarded-proto"))?.toLowerCase() === "https" || direct.isSecure;
    const address = this.#forwardedFor(headers.get("x-forwarded-for"));
    return address === undefined ? { ...direct, isSecure } : { ...direct, peer: address, address, isSecure };
  }

  /**
   * The last address that is not one of the trusted proxies: each proxy appends whom it saw, and what stands before that
   * is the client's own invention.
   */
  #forwardedFor(list: string | null): string | undefined {
    let found: string | undefined;
    for (const item of (list ?? "").split(",").reverse()) {
      const address = item.trim().replace(/^\[(.*)\](?::\d+)?$/, "$1").replace(/^([\d.]+):\d+$/, "$1");
      if (!parseAddress(address)) return found;
      found = address;
      if (!this.#trusted.has(address)) return found;
    }
    return found;
  }
}

function lastOf(list: string | null): string | undefined {
  return list?.split(",").at(-1)?.trim();
}
