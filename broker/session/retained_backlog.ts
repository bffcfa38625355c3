import type { Message } from "../core/message.ts";
import type { Subscription } from "../core/subscriber.ts";
import type { Outgoing } from "./message_queue.ts";

/** Where the retained messages of a filter come from. */
export interface RetainedSource {
  /** Begins a walk through them; undefined comes where others should have a turn. */
  walk(): Iterator<Message | undefined>;
  /** Whether the message is still the one of its topic. */
  isCurrent(message: Message): boolean;
}

/** The backlogs of one session, in the order of their subscriptions. */
export class RetainedBacklogs {
  readonly #backlogs: RetainedBacklog[] = [];

  get first(): RetainedBacklog | undefined {
    return this.#backlogs[0];
  }

  /** Begins to send for a subscription, from the beginning if that was under way. */
  add(subscription: Subscription, source: RetainedSource): void {
    this.drop(subscription.filter);
    this.#backlogs.push(new RetainedBacklog(subscription, source));
  }

  /** Forgets what was not sent yet for a filter. */
  drop(filter: string): void {
    const index = this.#backlogs.findIndex((backlog) => backlog.filter === filter);
    if (index >= 0) this.#backlogs.splice(index, 1);
  }

  rewind(): void {
    for (const backlog of this.#backlogs) backlog.rewind();
  }

  clear(): void {
    this.#backlogs.length = 0;
  }
}

/**
 * The retained messages that a new subscription still has to send. It holds a place in the retained tree, not the
 * messages, so a hundred thousand of them cost a slow client's session nothing. A place grows old, though: while it
 * rests, topics that come and go leave traces behind it. So a session without a connection gives it up and begins anew.
 */
class RetainedBacklog {
  readonly #subscription: Subscription;
  readonly #source: RetainedSource;
  #messages: Iterator<Message | undefined> | undefined;
  #next: Outgoing | undefined;

  constructor(subscription: Subscription, source: RetainedSource) {
    this.#subscription = subscription;
    this.#source = source;
  }

  get filter(): string {
    return this.#subscription.filter;
  }

  /** The next one to send; `pause` where none was found yet and others should have a turn; `undefined` at the end. */
  peek(now: number): Outgoing | "pause" | undefined {
    const { qos: qosMax, noLocal, identifiers, subscriber } = this.#subscription;
    this.#messages ??= this.#source.walk();
    // It waited: the newer one in its place was delivered live, and this one must not come after it.
    if (this.#next && !this.#source.isCurrent(this.#next.message)) this.#next = undefined;
    while (!this.#next) {
      const { done, value: message } = this.#messages.next();
      if (done) return undefined;
      if (!message) return "pause";
      if (message.expiresAt <= now || (noLocal && message.publisherId === subscriber.id)) continue;
      const qos = message.qos < qosMax ? message.qos : qosMax;
      this.#next = { message, qos, retain: true, identifiers, sharedFilter: undefined, deliveryId: 0 }; // [MQTT-3.3.1-8]
    }
    return this.#next;
  }

  /** Gives up the place in the tree; the next `peek` begins anew. */
  rewind(): void {
    this.#messages = undefined;
    this.#next = undefined;
  }

  shift(): void {
    this.#next = undefined;
  }
}
