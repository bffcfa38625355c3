import type { Offer } from "./auth/offer.ts";
import type { Broker } from "./broker.ts";
import { Connection } from "./connection/connection.ts";
import { type Failure, failureOf } from "./connection/failure.ts";
import type { ConnectionPort } from "./connection/connection_port.ts";
import type { SharedParts } from "./connection/shared_parts.ts";
import { AddressTable } from "./core/address_table.ts";
import { ByteBudget } from "./core/byte_budget.ts";
import type { CloseReason } from "./core/close_reason.ts";
import { type DescriptorReserve, isOutOfDescriptors } from "./core/descriptor_reserve.ts";
import type { Limits } from "./core/limits.ts";
import { Mentions } from "./core/mentions.ts";
import { PacedLog } from "./core/paced_log.ts";
import { SysTopics } from "./metrics/sys_topics.ts";
import { Slab, StringCache } from "./packet/mod.ts";
import { BufferPool } from "./transport/buffer_pool.ts";
import type { Link, Listener } from "./transport/transport.ts";

/** How often connections are looked at: a keep-alive may end that much late, never early. */
const CHECK_INTERVAL_MS = 500;
/** After the system refused a link for want of something; accepting in a tight loop would not give it back. */
const ACCEPT_RETRY_MS = 100;
/** Links that are let in before others are heard: the system may have a hundred ready, and each takes some 40 µs. */
const ACCEPTED_AT_ONCE = 8;
/**
 * Of the links whose CONNECT was not accepted in time, and of those whose handshake lasts too long, so many are ended at
 * one look as long as there is room. Held they cost some KiB each, but whoever holds links for nothing comes back: with
 * 10,000 ended and come back at once, others waited for 6 ms (p99).
 */
const OVERDUE_ENDED_AT_ONCE = 50;
/** There is room up to this share of the places, of connections and of descriptors; then all that are overdue are ended. */
const ROOMY_SHARE = 3 / 4;
/** Descriptors of a link that somebody else serves: it is passed on over another link, of which both ends are here. */
const GUEST_DESCRIPTORS = 3;

/** The bound that a link met. */
const BOUND_OF = {
  "too-many-connections": "connectionsMax",
  "too-many-from-address": "connectionsPerAddressMax",
  "too-few-descriptors": "descriptorsReserve",
} as const satisfies Partial<Record<CloseReason, keyof Limits>>;

export interface ServerOptions {
  /** Seconds between two publications of `$SYS`; 0: never. */
  readonly sysIntervalSeconds?: number;
  /** Of the program, for `$SYS/broker/version`. */
  readonly version?: string;
  /** Without it, links are let in until the system refuses one. */
  readonly descriptors?: DescriptorReserve;
}

/** What becomes of a link. */
export interface Service {
  /**
   * Serves it in the place of MQTT, and resolves when it is over, or with the one that speaks MQTT instead of it; the
   * bounds count it all the same.
   */
  readonly serve?: ((link: Link) => Promise<Link | void>) | undefined;
  /** How its client may say who it is; undefined: by all that is set up. */
  readonly offer?: Offer | undefined;
}

interface Arrival {
  readonly since: number;
  readonly opening: Promise<void>;
}

/** From listeners to connections: accepts, keeps count, looks after their time, and ends them all. */
export class Server {
  readonly #broker: Broker;
  readonly #listeners: Listener[] = [];
  readonly #connections = new Set<ConnectionPort>();
  /** Links whose handshake is not done, and since when. */
  readonly #arrivals = new Map<Link, Arrival>();
  /** Links that somebody else serves. */
  readonly #guests = new Set<Link>();
  readonly #addresses: AddressTable<Link>;
  readonly #acceptLoops: Promise<void>[] = [];
  readonly #shared: SharedParts;
  readonly #descriptors: DescriptorReserve | undefined;
  readonly #pacedLog: PacedLog;
  readonly #sysTopics: SysTopics;
  #cancelCheck: () => void = () => {};
  #isChecking = false;
  /** Overdue links that this look may still end. */
  #overdueEnds = 0;
  #emptied: () => void = () => {};
  #isClosing = false;

  constructor(broker: Broker, options: ServerOptions = {}) {
    this.#broker = broker;
    this.#addresses = new AddressTable(broker.limits.connectionsPerAddressMax);
    this.#descriptors = options.descriptors;
    this.#pacedLog = new PacedLog(broker.log, () => broker.clock.now());
    this.#shared = {
      strings: new StringCache(),
      slab: new Slab(),
      propertyLimits: { countMax: broker.limits.propertiesMax, bytesMax: broker.limits.propertiesBytesMax },
      pool: new BufferPool(),
      outboxBudget: new ByteBudget(broker.limits.outboxTotalBytesMax),
      throttled: new Mentions(broker.limits.publishRatePeersMax),
      takeOverdueEnd: () => this.#takeOverdueEnd(),
      connectionOver: (connection) => this.#over(connection),
    };
    this.#sysTopics = new SysTopics(broker, {
      intervalSeconds: options.sysIntervalSeconds ?? 10,
      version: options.version ?? "",
      connectionCount: () => this.connectionCount,
    });
    this.#scheduleCheck();
  }

  /** Links that are there, in their handshake, before their CONNECT and in their last moment included. */
  get connectionCount(): number {
    return this.#connections.size + this.#arrivals.size + this.#guests.size;
  }

  /** Bytes that wait for all peers together. */
  get outboxBytes(): number {
    return this.#shared.outboxBudget.bytes;
  }

  /** Serves the listener's links from now on. */
  listen(listener: Listener, service: Service = {}): void {
    this.#listeners.push(listener);
    this.#acceptLoops.push(this.#acceptAll(listener, service));
  }

  /** Serves a link that came by another way than a listener. */
  accept(link: Link, service: Service = {}): void {
    const refusal = this.#refusalOf(link, service);
    if (refusal) return this.#refuse(link, refusal);
    if (!link.open) return this.#enter(link, service);
    const since = this.#broker.clock.now();
    this.#arrivals.set(link, { since, opening: this.#open(link, link.open(), service) });
  }

  /** Takes no more links, ends every connection and waits for their last bytes, as long as `lingerSeconds`. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#sysTopics.close();
    for (const listener of this.#listeners) listener.close();
    const opening = [...this.#arrivals.values()].map((arrival) => arrival.opening);
    const arrivals = [...this.#arrivals.keys()];
    this.#arrivals.clear(); // Their handshakes fail because of us: no news.
    for (const link of arrivals) link.close();
    // Those with a will first, so that the others still receive it.
    for (const connection of this.#connections) if (connection.will) connection.close("server-shutdown");
    this.#broker.sessions.fireWills();
    for (const connection of this.#connections) connection.close("server-shutdown");
    if (this.connectionCount > 0) await new Promise<void>((resolve) => this.#emptied = resolve);
    await Promise.all([...this.#acceptLoops, ...opening]);
    this.#cancelCheck();
    // The reads that closing a link cancels end in the next turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  async #acceptAll(listener: Listener, service: Service): Promise<void> {
    for (let count = 1; !this.#isClosing; count++) {
      try {
        const link = await listener.accept();
        if (!link) return;
        this.accept(link, service);
        if (count % ACCEPTED_AT_ONCE === 0) await this.#broker.turn.heard();
      } catch (error) {
        this.#broker.counters.acceptsFailed++;
        this.#pacedLog.error("accept-failed", { listener: listener.url, error: String(error) });
        if (isOutOfDescriptors(error)) this.#descriptors?.ranOut();
        await new Promise<void>((resolve) => this.#broker.clock.after(ACCEPT_RETRY_MS, resolve));
      }
    }
  }

  /** What comes before MQTT; then it counts whose link it really is. */
  async #open(link: Link, opening: Promise<void>, service: Service): Promise<void> {
    try {
      await opening;
    } catch (error) {
      // Otherwise it was closed here, and the reason is known.
      if (this.#arrivals.has(link)) this.#failed(link, error);
      return this.#forget(link);
    }
    if (!this.#arrivals.delete(link)) return this.#forget(link);
    const refusal = this.#refusalOf(link, service);
    if (refusal) return this.#refuse(link, refusal);
    this.#enter(link, service);
  }

  #failed(link: Link, error: unknown): void {
    const { counters, log } = this.#broker;
    const { reason, detail } = this.#failureOf(error);
    counters.closes[reason]++;
    const fields = { peer: link.peer, reason, detail };
    if (reason === "internal-error") log.error("link-refused", fields);
    else if (reason === "proxy-header-refused") this.#pacedLog.warn("link-refused", fields);
    else this.#pacedLog.info("link-refused", fields); // Whoever scans ports does this all day.
  }

  /** Whoever serves a link may need descriptors for that. */
  #failureOf(error: unknown): Failure {
    if (!isOutOfDescriptors(error)) return failureOf(error);
    this.#descriptors?.ranOut();
    return { reason: "too-few-descriptors", detail: String(error) };
  }

  #forget(link: Link): void {
    this.#arrivals.delete(link);
    this.#addresses.leave(link);
    link.close();
    this.#tellIfEmpty();
  }

  #refusalOf(link: Link, { serve }: Service): keyof typeof BOUND_OF | undefined {
    const isFull = this.connectionCount >= this.#broker.limits.connectionsMax;
    if (this.#isClosing || isFull) return "too-many-connections";
    if (!this.#hasDescriptors(serve ? GUEST_DESCRIPTORS : 1)) return "too-few-descriptors";
    return this.#addresses.admit(link) ? undefined : "too-many-from-address";
  }

  #hasDescriptors(count: number): boolean {
    if (!this.#descriptors) return true;
    const { isShort, linksMax } = this.#descriptors;
    return !isShort && this.#descriptorCount + count <= linksMax;
  }

  /** That links have. */
  get #descriptorCount(): number {
    return this.#connections.size + this.#arrivals.size + GUEST_DESCRIPTORS * this.#guests.size;
  }

  #refuse(link: Link, reason: keyof typeof BOUND_OF): void {
    const { limits, counters } = this.#broker;
    const bound = BOUND_OF[reason];
    counters.closes[reason]++;
    this.#pacedLog.warn("connection-refused", { peer: link.peer, reason, [bound]: limits[bound] });
    this.#forget(link);
  }

  #enter(link: Link, { serve, offer }: Service): void {
    if (!serve) return this.#connect(link, offer);
    this.#guests.add(link);
    serve(link).catch((error) => void this.#failed(link, error)).then((successor) => {
      this.#guests.delete(link);
      if (!successor) return this.#forget(link);
      this.#addresses.leave(link);
      this.accept(successor, { offer }); // In the same turn, so that nobody else takes the place.
    });
  }

  #connect(link: Link, offer: Offer | undefined): void {
    const { counters } = this.#broker;
    const shared = offer ? { ...this.#shared, offer } : this.#shared;
    const connection = new Connection(this.#broker, link, shared);
    this.#connections.add(connection);
    counters.connectionsAccepted++;
    counters.connectionsMax = Math.max(counters.connectionsMax, this.#connections.size);
    void connection.run();
  }

  #over(connection: ConnectionPort): void {
    this.#connections.delete(connection);
    this.#addresses.leave(connection.link);
    this.#tellIfEmpty();
  }

  #tellIfEmpty(): void {
    if (this.connectionCount === 0) this.#emptied();
  }

  #scheduleCheck(): void {
    this.#cancelCheck = this.#broker.clock.after(CHECK_INTERVAL_MS, () => {
      if (!this.#isChecking) this.#check();
      this.#scheduleCheck();
    });
  }

  #check(): void {
    this.#isChecking = true;
    const { clock, memory, sessions, turn } = this.#broker;
    const now = clock.now();
    memory.sample();
    this.#descriptors?.recover();
    const overdueEnds = memory.isOverloaded || this.#isCrowded ? Infinity : OVERDUE_ENDED_AT_ONCE;
    this.#overdueEnds = overdueEnds;
    turn.forEach(this.#connections, (connection) => connection.checkTime(now), () => {
      this.#overdueEnds = overdueEnds;
      turn.forEach(this.#arrivals, ([link, { since }]) => this.#checkArrival(link, since, now), () => {
        if (!this.#isClosing) sessions.expire(); // A late slice must not tell a store that is closed by now.
        this.#isChecking = false;
      });
    });
  }

  get #isCrowded(): boolean {
    const { isShort = false, linksMax = Infinity } = this.#descriptors ?? {};
    const { connectionsMax } = this.#broker.limits;
    return isShort || this.connectionCount > ROOMY_SHARE * connectionsMax ||
      this.#descriptorCount > ROOMY_SHARE * linksMax;
  }

  #takeOverdueEnd(): boolean {
    return this.#overdueEnds-- > 0;
  }

  #checkArrival(link: Link, since: number, now: number): void {
    const isOverdue = now - since >= this.#broker.limits.connectTimeoutSeconds * 1000;
    if (!isOverdue || !this.#takeOverdueEnd()) return;
    this.#broker.counters.closes["not-connected-in-time"]++;
    this.#pacedLog.info("link-refused", { peer: link.peer, reason: "not-connected-in-time" });
    this.#forget(link);
  }
}
