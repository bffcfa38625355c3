import type { Broker, Link } from "../broker/mod.ts";
import type { RequestInfo } from "./client_address.ts";
import { HttpServer, type HttpServerOptions } from "./http_server.ts";
import { Passage, type Patience } from "./passage.ts";

/** How often links are looked at that may have asked for nothing for too long … */
const CHECK_INTERVAL_MS = 500;
/** … and how many are ended then: who holds them for nothing comes back, and that keeps others waiting. */
const ENDED_AT_ONCE = 320;
/** Nobody but this process has a reason to connect there. */
const INNER_HOST = "127.0.0.1";

type Fetch = (request: Request, info: RequestInfo) => Response | Promise<Response>;

export interface LinkServerOptions
  extends Patience, Pick<HttpServerOptions, "log" | "descriptors" | "serve"> {
  /** The links come by TLS. */
  readonly isSecure: boolean;
  /** Looks at many links in slices between which others are heard. */
  readonly turn: Pick<Broker["turn"], "forEach">;
}

/**
 * HTTP for links that somebody else lets in, counts and bounds, with their TLS taken off: `Deno.serve` has no bound for
 * connections, and takes its certificate once, so a new one would need a new socket, and the connections that wait in
 * the old one's queue would be lost. By HTTP/2 or 1.1 as they like, each is passed on to a server inside. So a WebSocket
 * need not be Deno's either, which would keep the fragments of a message without a bound. It takes half of the rate: a
 * core has 39,000 requests a second instead of 79,000.
 *
 *     client ──(TLS)──> link ──bytes──> 127.0.0.1, a free port: Deno.serve ──> fetch
 *                        └──> WebSocket, as soon as a request has asked for it
 */
export class LinkServer {
  readonly #inner: HttpServer;
  readonly #options: LinkServerOptions;
  /** Whose an inner connection is, by its port; from elsewhere nobody is let in. */
  readonly #passages = new Map<number, readonly [Passage, RequestInfo]>();
  #cancelCheck: () => void = () => {};
  #isChecking = false;

  constructor(fetch: Fetch, options: LinkServerOptions) {
    this.#options = options;
    this.#inner = new HttpServer((request, { remoteAddr, completed }) => {
      const [passage, info] = this.#passages.get(remoteAddr.port) ?? [];
      if (!passage) return new Response(null, { status: 403 });
      passage.begin(completed);
      return fetch(request, info!);
    }, { ...options, hostname: INNER_HOST, port: 0 });
  }

  /** Serves a link to its end; resolves with the WebSocket that it becomes, if it does. */
  async serve(link: Link): Promise<Link | undefined> {
    const inner = await Deno.connect({ hostname: INNER_HOST, port: this.#inner.port });
    const { port } = inner.localAddr;
    inner.setNoDelay(true);
    const passage = new Passage(link, inner, this.#options);
    this.#passages.set(port, [passage, { ...requestInfo(link, passage), isSecure: this.#options.isSecure }]);
    if (this.#passages.size === 1) this.#scheduleCheck();
    const successor = await passage.outcome;
    this.#passages.delete(port);
    if (this.#passages.size === 0) this.#cancelCheck();
    if (!successor) link.close();
    return successor;
  }

  /** Ends all connections with nothing under way. */
  dropIdle(): void {
    this.#inner.dropIdle();
  }

  /** Takes nobody new and resolves when every answer is out. */
  async shutdown(): Promise<void> {
    await this.#inner.shutdown();
  }

  #scheduleCheck(): void {
    this.#cancelCheck = this.#options.clock.after(CHECK_INTERVAL_MS, () => {
      if (!this.#isChecking) this.#check(this.#options.clock.now());
      this.#scheduleCheck();
    });
  }

  #check(now: number): void {
    this.#isChecking = true;
    let endedCount = 0;
    this.#options.turn.forEach(
      this.#passages.values(),
      ([passage]) => {
        if (endedCount < ENDED_AT_ONCE && passage.checkTime(now)) endedCount++;
      },
      () => this.#isChecking = false,
    );
  }
}

/** What all requests of a link have in common. */
function requestInfo(
  link: Link,
  passage: Passage,
): Pick<RequestInfo, "remoteAddr" | "follow" | "openWebSocket"> {
  return {
    remoteAddr: remoteAddress(link),
    follow: () => passage.follow(),
    // Nobody hears the answer: the link is HTTP's no more.
    openWebSocket: (_request, opening) => passage.openWebSocket(opening) ? new Response(null) : undefined,
  };
}

/** Of a peer such as `127.0.0.1:50312` or `[::1]:50312`. */
function remoteAddress({ peer }: Link): Deno.NetAddr {
  const end = peer.lastIndexOf(":");
  const hostname = peer.slice(0, end).replace(/^\[(.*)\]$/, "$1");
  return { transport: "tcp", hostname, port: Number(peer.slice(end + 1)) };
}
