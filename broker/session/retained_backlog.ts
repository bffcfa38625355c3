import type { Message } from "../core/message.ts";
import type { QoS } from "../packet/types.ts";
import type { Outgoing } from "./message_queue.ts";

/** Where the retained messages of a filter come from. */
export interface RetainedSource {
  /** Begins a walk through them. */
  walk(): Iterator<Message>;
  /** Whether the message is still the one of its topic. */
  isCurrent(message: Message): boolean;
}

/**
 * The retained messages that a new subscription still has to send. It holds a place in the retained tree, not the
 * messages, so a hundred thousand of them cost a slow client's session nothing. A place grows old, though: while it
 * rests, topics that come and go leave traces behind it. So a session without a connection gives it up and begins anew.
 */
export class RetainedBacklog {
  readonly filter: string;
  readonly #source: RetainedSource;
  #messages: Iterator<Message> | undefined;
  readonly #qos: QoS;
  #next: Outgoing | undefined;

  constructor(filter: string, source: RetainedSource, qos: QoS) {
    this.filter = filter;
    this.#source = source;
    this.#qos = qos;
  }

  /** The next one to send; `undefined` at the end. */
  peek(now: number): Outgoing | undefined {
    this.#messages ??= this.#source.walk();
    // It waited: the newer one in its place was delivered live, and this one must not come after it.
    if (this.#next && !this.#source.isCurrent(this.#next.message)) this.#next = undefined;
    while (!this.#next) {
      const { done, value: message } = this.#messages.next();
      if (done) return undefined;
      if (message.expiresAt <= now) continue;
      const qos = message.qos < this.#qos ? message.qos : this.#qos;
      this.#next = { message, qos, retain: true, sharedFilter: undefined }; // [MQTT-3.3.1-8]
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
