import { ByteBudget } from "../core/byte_budget.ts";
import type { Identity } from "../core/identity.ts";
import type { Limits } from "../core/limits.ts";
import type { Message } from "../core/message.ts";
import type { Counters } from "../metrics/counters.ts";
import { type Outlet, Session, type SessionPorts } from "./session.ts";

export interface SessionTableInit {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly now: () => number;
  readonly recordQueued: ((clientId: string, message: Message) => void) | undefined;
  /** Called before a session ends, while it still knows its subscriptions. */
  readonly ending: (session: Session) => void;
  /** Called for each message of a shared subscription that an ended session did not do away with. */
  readonly orphaned: (sharedFilter: string, message: Message) => void;
  /** Called when somebody with other rights, perhaps, goes on with a session. */
  readonly identityChanged: () => void;
}

/** How a client comes to its session. */
export interface SessionRequest {
  readonly clientId: string;
  readonly identity: Identity;
  readonly cleanStart: boolean;
  readonly outlet: Outlet;
}

/** All sessions by client identifier, connected or not. */
export class SessionTable {
  readonly queueBudget: ByteBudget;
  readonly #init: SessionTableInit;
  readonly #sessionPorts: SessionPorts;
  readonly #sessions = new Map<string, Session>(); // [MQTT-3.1.3-2] [MQTT-4.1.0-1]
  /** Sessions without a connection and when they lost it, longest ago first. Only these expire. [MQTT-4.1.0-2] */
  readonly #offlineSince = new Map<Session, number>();

  constructor(init: SessionTableInit) {
    this.#init = init;
    const { limits, counters, now, recordQueued } = init;
    this.queueBudget = new ByteBudget(limits.queueTotalBytesMax);
    const queueBounds = {
      messagesMax: limits.queueMessagesMax,
      bytesMax: limits.queueBytesMax,
      budget: this.queueBudget,
    };
    this.#sessionPorts = { limits, counters, now, recordQueued, queueBounds };
  }

  get size(): number {
    return this.#sessions.size;
  }

  get offlineCount(): number {
    return this.#offlineSince.size;
  }

  get(clientId: string): Session | undefined {
    return this.#sessions.get(clientId);
  }

  /**
   * Gives the client its session, taken over from another connection if need be; `full` when there may be no more.
   *
   * @returns `isPresent`: the session was there before and goes on.
   */
  open(request: SessionRequest): { session: Session; isPresent: boolean } | "full" {
    const { clientId, identity, cleanStart, outlet } = request;
    const existing = this.#sessions.get(clientId);
    if (existing && existing.isPersistent && !cleanStart) {
      const isSame = existing.identity === identity;
      existing.attach(outlet, identity); // [MQTT-3.1.2-4]
      if (!isSame) this.#init.identityChanged();
      this.#offlineSince.delete(existing);
      return { session: existing, isPresent: true }; // [MQTT-3.2.2-2]
    }
    if (!existing && this.#sessions.size >= this.#init.limits.sessionsMax) {
      this.#init.counters.sessionsRefused++;
      return "full";
    }
    const session = new Session(this.#sessionPorts, { clientId, identity, isPersistent: !cleanStart });
    if (existing) this.#replace(existing);
    this.#sessions.set(clientId, session);
    session.attach(outlet, identity);
    return { session, isPresent: false }; // [MQTT-3.2.2-1] [MQTT-3.2.2-3]
  }

  /** The session's connection is over; without persistence the session is too. */
  close(session: Session, outlet: Outlet): void {
    if (!session.detach(outlet)) return;
    if (session.isPersistent) this.#offlineSince.set(session, this.#init.now());
    else this.#end(session);
  }

  /** Ends the sessions that have been without a connection for too long. */
  expire(): void {
    const deadline = this.#init.now() - this.#init.limits.sessionExpirySeconds * 1000;
    for (const [session, since] of this.#offlineSince) {
      if (since > deadline) break;
      this.#init.counters.sessionsExpired++;
      this.#end(session);
    }
  }

  /** The old connection goes first, with its will; then its session, whatever kind it was. [MQTT-3.1.2-6] */
  #replace(existing: Session): void {
    existing.takeOver();
    if (this.#sessions.get(existing.id) === existing) this.#end(existing);
  }

  #end(session: Session): void {
    this.#init.ending(session);
    this.#sessions.delete(session.id);
    this.#offlineSince.delete(session);
    for (const { sharedFilter, message } of session.end()) this.#init.orphaned(sharedFilter!, message);
  }
}
