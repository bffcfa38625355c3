import type { Clock, Log } from "../broker/mod.ts";

/** The part of `Deno.serve` that is needed. */
export type Serve = (
  options: { readonly hostname: string; readonly port: number; readonly onListen: () => void },
  handler: Deno.ServeHandler<Deno.NetAddr>,
) => Pick<Deno.HttpServer<Deno.NetAddr>, "addr" | "finished" | "shutdown">;

/** Knows whether there are descriptors for new connections. */
export interface Descriptors {
  /** There were none. */
  ranOut(): void;
  /** Looks whether there are enough again. */
  recover(): boolean;
}

export interface HttpServerOptions {
  readonly hostname: string;
  readonly port: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly descriptors?: Descriptors | undefined;
  readonly serve?: Serve;
}

/** Descriptors come back when peers go; trying in a tight loop would not bring them back. */
const LISTEN_AGAIN_MS = 100;
/** A flood can have it listen again ten times a second. */
const LOG_AGAIN_MS = 1_000;

/**
 * HTTP on one address. `Deno.serve` takes no more connections for good once the system refused it one for want of
 * descriptors, and everybody could bring that about by opening enough of them. So this listens again. Nor has it a bound
 * for connections, or for how long one may ask for nothing: when descriptors run out, those that do are ended, and those
 * whose request has not come whole; streams and answers that are under way go on.
 */
export class HttpServer {
  readonly #handler: Deno.ServeHandler<Deno.NetAddr>;
  readonly #options: HttpServerOptions;
  /** Takes new connections, unless there is none at the moment. */
  #server: ReturnType<Serve> | undefined;
  /** Ends of those that take none any more. */
  readonly #leaving = new Set<Promise<void>>();
  readonly port: number;
  readonly url: string;
  #isClosing = false;
  #loggedAt = -Infinity;
  #cancelListen: () => void = () => {};

  /** Throws what the system has against the address. */
  constructor(handler: Deno.ServeHandler<Deno.NetAddr>, options: HttpServerOptions) {
    this.#handler = handler;
    this.#options = options;
    const server = this.#listen(options.port);
    const { hostname, port } = server.addr;
    this.port = port;
    this.url = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  }

  /** Ends all connections with nothing under way, and takes new ones as soon as there are descriptors. */
  dropIdle(): void {
    if (!this.#server || this.#isClosing) return;
    this.#leave(this.#server);
    this.#listenSoon();
  }

  /** Takes nobody new and resolves when every answer is out. */
  async shutdown(): Promise<void> {
    this.#isClosing = true;
    this.#cancelListen();
    if (this.#server) this.#leave(this.#server);
    await Promise.all(this.#leaving);
  }

  #listen(port: number): ReturnType<Serve> {
    const { hostname, serve = Deno.serve } = this.#options;
    const server = serve({ hostname, port, onListen() {} }, this.#handler);
    this.#server = server;
    server.finished.catch((error) => this.#failed(server, error));
    return server;
  }

  /** Deno's error has no code, but `Deno.serve` ends for no other reason than that it cannot accept. */
  #failed(server: ReturnType<Serve>, error: unknown): void {
    const { clock, log, descriptors } = this.#options;
    if (this.#server !== server) return;
    if (Math.abs(clock.now() - this.#loggedAt) >= LOG_AGAIN_MS) {
      this.#loggedAt = clock.now();
      log.error("accept-failed", { listener: this.url, error: String(error) });
    }
    this.dropIdle();
    descriptors?.ranOut();
  }

  #leave(server: ReturnType<Serve>): void {
    this.#server = undefined;
    // Why it takes no more, if it failed, the log has said.
    const left = server.shutdown().catch(() => {}).finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
  }

  #listenSoon(): void {
    if (this.#isClosing) return;
    this.#cancelListen = this.#options.clock.after(LISTEN_AGAIN_MS, () => {
      if (this.#options.descriptors?.recover() === false) return this.#listenSoon();
      try {
        this.#listen(this.port);
      } catch {
        this.#listenSoon(); // There still are no descriptors, which the log has said.
      }
    });
  }
}
