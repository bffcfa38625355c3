import type { ByteBudget } from "../core/byte_budget.ts";
import type { Message } from "../core/message.ts";
import type { QoS } from "../packet/types.ts";

/** A message on its way to one client: at which QoS, and whether it is sent as a retained one. */
export interface Outgoing {
  readonly message: Message;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Subscription identifiers, for MQTT 5.0. */
  readonly identifiers: readonly number[];
  /** The filter of the shared subscription that it was sent for: if the session ends first, another member gets it. */
  readonly sharedFilter: string | undefined;
  /** Number of the delivery in the store; 0 when it is not there. */
  deliveryId: number;
}

/** Bytes of a PUBLISH beside topic and payload, at most. */
const PUBLISH_OVERHEAD_BYTES = 9;

/** What the message takes of an outbox, about. */
export function sizeOnWire(message: Message): number {
  return message.topic.length + message.payloadBytes + PUBLISH_OVERHEAD_BYTES;
}

export interface MessageQueueBounds {
  readonly messagesMax: number;
  readonly bytesMax: number;
  /** Shared by the queues of all sessions. */
  readonly budget: ByteBudget;
}

/** What an empty queue has instead of a list of its own. Never pushed to. */
const NONE: Outgoing[] = [];

/**
 * Messages of QoS 1 and 2 that wait for room in the session's window, first in, first out.
 *
 *     deliver ──> [ queue: waits, bounded ] ──> [ window: sent, not acknowledged ] ──> gone
 *
 * A full queue takes nothing more: what is promised first is kept.
 */
export class MessageQueue {
  readonly #bounds: MessageQueueBounds;
  #entries: Outgoing[] = NONE;
  /** Entries before this one are gone; they are cut off when they are half of the array. */
  #head = 0;
  #bytes = 0;

  constructor(bounds: MessageQueueBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#entries.length - this.#head;
  }

  hasRoom({ size: bytes }: Message): boolean {
    const { messagesMax, bytesMax, budget } = this.#bounds;
    return this.size < messagesMax && this.#bytes + bytes <= bytesMax && budget.hasRoom(bytes);
  }

  /** The limit because of which it has no room for the message. */
  fullBy({ size: bytes }: Message): "queueMessagesMax" | "queueBytesMax" | "queueTotalBytesMax" {
    const { messagesMax, bytesMax } = this.#bounds;
    if (this.size >= messagesMax) return "queueMessagesMax";
    return this.#bytes + bytes > bytesMax ? "queueBytesMax" : "queueTotalBytesMax";
  }

  push(outgoing: Outgoing): boolean {
    if (!this.hasRoom(outgoing.message)) return false;
    this.restore(outgoing);
    return true;
  }

  /** Takes what the store has kept, whatever the bounds are today. */
  restore(outgoing: Outgoing): void {
    if (this.#entries === NONE) this.#entries = [];
    this.#entries.push(outgoing);
    this.#bytes += outgoing.message.size;
    this.#bounds.budget.take(outgoing.message.size);
  }

  peek(): Outgoing | undefined {
    return this.#entries[this.#head];
  }

  shift(): Outgoing | undefined {
    const outgoing = this.#entries[this.#head];
    if (!outgoing) return undefined;
    this.#head++;
    this.#release(outgoing.message.size);
    if (this.#head === this.#entries.length) {
      this.#entries = NONE;
      this.#head = 0;
    } else if (this.#head >= 32 && this.#head * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return outgoing;
  }

  *[Symbol.iterator](): Generator<Outgoing> {
    for (let index = this.#head; index < this.#entries.length; index++) yield this.#entries[index]!;
  }

  /** Takes everything out, in its order. */
  drain(): Outgoing[] {
    const waiting = this.#entries.slice(this.#head);
    this.clear();
    return waiting;
  }

  clear(): void {
    this.#entries = NONE;
    this.#head = 0;
    this.#release(this.#bytes);
  }

  #release(bytes: number): void {
    this.#bytes -= bytes;
    this.#bounds.budget.give(bytes);
  }
}
