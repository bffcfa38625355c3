import type { Clock } from "../core/clock.ts";
import type { Message, MessageProperties } from "../core/message.ts";
import type { Turn } from "../core/turn.ts";
import { encodeMessageProperties } from "../packet/mod.ts";
import type { StateName, StoreRecord } from "./records.ts";
import type { Store } from "./store.ts";

/** A message on its way to one session, as far as the store keeps it. */
export interface KeptDelivery {
  readonly message: Message;
  readonly qos: number;
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  readonly sharedFilter: string | undefined;
}

export interface KeptSession {
  readonly sessionId: number;
  readonly clientId: string;
  readonly identity: string;
  readonly expirySeconds: number;
  readonly expiresAt: number;
}

export interface KeptSubscription {
  readonly filter: string;
  readonly qos: number;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly identifiers: readonly number[];
}

export interface KeptWill {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: number;
  readonly retain: boolean;
  readonly properties?: MessageProperties | undefined;
}

/** Deliveries of ended sessions that are deleted at a time: a hundred thousand of them must stall nobody's commit. */
const SWEEP_SIZE = 1_000;
const SWEEP_INTERVAL_MS = 20;

/**
 * Writes down what must survive the process, as it happens: the one place that knows what the store is told of messages,
 * sessions and their deliveries. What is promised to somebody is committed when the turn ends; what only tidies up waits
 * for company.
 *
 * A message is stored once and counts the places that have it; it goes with the last.
 */
export class Journal {
  readonly #store: Store;
  readonly #turn: Turn;
  readonly #clock: Clock;
  readonly #pendingBytesMax: number;
  #isBusy = false;
  #promiseCount = 0;
  #lastSessionId = 0;
  #lastDeliveryId = 0;
  /**
   * Deliveries whose session has ended, and messages that went with them: numbers, as their payloads may be much and count
   * for no queue any more. While the store refuses there are no more deliveries, so these are at most as many as there
   * were when that began.
   */
  readonly #unswept: number[] = [];
  readonly #unsweptMessages = new Set<number>();
  #cancelSweep: (() => void) | undefined;

  /** @param pendingBytesMax that may wait for the disk before `isBusy` says so */
  constructor(
    store: Store,
    turn: Turn,
    { clock, pendingBytesMax }: { clock: Clock; pendingBytesMax: number },
  ) {
    this.#store = store;
    this.#turn = turn;
    this.#clock = clock;
    this.#pendingBytesMax = pendingBytesMax;
  }

  /** Promises made so far: who compares it before and after knows whether an answer has to wait for the disk. */
  get promiseCount(): number {
    return this.#promiseCount;
  }

  /** More waits for the disk than may. */
  get isBusy(): boolean {
    return this.#isBusy && (this.#isBusy = this.#store.pendingBytes > this.#pendingBytesMax);
  }

  retainedPut(message: Message, previous: Message | undefined): void {
    this.#hold(message);
    this.#promise({ kind: "retained-put", topic: message.topic, sequence: message.sequence });
    if (previous) this.#release(previous);
  }

  retainedDeleted(message: Message): void {
    this.#promise({ kind: "retained-deleted", topic: message.topic });
    this.#release(message);
  }

  /** Nothing to record. But whoever hears of it may be the second to clear a topic, and the first is not on the disk yet. */
  retainedMissing(): void {
    this.#promiseCount++;
  }

  /** Answers the number that the session has in the store. */
  sessionBegun(session: Omit<KeptSession, "sessionId">): number {
    const sessionId = ++this.#lastSessionId;
    this.sessionPut({ sessionId, ...session });
    return sessionId;
  }

  sessionPut(session: KeptSession): void {
    this.#promise({ kind: "session-put", ...session });
  }

  /** @param deliveries of the session, those that wait and those under way */
  sessionDeleted(
    sessionId: number,
    deliveries: Iterable<[deliveryId: number, message: Message | undefined]>,
  ): void {
    this.#promise({ kind: "session-deleted", sessionId });
    for (const [deliveryId, message] of deliveries) {
      this.#unswept.push(deliveryId);
      if (message && --message.holderCount === 0) this.#unsweptMessages.add(message.sequence);
    }
    if (this.#hasUnswept) this.#scheduleSweep();
  }

  subscriptionPut(sessionId: number, subscription: KeptSubscription, hasBacklog: boolean): void {
    const { filter, qos, noLocal, retainAsPublished, identifiers: [identifier = 0] } = subscription;
    const record = { sessionId, filter, qos, noLocal, retainAsPublished, identifier, hasBacklog };
    this.#promise({ kind: "subscription-put", ...record });
  }

  subscriptionDeleted(sessionId: number, filter: string): void {
    this.#promise({ kind: "subscription-deleted", sessionId, filter });
  }

  /**
   * A session has the message: it waits (`packetId` 0) or is under way.
   *
   * @returns the number that the delivery has in the store
   */
  deliveryPut(sessionId: number, delivery: KeptDelivery, packetId: number): number {
    const { message, qos, retain, identifiers, sharedFilter } = delivery;
    this.#hold(message);
    const deliveryId = ++this.#lastDeliveryId;
    this.#promise({
      kind: "delivery-put",
      deliveryId,
      sessionId,
      sequence: message.sequence,
      qos,
      retain,
      packetId,
      identifiers: identifiers.length > 0 ? identifiers.join(",") : undefined,
      sharedFilter,
    });
    return deliveryId;
  }

  /** A message that waited is under way. */
  deliverySent(deliveryId: number, packetId: number): void {
    this.#promise({ kind: "delivery-sent", deliveryId, packetId });
  }

  /** PUBREC came: the message is the client's; the flow moves to the end of the order and gets another number. */
  deliveryReleased(deliveryId: number, sessionId: number, packetId: number, message: Message): number {
    this.#promise({ kind: "delivery-deleted", deliveryId });
    this.#release(message);
    const releasedId = ++this.#lastDeliveryId;
    this.#promise({
      kind: "delivery-put",
      deliveryId: releasedId,
      sessionId,
      sequence: 0,
      qos: 2,
      retain: false,
      packetId,
      identifiers: undefined,
      sharedFilter: undefined,
    });
    return releasedId;
  }

  /** The session is done with it. Nobody waits for that to be on the disk: the worst is that it is sent again. */
  deliveryDeleted(deliveryId: number, message: Message | undefined): void {
    this.#note({ kind: "delivery-deleted", deliveryId });
    if (message) this.#release(message);
  }

  inboundPut(sessionId: number, packetId: number): void {
    this.#promise({ kind: "inbound-put", sessionId, packetId });
  }

  inboundDeleted(sessionId: number, packetId: number): void {
    this.#promise({ kind: "inbound-deleted", sessionId, packetId });
  }

  willPut(sessionId: number, will: KeptWill, dueAt: number): void {
    const { topic, payload, qos, retain } = will;
    const properties = encodeMessageProperties(will.properties);
    this.#promise({ kind: "will-put", sessionId, dueAt, topic, payload, qos, retain, properties });
  }

  willDeleted(sessionId: number): void {
    this.#promise({ kind: "will-deleted", sessionId });
  }

  /** @param isPromised whoever published it hears of it only when it is on the disk */
  eventPut(message: Message, isPromised: boolean): void {
    const record: StoreRecord = { kind: "event-put", ...fieldsOf(message) };
    if (isPromised) this.#promise(record);
    else this.#note(record);
  }

  eventsDeleted(before: number): void {
    this.#note({ kind: "events-deleted", before });
  }

  interestPut(filter: string, until: number): void {
    this.#promise({ kind: "interest-put", filter, until });
  }

  interestDeleted(filter: string): void {
    this.#note({ kind: "interest-deleted", filter });
  }

  statePut(name: StateName, value: string): void {
    this.#note({ kind: "state-put", name, value });
  }

  /** Something that was loaded has the message. */
  loadedHolder(message: Message): void {
    message.holderCount++;
  }

  /** Numbers up to these are taken. */
  loadedIds(sessionId: number, deliveryId: number): void {
    this.#lastSessionId = Math.max(this.#lastSessionId, sessionId);
    this.#lastDeliveryId = Math.max(this.#lastDeliveryId, deliveryId);
  }

  /** Of a message that was loaded and that nothing has. */
  loadedOrphan(sequence: number): void {
    this.#note({ kind: "message-deleted", sequence });
  }

  /** Of a delivery that was loaded and whose session or message is gone. */
  loadedStray(deliveryId: number): void {
    this.#note({ kind: "delivery-deleted", deliveryId });
  }

  /** Leaves nothing for later. */
  close(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    while (this.#hasUnswept) this.#sweep();
  }

  #hold(message: Message): void {
    // One that was not swept yet is in the store still: another member of a shared subscription has it now.
    if (message.holderCount++ > 0 || this.#unsweptMessages.delete(message.sequence)) return;
    this.#promise({ kind: "message-put", ...fieldsOf(message) });
  }

  #release(message: Message): void {
    if (--message.holderCount === 0) this.#note({ kind: "message-deleted", sequence: message.sequence });
  }

  get #hasUnswept(): boolean {
    return this.#unswept.length > 0 || this.#unsweptMessages.size > 0;
  }

  #scheduleSweep(): void {
    this.#cancelSweep ??= this.#clock.after(SWEEP_INTERVAL_MS, () => {
      this.#cancelSweep = undefined;
      // What the disk does not take now must not pile up before it.
      const hasRoom = this.#store.pendingBytes <= this.#pendingBytesMax;
      if (hasRoom && this.#turn.failure === undefined) this.#sweep();
      if (this.#hasUnswept) this.#scheduleSweep();
    });
  }

  #sweep(): void {
    for (const deliveryId of this.#unswept.splice(-SWEEP_SIZE)) this.deliveryDeleted(deliveryId, undefined);
    for (const sequence of this.#unsweptMessages.values().take(SWEEP_SIZE)) {
      this.#unsweptMessages.delete(sequence);
      this.#note({ kind: "message-deleted", sequence });
    }
  }

  #promise(record: StoreRecord): void {
    this.#promiseCount++;
    this.#store.append(record);
    if (this.#store.pendingBytes > this.#pendingBytesMax) this.#isBusy = true;
    this.#turn.recorded();
  }

  #note(record: StoreRecord): void {
    this.#store.append(record);
    this.#turn.noted();
  }
}

function fieldsOf(message: Message) {
  const { sequence, time, topic, payload, qos, retain, publisherId } = message;
  const properties = encodeMessageProperties(message.properties);
  return { sequence, time, topic, payload, qos, retain, properties, publisherId };
}
