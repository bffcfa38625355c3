/** A byte pipe to one peer: TCP, later TLS and WebSocket, or memory in tests. It knows no MQTT. */
export interface Link {
  /** Where the peer is, for logs: `127.0.0.1:50312`. */
  readonly peer: string;
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
