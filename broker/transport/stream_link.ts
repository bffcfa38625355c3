import type { Link } from "./transport.ts";

/** A link over a connection of the operating system. */
export class StreamLink implements Link {
  readonly peer: string;
  readonly address: string | undefined;
  readonly #connection: Deno.Conn;
  #isClosed = false;

  constructor(connection: Deno.Conn, { peer, address }: Pick<Link, "peer" | "address">) {
    this.#connection = connection;
    this.peer = peer;
    this.address = address;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#connection.read(buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#connection.write(bytes);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }
}
