import type { Identity } from "./core/identity.ts";
import { Message } from "./core/message.ts";
import type { RetainedStore } from "./core/retained_store.ts";
import type { Router } from "./core/router.ts";
import type { Subscription } from "./core/subscriber.ts";
import { decodeMessageProperties, PacketError, type QoS } from "./packet/mod.ts";
import type { Session } from "./session/session.ts";
import type { SessionTable } from "./session/session_table.ts";
import { Will } from "./session/will.ts";
import type { Journal } from "./store/journal.ts";
import type { RecordOf, StateName, StoreRecord } from "./store/records.ts";
import { StoreError } from "./store/store.ts";
import { isShared } from "./topic/name.ts";

export interface RestorationParts {
  readonly journal: Journal;
  readonly retained: RetainedStore;
  readonly router: Router;
  readonly sessions: SessionTable;
  /** Who had this name when the session was kept. */
  readonly recall: (name: string, clientId: string) => Identity;
}

/** What is left when everything that has a place is back in it. */
export interface Restored {
  readonly state: Partial<Record<StateName, string>>;
  readonly events: readonly Message[];
  readonly interests: readonly (readonly [filter: string, until: number])[];
  /** Subscriptions whose retained messages were still to be sent. */
  readonly backlogs: readonly (readonly [session: Session, subscription: Subscription])[];
}

/**
 * Puts everything back where it was, from what the store tells: sessions first, then messages, then who has them. The
 * store is told nothing before all is read; what it must be told, and what runs against the clock, comes in `finish`.
 */
export class Restoration {
  readonly #parts: RestorationParts;
  readonly #state: Partial<Record<StateName, string>> = {};
  readonly #events: Message[] = [];
  readonly #interests: [filter: string, until: number][] = [];
  readonly #backlogs: [session: Session, subscription: Subscription][] = [];
  readonly #sessions = new Map<number, Session>();
  readonly #messages = new Map<number, Message>();
  readonly #expiries: [session: Session, expiresAt: number][] = [];
  /** Put back at the end: one that expires before would be deleted, and deliveries that have it come later. */
  readonly #retained: Message[] = [];
  readonly #strayIds: number[] = [];

  constructor(parts: RestorationParts) {
    this.#parts = parts;
  }

  /** Throws `StoreError` for what cannot be read. */
  take(records: readonly StoreRecord[]): void {
    for (const record of records) {
      try {
        this.#take(record);
      } catch (error) {
        if (!(error instanceof PacketError)) throw error;
        throw new StoreError(
          `Cannot read a ${record.kind} of the store: ${error.message}; put a backup in its place`,
        );
      }
    }
  }

  /** Lets the time go on, and forgets what nobody has, such as what a sweep did not come to. */
  finish(): Restored {
    const { journal, retained, sessions } = this.#parts;
    for (const [session, expiresAt] of this.#expiries) sessions.restoreExpiry(session, expiresAt);
    for (const message of this.#retained) retained.restore(message);
    for (const deliveryId of this.#strayIds) journal.loadedStray(deliveryId);
    for (const { sequence, holderCount } of this.#messages.values()) {
      if (holderCount === 0) journal.loadedOrphan(sequence);
    }
    return {
      state: this.#state,
      events: this.#events,
      interests: this.#interests,
      backlogs: this.#backlogs,
    };
  }

  #take(record: StoreRecord): void {
    switch (record.kind) {
      case "state-put":
        this.#state[record.name as StateName] = record.value;
        return;
      case "session-put":
        return this.#takeSession(record);
      case "subscription-put":
        return this.#takeSubscription(record);
      case "inbound-put":
        return this.#sessions.get(record.sessionId)?.restoreInbound(record.packetId);
      case "will-put":
        return this.#takeWill(record);
      case "message-put":
        this.#messages.set(record.sequence, messageOf(record));
        return;
      case "retained-put":
        return this.#takeRetained(record);
      case "delivery-put":
        return this.#takeDelivery(record);
      case "event-put":
        this.#events.push(messageOf(record));
        return;
      case "interest-put":
        this.#interests.push([record.filter, record.until]);
    }
  }

  #takeSession(record: RecordOf<"session-put">): void {
    const { journal, sessions, recall } = this.#parts;
    const { sessionId, clientId, expirySeconds, expiresAt } = record;
    journal.loadedIds(sessionId, 0);
    const session = sessions.restore(sessionId, {
      clientId,
      identity: recall(record.identity, clientId),
      expirySeconds,
    });
    this.#sessions.set(sessionId, session);
    this.#expiries.push([session, expiresAt]);
  }

  #takeSubscription(record: RecordOf<"subscription-put">): void {
    const session = this.#sessions.get(record.sessionId);
    if (!session) return;
    const { filter, noLocal, retainAsPublished, identifier, hasBacklog } = record;
    const subscription: Subscription = {
      filter,
      isShared: isShared(filter),
      qos: record.qos as QoS,
      noLocal,
      retainAsPublished,
      identifiers: identifier === 0 ? [] : [identifier],
      subscriber: session,
    };
    this.#parts.router.add(subscription);
    session.restoreSubscription(subscription);
    if (hasBacklog) this.#backlogs.push([session, subscription]);
  }

  #takeWill(record: RecordOf<"will-put">): void {
    const session = this.#sessions.get(record.sessionId);
    if (!session) return;
    const { topic, payload, retain } = record;
    const fields = {
      topic,
      payload,
      retain,
      qos: record.qos as QoS,
      delaySeconds: 0,
      properties: decodeMessageProperties(record.properties),
    };
    this.#parts.sessions.restoreWill(session, new Will(fields, session.identity, session.id), record.dueAt);
  }

  #takeRetained({ sequence }: RecordOf<"retained-put">): void {
    const message = this.#messages.get(sequence);
    if (!message) return;
    this.#parts.journal.loadedHolder(message);
    message.keep();
    this.#retained.push(message);
  }

  #takeDelivery(record: RecordOf<"delivery-put">): void {
    const { deliveryId } = record;
    this.#parts.journal.loadedIds(0, deliveryId);
    if (!this.#restoreDelivery(record)) this.#strayIds.push(deliveryId);
  }

  /** False for one that belongs to nothing. */
  #restoreDelivery(record: RecordOf<"delivery-put">): boolean {
    const { deliveryId, sessionId, sequence, packetId, retain, sharedFilter } = record;
    const session = this.#sessions.get(sessionId);
    if (session && sequence === 0) {
      return session.outbound.restoreFlow(packetId, { step: "released", deliveryId });
    }
    const message = this.#messages.get(sequence);
    if (!session || !message) return false;
    const identifiers = record.identifiers?.split(",").map(Number) ?? [];
    const outgoing = { message, qos: record.qos as QoS, retain, identifiers, sharedFilter, deliveryId };
    if (packetId === 0) session.outbound.restoreWaiting(outgoing);
    else if (!session.outbound.restoreFlow(packetId, { step: "published", ...outgoing })) return false;
    this.#parts.journal.loadedHolder(message);
    return true;
  }
}

function messageOf(record: RecordOf<"message-put"> | RecordOf<"event-put">): Message {
  const { sequence, time, topic, retain, publisherId } = record;
  // A copy: what is read comes in slices of a megabyte, and this may live for years.
  const payload = record.payload.slice();
  const properties = decodeMessageProperties(record.properties);
  return new Message(
    { topic, payload, qos: record.qos as QoS, retain, properties },
    sequence,
    time,
    publisherId,
  );
}
