import type { Message } from "../core/message.ts";
import type { QoS } from "../packet/types.ts";
import type { Outgoing } from "./message_queue.ts";

/**
 * The retained messages that a new subscription still has to send. It holds a place in the retained tree, not the
 * messages, so a hundred thousand of them cost a slow client's session nothing. A place grows old, though: while it
 * rests, topics that come and go leave traces behind it. So a session without a connection gives it up and begins anew.
 */
export class RetainedBacklog {
  readonly filter: string;
  readonly #walk: () => Iterator<Message>;
  #messages: Iterator<Message> | undefined;
  readonly #qos: QoS;
  #next: Outgoing | undefined;

  /** @param walk begins a walk through the filter's retained messages */
  constructor(filter: string, walk: () => Iterator<Message>, qos: QoS) {
    this.filter = filter;
    this.#walk = walk;
    this.#qos = qos;
  }

  /** The next one to send; `undefined` at the end. */
  peek(now: number): Outgoing | undefined {
    this.#messages ??= this.#walk();
    while (!this.#next) {
      const { done, value: message } = this.#messages.next();
      if (done) return undefined;
      if (message.expiresAt <= now) continue;
      const qos = message.qos < this.#qos ? message.qos : this.#qos;
      this.#next = { message, qos, retain: true }; // [MQTT-3.3.1-8]
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
