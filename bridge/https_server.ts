import type { Link } from "../broker/mod.ts";
import type { RequestInfo } from "./client_address.ts";
import { HttpServer, type HttpServerOptions } from "./http_server.ts";

/** Nobody but this process has a reason to connect there. */
const INNER_HOST = "127.0.0.1";
const CHUNK_BYTES = 16 * 1024;

type Fetch = (request: Request, info: RequestInfo) => Response | Promise<Response>;

export type HttpsServerOptions = Pick<HttpServerOptions, "log" | "clock" | "descriptors" | "serve">;

/**
 * HTTP for links whose TLS is taken off already, by HTTP/2 or 1.1 as they like. Each is passed on to a server inside,
 * since `Deno.serve` takes its certificate once: a new one would need a new socket, and the connections that wait in the
 * old one's queue would be lost.
 *
 *     client ──TLS──> link ──bytes──> 127.0.0.1, a free port: Deno.serve ──> fetch
 */
export class HttpsServer {
  readonly #inner: HttpServer;
  /** Whom an inner connection is for, by its port; from elsewhere nobody is let in. */
  readonly #clients = new Map<number, Link>();

  constructor(fetch: Fetch, options: HttpsServerOptions) {
    this.#inner = new HttpServer((request, info) => {
      const link = this.#clients.get(info.remoteAddr.port);
      if (!link) return new Response(null, { status: 403 });
      return fetch(request, { remoteAddr: addressOf(link), isSecure: true });
    }, { ...options, hostname: INNER_HOST, port: 0 });
  }

  /** Serves a link to its end. */
  async serve(link: Link): Promise<void> {
    const inner = await Deno.connect({ hostname: INNER_HOST, port: this.#inner.port });
    const { port } = inner.localAddr;
    this.#clients.set(port, link);
    inner.setNoDelay(true);
    try {
      await Promise.race([copy(link, inner), copy(inner, link)]);
    } finally {
      this.#clients.delete(port);
      inner.close();
      link.close();
    }
  }

  /** Ends all connections with nothing under way. */
  dropIdle(): void {
    this.#inner.dropIdle();
  }

  /** Takes nobody new and resolves when every answer is out. */
  async shutdown(): Promise<void> {
    await this.#inner.shutdown();
  }
}

type Pipe = Pick<Link, "read" | "write">;

/** Ends with either side; what is wrong with a side only ends both. */
async function copy(from: Pipe, to: Pipe): Promise<void> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  try {
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) return;
      for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
    }
  } catch {
    return;
  }
}

function addressOf({ peer, address = "" }: Link): Deno.NetAddr {
  return { transport: "tcp", hostname: address, port: Number(peer.slice(peer.lastIndexOf(":") + 1)) };
}
