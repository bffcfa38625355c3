import type { Link, Listener } from "./transport.ts";

/** Links over TCP. [MQTT-7.1.1-1] [MQTT5-4.2.0-1] */
export class TcpListener implements Listener {
  readonly url: string;
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  #isClosed = false;

  /** Throws `Deno.errors.AddrInUse` and the like at once. Port 0 takes a free one. */
  constructor(hostname: string, port: number) {
    this.#listener = Deno.listen({ transport: "tcp", hostname, port });
    this.port = this.#listener.addr.port;
    this.url = `mqtt://${hostname.includes(":") ? `[${hostname}]` : hostname}:${this.port}`;
  }

  async accept(): Promise<Link | null> {
    try {
      return new TcpLink(await this.#listener.accept());
    } catch (error) {
      if (this.#isClosed) return null;
      throw error;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.close();
  }
}

/** Connects to a listener elsewhere; rejects with Deno's error when it cannot. */
export async function connectTcp(hostname: string, port: number): Promise<Link> {
  return new TcpLink(await Deno.connect({ transport: "tcp", hostname, port }));
}

class TcpLink implements Link {
  readonly peer: string;
  readonly #connection: Deno.TcpConn;
  #isClosed = false;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    const { hostname, port } = connection.remoteAddr;
    this.peer = `${hostname}:${port}`;
    // The turn already joins what belongs together; waiting for more would only add delay.
    connection.setNoDelay(true);
    // Finds peers that vanished behind a NAT even when they asked for no keep-alive.
    connection.setKeepAlive(true);
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
