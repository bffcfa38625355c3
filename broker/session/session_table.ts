import { ByteBudget } from "../core/byte_budget.ts";
import { ANONYMOUS_NAME, type Identity, keptOf } from "../core/identity.ts";
import type { Limits } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import type { Message } from "../core/message.ts";
import { PlaceTable } from "../core/place_table.ts";
import type { Counters } from "../metrics/counters.ts";
import type { Journal } from "../store/journal.ts";
import { Schedule } from "./schedule.ts";
import { Session } from "./session.ts";
import { SessionJournal } from "./session_journal.ts";
import type { Outlet, SessionInit, SessionPorts } from "./session_ports.ts";
import type { PublishWill, Will } from "./will.ts";
import { WillPublisher } from "./will_publisher.ts";

/**
 * Sessions that end, and wills that are published, each time somebody looks. After a night without power ten thousand of
 * them may be due at once, and a session may have ten thousand messages.
 */
const EXPIRED_AT_ONCE_MAX = 500;

export interface SessionTableInit {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly log: Log;
  readonly now: () => number;
  /** Undefined where nothing outlives the process. */
  readonly journal: Journal | undefined;
  readonly isStoreFailing: () => boolean;
  /** Whether the store takes what must be kept: it neither fails nor is too slow for what comes. */
  readonly canStore: () => boolean;
  /** Whether a client identifier belongs to the user who has a session under it. */
  readonly clientIdPerUser: boolean;
  /** Called before a session ends, while it still knows its subscriptions. */
  readonly ending: (session: Session) => void;
  /** Called for each message of a shared subscription that an ended session did not do away with. */
  readonly orphaned: (sharedFilter: string, message: Message) => void;
  readonly publishWill: PublishWill;
  /** Called when somebody with other rights, perhaps, goes on with a session. */
  readonly identityChanged: () => void;
}

/** How a client comes to its session. */
export interface SessionRequest {
  readonly clientId: string;
  readonly identity: Identity;
  readonly cleanStart: boolean;
  readonly expirySeconds: number;
  readonly outlet: Outlet;
}

/** All sessions by client identifier, connected or not. */
export class SessionTable {
  readonly queueBudget: ByteBudget;
  readonly #init: SessionTableInit;
  readonly #sessionPorts: SessionPorts;
  readonly #sessions = new Map<string, Session>(); // [MQTT-3.1.3-2] [MQTT-4.1.0-1] [MQTT5-3.1.3-2]
  /** Sessions without a connection, by when they end. Only these expire. [MQTT-4.1.0-2] [MQTT5-4.1.0-1] */
  readonly #offline: Schedule<Session>;
  /** Sessions without a connection whose will waits, by when it is published. */
  readonly #delayed: Schedule<Session>;
  readonly #wills = new Map<Session, Will>();
  readonly #willPublisher: WillPublisher;
  /** Sessions with a connection, by the name of their identity. */
  readonly #connected: PlaceTable<Session>;

  constructor(init: SessionTableInit) {
    this.#init = init;
    const { limits, counters, log, now, isStoreFailing, publishWill: publish } = init;
    this.#offline = new Schedule(now());
    this.#delayed = new Schedule(now());
    this.queueBudget = new ByteBudget(limits.queueTotalBytesMax);
    this.#connected = new PlaceTable(limits.connectionsPerIdentityMax);
    this.#willPublisher = new WillPublisher({ publish, budget: this.queueBudget, counters, log });
    const queueBounds = {
      messagesMax: limits.queueMessagesMax,
      bytesMax: limits.queueBytesMax,
      budget: this.queueBudget,
    };
    this.#sessionPorts = { limits, counters, now, isStoreFailing, queueBounds };
  }

  get size(): number {
    return this.#sessions.size;
  }

  get offlineCount(): number {
    return this.#offline.size;
  }

  get(clientId: string): Session | undefined {
    return this.#sessions.get(clientId);
  }

  /**
   * Gives the client its session, taken over from another connection if need be; `full` when there may be no more,
   * `foreign` when the identifier belongs to another user, `crowded` when the user has no connection left.
   *
   * @returns `isPresent`: the session was there before and goes on.
   */
  open(request: SessionRequest): { session: Session; isPresent: boolean } | "full" | "foreign" | "crowded" {
    const { clientId, identity, cleanStart, expirySeconds, outlet } = request;
    const existing = this.#present(clientId);
    if (existing && this.#isForeign(existing, identity) && belongsToSomebody(existing, this.#init.now())) {
      this.#init.counters.clientIdsRefused++;
      return "foreign";
    }
    // The connection from which this one takes the session over leaves, so it does not count.
    if (identity.name !== ANONYMOUS_NAME && !this.#connected.hasRoom(existing, identity.name)) {
      return "crowded";
    }
    if (existing && !cleanStart && this.#canGoOn(existing, identity)) {
      existing.attach(outlet); // [MQTT-3.1.2-4] [MQTT5-3.1.2-5]
      this.#countConnected(existing, identity);
      this.changeIdentity(existing, identity);
      this.#offline.delete(existing);
      if (this.#delayed.isDue(existing, this.#init.now())) this.#fireWill(existing);
      else this.#takeWill(existing); // It came back in time. [MQTT5-3.1.3-9]
      existing.expirySeconds = expirySeconds;
      this.#record(existing);
      return { session: existing, isPresent: true }; // [MQTT-3.2.2-2] [MQTT5-3.2.2-3]
    }
    if (!existing && this.#sessions.size >= this.#init.limits.sessionsMax) {
      this.#init.counters.sessionsRefused++;
      return "full";
    }
    const session = new Session(this.#sessionPorts, { clientId, identity, expirySeconds });
    if (existing) this.#replace(existing);
    this.#sessions.set(clientId, session);
    session.attach(outlet);
    this.#countConnected(session, identity);
    this.#record(session);
    return { session, isPresent: false }; // [MQTT-3.2.2-1] [MQTT-3.2.2-3] [MQTT5-3.1.2-6] [MQTT5-3.2.2-2] [MQTT5-3.2.2-3]
  }

  /** What `open` would answer as `isPresent`. */
  isPresent({ clientId, identity, cleanStart }: Omit<SessionRequest, "outlet">): boolean {
    const session = this.#sessions.get(clientId);
    if (!session || cleanStart || this.#offline.isDue(session, this.#init.now())) return false;
    return this.#canGoOn(session, identity);
  }

  /** Somebody goes on with the session who may have other rights. */
  changeIdentity(session: Session, identity: Identity): void {
    if (session.identity === identity) return;
    session.identity = identity;
    // What it had may have been more, and must not come back after a start.
    if (!this.#offline.has(session)) session.journal?.put(session, Infinity);
    this.#init.identityChanged();
  }

  /** Sessions without a connection of identities that were taken back are theirs who has the name now, if anybody. */
  recallRevoked(recall: (kept: string, clientId: string) => Identity): void {
    const now = this.#init.now();
    for (const session of [...this.#offline.items()]) {
      if (session.identity.ended?.(now) === "revoked") {
        this.changeIdentity(session, recall(keptOf(session.identity), session.id));
      }
    }
  }

  /**
   * The session's connection is over; without persistence the session is too, or when its time comes.
   *
   * @param will published now, or after its delay if the session lives that long [MQTT5-3.1.2-8]
   */
  close(session: Session, outlet: Outlet, will: Will | undefined): void {
    if (session.detach(outlet)) {
      this.#connected.leave(session);
      if (will && will.delaySeconds > 0 && session.isPersistent) {
        const dueAt = this.#init.now() + will.delaySeconds * 1000;
        this.restoreWill(session, will, dueAt);
        session.journal?.willWaits(will, dueAt);
        will = undefined;
      }
      if (session.isPersistent) this.#leave(session); // [MQTT5-3.1.2-23]
      else this.#end(session);
    }
    if (will) this.#willPublisher.fire(will);
  }

  /** Puts back a session that the store has kept; nobody is connected to it. `restoreExpiry` follows. */
  restore(sessionId: number, init: SessionInit): Session {
    const session = new Session(this.#sessionPorts, init);
    session.journal = new SessionJournal(this.#init.journal!, sessionId);
    this.#sessions.set(session.id, session);
    return session;
  }

  /** @param expiresAt Infinity: somebody was connected when the process ended, and has been away since */
  restoreExpiry(session: Session, expiresAt: number): void {
    if (expiresAt === Infinity) this.#leave(session);
    else this.#offline.set(session, expiresAt);
  }

  /** Puts back a will that waits. */
  restoreWill(session: Session, will: Will, dueAt: number): void {
    this.#wills.set(session, will);
    this.#delayed.set(session, dueAt);
  }

  /** The store can be told again: every session goes on with what waited for that, and wills that did are published. */
  storeRecovered(): void {
    for (const session of this.#sessions.values()) if (session.journal) session.outbound.storeRecovered();
    this.#fireDueWills();
  }

  /** How long the session outlives its connection, as far as the broker lets it. */
  expiryOf({ expirySeconds }: Pick<Session, "expirySeconds">): number {
    return Math.min(expirySeconds, this.#init.limits.sessionExpirySeconds);
  }

  /**
   * Ends the sessions, and publishes the wills, whose time has come. Called about once a second. While the store can take
   * nothing, wills stay where they are, on the disk as well.
   */
  expire(): void {
    if (this.#init.canStore()) this.#fireDueWills();
    for (const session of this.#offline.takeDue(this.#init.now(), EXPIRED_AT_ONCE_MAX)) { // [MQTT5-4.1.0-2]
      this.#init.counters.sessionsExpired++;
      this.#end(session);
    }
  }

  /** Publishes every will that waits and whose session ends with the process: it does not live to see the delay. */
  fireWills(): void {
    for (const session of [...this.#wills.keys()]) if (!session.journal) this.#fireWill(session);
    if (this.#init.canStore()) this.#willPublisher.fireWaiting(Infinity);
    this.#willPublisher.giveUp();
  }

  /** All who showed no name share one, and so must not share one bound. */
  #countConnected(session: Session, { name }: Identity): void {
    if (name !== ANONYMOUS_NAME) this.#connected.admit(session, name);
  }

  /** What anybody left there is not for a named user to go on with. */
  #canGoOn(session: Session, identity: Identity): boolean {
    return session.isPersistent && !this.#isForeign(session, identity);
  }

  #isForeign(session: Session, identity: Identity): boolean {
    return this.#init.clientIdPerUser && session.identity.name !== identity.name;
  }

  /** The client's session, unless its time came since anybody last looked. */
  #present(clientId: string): Session | undefined {
    const session = this.#sessions.get(clientId);
    if (!session || !this.#offline.isDue(session, this.#init.now())) return session;
    this.#init.counters.sessionsExpired++;
    this.#end(session);
    return undefined;
  }

  /** Tells the store that somebody is connected, or that the session is none that it keeps. */
  #record(session: Session): void {
    const { journal } = this.#init;
    if (!journal) return;
    if (!session.isPersistent) return session.leaveStore();
    if (session.journal) return session.journal.put(session, Infinity);
    const { id: clientId, identity, expirySeconds } = session;
    const kept = { clientId, identity: keptOf(identity), expirySeconds, expiresAt: Infinity };
    session.journal = new SessionJournal(journal, journal.sessionBegun(kept));
  }

  /** The session's connection is over, and its time begins to run. */
  #leave(session: Session): void {
    const expiresAt = this.#init.now() + this.expiryOf(session) * 1000;
    this.#offline.set(session, expiresAt);
    session.journal?.put(session, expiresAt);
  }

  #takeWill(session: Session): Will | undefined {
    const will = this.#wills.get(session);
    if (!will) return undefined;
    this.#wills.delete(session);
    this.#delayed.delete(session);
    session.journal?.willGone();
    return will;
  }

  #fireDueWills(): void {
    this.#willPublisher.fireWaiting(EXPIRED_AT_ONCE_MAX);
    for (const session of this.#delayed.takeDue(this.#init.now(), EXPIRED_AT_ONCE_MAX)) {
      this.#fireWill(session);
    }
  }

  #fireWill(session: Session): void {
    const will = this.#takeWill(session);
    if (will) this.#willPublisher.fire(will);
  }

  /** The old connection goes first, with its will; then its session, whatever kind it was. [MQTT-3.1.2-6] [MQTT5-3.1.2-4] */
  #replace(existing: Session): void {
    existing.takeOver();
    if (this.#sessions.get(existing.id) === existing) this.#end(existing);
  }

  #end(session: Session): void {
    this.#init.ending(session);
    this.#sessions.delete(session.id);
    this.#offline.delete(session);
    this.#fireWill(session); // The session does not live to see the delay.
    for (const { sharedFilter, message } of session.end()) this.#init.orphaned(sharedFilter!, message);
  }
}

/** Nobody has what anybody may have, nor what was left by who is known no more. */
function belongsToSomebody({ identity }: Session, now: number): boolean {
  return identity.name !== ANONYMOUS_NAME && identity.ended?.(now) !== "revoked";
}
