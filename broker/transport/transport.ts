/** A byte pipe to one peer: TCP, TLS, WebSocket, a Unix socket, or memory in tests. It knows no MQTT. */
export interface Link {
  /** Where the peer is, for logs: `127.0.0.1:50312`. */
  readonly peer: string;
  /** The address of the peer's machine; undefined on this machine's own pipes, and while only a proxy is known. */
  readonly address?: string | undefined;
  /** What the peer proved to be, if it was asked for a certificate and showed one that holds. */
  readonly certificate?: PeerCertificate | undefined;
  /**
   * What comes before the first byte that is the peer's own: a proxy's header, a TLS or WebSocket handshake. Only
   * afterwards are the fields above final, and may the others be called; `close` always may. Rejects with `LinkError`
   * or when the link breaks. Without it the link is open as it comes.
   */
  open?(): Promise<void>;
  /**
   * Reads into the buffer: the number of bytes, 1 or more, or `null` when the peer will send no more. One read at a
   * time. Rejects when the link breaks.
   */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes, from the first on, and says how many. One write at a time. Rejects when the link breaks. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends both directions at once; idempotent, never throws. A pending read or write ends too. */
  close(): void;
}

/** A certificate that its issuer vouches for. */
export interface PeerCertificate {
  /** The common name of its subject; empty if it has none. */
  readonly subject: string;
  /** Its alternative names, such as `DNS:gate.example.org`. */
  readonly names: readonly string[];
  /** SHA-256 of the certificate, 64 digits in lower case. */
  readonly fingerprint: string;
  /** Nobody who vouches for it is trusted any more: its owner would not come in again. */
  readonly isGone: boolean;
}

/** Somewhere that links come from. */
export interface Listener {
  /** Where it listens, for people: `mqtt://127.0.0.1:1883`. */
  readonly url: string;
  /** The bound port; 0 for a listener that has none. */
  readonly port: number;
  /** The next link; `null` once closed. Rejects when the system refuses one (too many open files): wait, try again. */
  accept(): Promise<Link | null>;
  close(): void;
}

/** What a peer did wrong before, or below, MQTT. */
export type LinkFault = "handshake-failed" | "proxy-header-refused" | "frame-refused";

/** The peer does not keep to what its transport demands; the message says what was wrong. */
export class LinkError extends Error {
  override readonly name = "LinkError";

  constructor(readonly fault: LinkFault, message: string) {
    super(message);
  }
}
