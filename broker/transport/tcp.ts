import { type AddressSet, formatEndpoint } from "../core/ip_address.ts";
import { StreamLink } from "./stream_link.ts";
import type { Link, Listener } from "./transport.ts";

/** Links over TCP. [MQTT-7.1.1-1] [MQTT5-4.2.0-1] */
export class TcpListener implements Listener {
  readonly url: string;
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #proxies: AddressSet | undefined;
  #isClosed = false;

  /**
   * Throws `Deno.errors.AddrInUse` and the like at once. Port 0 takes a free one.
   * @param proxies addresses that are not those of clients: their links have none
   */
  constructor(hostname: string, port: number, scheme = "mqtt", proxies?: AddressSet) {
    this.#listener = Deno.listen({ transport: "tcp", hostname, port });
    this.#proxies = proxies;
    this.port = this.#listener.addr.port;
    this.url = `${scheme}://${formatEndpoint(hostname, this.port)}`;
  }

  async accept(): Promise<Link | null> {
    try {
      return tcpLink(await this.#listener.accept(), this.#proxies);
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
  return tcpLink(await Deno.connect({ transport: "tcp", hostname, port }));
}

function tcpLink(connection: Deno.TcpConn, proxies?: AddressSet): Link {
  // The turn already joins what belongs together; waiting for more would only add delay.
  connection.setNoDelay(true);
  // Finds peers that vanished behind a NAT even when they asked for no keep-alive.
  connection.setKeepAlive(true);
  const { hostname, port } = connection.remoteAddr;
  const address = proxies?.has(hostname) ? undefined : hostname;
  return new StreamLink(connection, { peer: formatEndpoint(hostname, port), address });
}
