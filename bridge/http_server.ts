import type { Clock, Log } from "../broker/mod.ts";

/** The part of `Deno.serve` that is needed. */
export type Serve = (
  options: { readonly hostname: string; readonly port: number; readonly onListen: () => void },
  handler: Deno.ServeHandler<Deno.NetAddr>,
) => Pick<Deno.HttpServer<Deno.NetAddr>, "addr" | "finished" | "shutdown">;

export interface HttpServerOptions {
  readonly hostname: string;
  readonly port: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly serve?: Serve;
}

/** Descriptors come back when peers go; trying in a tight loop would not bring them back. */
const LISTEN_AGAIN_MS = 100;

/**
 * HTTP on one address. `Deno.serve` takes no more connections for good once the system refused it one for want of
 * descriptors, and everybody could bring that about by opening enough of them. So this listens again; whoever is
 * connected stays so meanwhile.
 */
export class HttpServer {
  readonly #handler: Deno.ServeHandler<Deno.NetAddr>;
  readonly #options: HttpServerOptions;
  #server: ReturnType<Serve>;
  readonly port: number;
  readonly url: string;
  #isClosing = false;
  #cancelListen: () => void = () => {};

  /** Throws what the system has against the address. */
  constructor(handler: Deno.ServeHandler<Deno.NetAddr>, options: HttpServerOptions) {
    this.#handler = handler;
    this.#options = options;
    this.#server = this.#listen(options.port);
    const { hostname, port } = this.#server.addr;
    this.port = port;
    this.url = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  }

  /** Takes nobody new and resolves when every answer is out. */
  async shutdown(): Promise<void> {
    this.#isClosing = true;
    this.#cancelListen();
    await this.#server.shutdown();
  }

  #listen(port: number): ReturnType<Serve> {
    const { hostname, serve = Deno.serve } = this.#options;
    const server = serve({ hostname, port, onListen() {} }, this.#handler);
    server.finished.catch((error) => {
      this.#options.log.error("accept-failed", { listener: this.url, error: String(error) });
      this.#listenSoon();
    });
    return server;
  }

  #listenSoon(): void {
    if (this.#isClosing) return;
    this.#cancelListen = this.#options.clock.after(LISTEN_AGAIN_MS, () => {
      try {
        this.#server = this.#listen(this.port);
      } catch {
        this.#listenSoon(); // There still are no descriptors, which the log has said.
      }
    });
  }
}
