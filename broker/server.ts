import type { Broker } from "./broker.ts";
import { Connection } from "./connection/connection.ts";
import type { ConnectionPort } from "./connection/connection_port.ts";
import type { SharedParts } from "./connection/shared_parts.ts";
import { ByteBudget } from "./core/byte_budget.ts";
import { SysTopics } from "./metrics/sys_topics.ts";
import { StringCache } from "./packet/mod.ts";
import { BufferPool } from "./transport/buffer_pool.ts";
import type { Link, Listener } from "./transport/transport.ts";

/** How often connections are looked at: a keep-alive may end that much late, never early. */
const CHECK_INTERVAL_MS = 500;
/** After the system refused a link for want of something; accepting in a tight loop would not give it back. */
const ACCEPT_RETRY_MS = 100;

export interface ServerOptions {
  /** Seconds between two publications of `$SYS`; 0: never. */
  readonly sysIntervalSeconds?: number;
  /** Of the program, for `$SYS/broker/version`. */
  readonly version?: string;
}

/** From listeners to connections: accepts, keeps count, looks after their time, and ends them all. */
export class Server {
  readonly #broker: Broker;
  readonly #listeners: Listener[] = [];
  readonly #connections = new Set<ConnectionPort>();
  readonly #acceptLoops: Promise<void>[] = [];
  readonly #shared: SharedParts;
  readonly #sysTopics: SysTopics;
  #cancelCheck: () => void = () => {};
  #emptied: () => void = () => {};
  #isClosing = false;

  constructor(broker: Broker, options: ServerOptions = {}) {
    this.#broker = broker;
    this.#shared = {
      strings: new StringCache(),
      propertyLimits: { countMax: broker.limits.propertiesMax, bytesMax: broker.limits.propertiesBytesMax },
      pool: new BufferPool(),
      outboxBudget: new ByteBudget(broker.limits.outboxTotalBytesMax),
      connectionOver: (connection) => this.#over(connection),
    };
    this.#sysTopics = new SysTopics(broker, {
      intervalSeconds: options.sysIntervalSeconds ?? 10,
      version: options.version ?? "",
      connectionCount: () => this.connectionCount,
    });
    this.#scheduleCheck();
  }

  /** Links that are open, before their CONNECT and in their last moment included. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Bytes that wait for all peers together. */
  get outboxBytes(): number {
    return this.#shared.outboxBudget.bytes;
  }

  /** Serves the listener's links from now on. */
  listen(listener: Listener): void {
    this.#listeners.push(listener);
    this.#acceptLoops.push(this.#acceptAll(listener));
  }

  /** Takes no more links, ends every connection and waits for their last bytes, as long as `lingerSeconds`. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#sysTopics.close();
    for (const listener of this.#listeners) listener.close();
    // Those with a will first, so that the others still receive it.
    for (const connection of this.#connections) if (connection.will) connection.close("server-shutdown");
    this.#broker.sessions.fireWills();
    for (const connection of this.#connections) connection.close("server-shutdown");
    if (this.#connections.size > 0) await new Promise<void>((resolve) => this.#emptied = resolve);
    await Promise.all(this.#acceptLoops);
    this.#cancelCheck();
    // The reads that closing a link cancels end in the next turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  async #acceptAll(listener: Listener): Promise<void> {
    while (!this.#isClosing) {
      try {
        const link = await listener.accept();
        if (!link) return;
        this.#accept(link);
      } catch (error) {
        this.#broker.log.error("accept-failed", { listener: listener.url, error: String(error) });
        await new Promise<void>((resolve) => this.#broker.clock.after(ACCEPT_RETRY_MS, resolve));
      }
    }
  }

  #accept(link: Link): void {
    const { limits, counters, log } = this.#broker;
    if (this.#isClosing || this.#connections.size >= limits.connectionsMax) {
      counters.closes["too-many-connections"]++;
      log.warn("connection-refused", { peer: link.peer, connectionsMax: limits.connectionsMax });
      return link.close();
    }
    const connection = new Connection(this.#broker, link, this.#shared);
    this.#connections.add(connection);
    counters.connectionsAccepted++;
    counters.connectionsMax = Math.max(counters.connectionsMax, this.#connections.size);
    void connection.run();
  }

  #over(connection: ConnectionPort): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#emptied();
  }

  #scheduleCheck(): void {
    this.#cancelCheck = this.#broker.clock.after(CHECK_INTERVAL_MS, () => {
      this.#check();
      this.#scheduleCheck();
    });
  }

  #check(): void {
    const now = this.#broker.clock.now();
    this.#broker.memory.sample();
    for (const connection of this.#connections) connection.checkTime(now);
    this.#broker.sessions.expire();
  }
}
