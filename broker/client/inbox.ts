import type { MessageProperties, QoS, UserProperties } from "../packet/mod.ts";
import { matches } from "../topic/name.ts";

/** What stands before the filter that a shared subscription is for. */
const SHARE = /^\$share\/[^/]+\//;

/** Messages that wait for their consumers; with so many, or so many bytes, the client stops reading. */
export const INBOX_MESSAGES_MAX = 1000;
export const INBOX_BYTES_MAX = 4 * 1024 * 1024;

/** A message that came in. */
export interface IncomingMessage {
  readonly topic: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 for QoS 0, which has none. */
  readonly packetId: number;
  /** Content type, response topic, user properties and the like; empty before MQTT 5.0. */
  readonly properties: MessageProperties;
  /** Of the subscriptions that it comes for, as far as they have one. */
  readonly subscriptionIds: readonly number[];
  /** What the broker calls the topic for short; 0 for nothing. */
  readonly topicAlias: number;
}

/** A message and how many are still to take it. */
interface Envelope {
  readonly message: IncomingMessage;
  takers: number;
}

export interface InboxInit {
  /** Called for a message of QoS 1 or 2 when its consumer takes it, or nobody ever will. */
  readonly acknowledge: (qos: QoS, packetId: number) => void;
  /** Called when a message was taken. */
  readonly onTaken: () => void;
}

/**
 * Messages on their way from the link to whoever consumes them.
 *
 *     put ──matches──> queue of each subscription ──next()──> consumer, then the acknowledgement
 *         └─none────> unclaimed (bounded) ──subscribe()──> queue of the new subscription
 *
 * A message is acknowledged when it is taken, not when it comes: what nobody took when the program stops is still with
 * the broker. A resumed session brings messages before there is a subscription for them; those wait as unclaimed.
 */
export class Inbox {
  readonly #init: InboxInit;
  #subscriptions: Subscription[] = [];
  #unclaimed: Envelope[] = [];
  #messages = 0;
  #bytes = 0;
  /** Messages that were let go unseen: nobody subscribed to them here, or QoS 0 while an answer had to get through. */
  droppedCount = 0;

  constructor(init: InboxInit) {
    this.#init = init;
  }

  get isFull(): boolean {
    return this.#messages >= INBOX_MESSAGES_MAX || this.#bytes >= INBOX_BYTES_MAX;
  }

  put(message: IncomingMessage): void {
    // Past the bound only while an acknowledgement is waited for (client.ts). QoS 0 may be lost; what is above that
    // is bounded by the window that the broker keeps for us.
    if (this.isFull && message.qos === 0) {
      this.droppedCount++;
      return;
    }
    const envelope: Envelope = { message, takers: 0 };
    const [first] = this.#subscriptions;
    if (first?.catchAll && this.#subscriptions.length === 1) return this.#queue(first, envelope);
    for (const subscription of this.#subscriptions) {
      if (subscription.wants(message.topic)) this.#queue(subscription, envelope);
    }
    if (envelope.takers > 0) return;
    const catchAll = this.#subscriptions.find((subscription) => subscription.catchAll);
    if (catchAll) this.#queue(catchAll, envelope);
    else this.#keepUnclaimed(envelope);
  }

  open(filters: readonly string[], catchAll: boolean): Subscription {
    const subscription = new Subscription({
      filters,
      catchAll,
      taken: (envelope) => this.#taken(envelope),
      left: (queue) => this.#close(subscription, queue),
    });
    this.#subscriptions.push(subscription);
    const waiting = this.#unclaimed;
    this.#unclaimed = [];
    for (const envelope of waiting) {
      if (catchAll || subscription.wants(envelope.message.topic)) this.#queue(subscription, envelope);
      else this.#unclaimed.push(envelope);
    }
    return subscription;
  }

  /** Ends every subscription: with the error once its queue is empty, or without one at once. */
  end(error: Error | undefined): void {
    for (const subscription of this.#subscriptions) subscription.end(error);
    this.#subscriptions = [];
    this.#unclaimed = [];
  }

  #queue(subscription: Subscription, envelope: Envelope): void {
    envelope.takers++;
    this.#messages++;
    this.#bytes += envelope.message.payload.length;
    subscription.offer(envelope);
  }

  #taken(envelope: Envelope): void {
    this.#messages--;
    this.#bytes -= envelope.message.payload.length;
    envelope.takers--;
    if (envelope.takers === 0) this.#acknowledge(envelope);
    this.#init.onTaken();
  }

  #close(subscription: Subscription, queue: readonly Envelope[]): void {
    this.#subscriptions = this.#subscriptions.filter((other) => other !== subscription);
    for (const envelope of queue) {
      this.#messages--;
      this.#bytes -= envelope.message.payload.length;
      envelope.takers--;
      if (envelope.takers === 0) this.#keepUnclaimed(envelope);
    }
    this.#init.onTaken();
  }

  #keepUnclaimed(envelope: Envelope): void {
    if (this.#unclaimed.length < INBOX_MESSAGES_MAX) {
      this.#unclaimed.push(envelope);
      return;
    }
    // Unacknowledged it would fill the broker's window, and what somebody does want would never come.
    this.droppedCount++;
    this.#acknowledge(envelope);
  }

  #acknowledge({ message: { qos, packetId } }: Envelope): void {
    if (qos > 0) this.#init.acknowledge(qos, packetId);
  }
}

interface SubscriptionInit {
  readonly filters: readonly string[];
  readonly catchAll: boolean;
  readonly taken: (envelope: Envelope) => void;
  readonly left: (queue: readonly Envelope[]) => void;
}

interface Waiter {
  readonly resolve: (result: IteratorResult<IncomingMessage, undefined>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The messages of some filters, for one consumer: `for await (const message of subscription)`. Leaving the loop ends
 * it here; `Client.unsubscribe` ends it at the broker.
 */
export class Subscription implements AsyncIterableIterator<IncomingMessage, undefined> {
  readonly filters: readonly string[];
  readonly catchAll: boolean;
  /** One a filter: the granted QoS 0 to 2, or a reason code from 0x80. */
  granted: readonly number[] = [];
  /** What the broker says of that, for people. */
  reasonString: string | undefined;
  userProperties: UserProperties = [];
  readonly #init: SubscriptionInit;
  #queue: Envelope[] = [];
  /** Envelopes before this one were taken; they go together, as shifting one by one would be slow. */
  #next = 0;
  readonly #waiters: Waiter[] = [];
  #isOver = false;
  #error: Error | undefined;

  constructor(init: SubscriptionInit) {
    this.#init = init;
    this.filters = init.filters;
    this.catchAll = init.catchAll;
  }

  /** Messages that `next` gives at once. */
  get waitingCount(): number {
    return this.#queue.length - this.#next;
  }

  wants(topic: string): boolean {
    return this.filters.some((filter) => matches(filter.replace(SHARE, ""), topic));
  }

  offer(envelope: Envelope): void {
    const waiter = this.#waiters.shift();
    if (!waiter) {
      this.#queue.push(envelope);
      return;
    }
    this.#init.taken(envelope);
    waiter.resolve({ done: false, value: envelope.message });
  }

  next(): Promise<IteratorResult<IncomingMessage, undefined>> {
    const envelope = this.#queue[this.#next];
    if (envelope) {
      if (++this.#next >= INBOX_MESSAGES_MAX || this.#next === this.#queue.length) {
        this.#queue = this.#queue.slice(this.#next);
        this.#next = 0;
      }
      this.#init.taken(envelope);
      return Promise.resolve({ done: false, value: envelope.message });
    }
    if (this.#error) return Promise.reject(this.#error);
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<IncomingMessage, undefined>> {
    if (!this.#isOver) {
      const left = this.#queue.slice(this.#next);
      this.end(undefined);
      this.#init.left(left);
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Gives no more messages; with an error first those that wait, without one none. */
  end(error: Error | undefined): void {
    this.#isOver = true;
    this.#error = error;
    // The broker sends QoS 2 again when its session is resumed; given twice it would not be exactly once.
    this.#queue = error ? this.#queue.slice(this.#next).filter(({ message }) => message.qos < 2) : [];
    this.#next = 0;
    for (const { resolve, reject } of this.#waiters.splice(0)) {
      if (error) reject(error);
      else resolve({ done: true, value: undefined });
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
