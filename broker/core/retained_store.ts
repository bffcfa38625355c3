import { RetainedTree } from "../topic/retained_tree.ts";
import type { Clock } from "./clock.ts";
import type { Limits } from "./limits.ts";
import { type Message, type MessageDraft, sizeOf } from "./message.ts";

/** Who writes down what becomes of retained messages. */
export interface RetainedJournal {
  /** @param previous what the topic had before */
  retainedPut(message: Message, previous: Message | undefined): void;
  retainedDeleted(message: Message): void;
  /** There is nothing to delete. */
  retainedMissing(): void;
}

/** What one level of a topic costs in the tree: a topic of 200 levels is far larger than its name. */
const NODE_BYTES = 110;

/**
 * The last retained message of every topic, within bounds of count and bytes; an expired one is gone. They are nobody's:
 * whatever session ends, they stay. [MQTT-3.1.2-7]
 */
export class RetainedStore {
  readonly #tree = new RetainedTree<Message>();
  readonly #expiries = new Map<string, () => void>();
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #journal: RetainedJournal | undefined;
  #bytes = 0;

  constructor(limits: Limits, clock: Clock, journal?: RetainedJournal) {
    this.#limits = limits;
    this.#clock = clock;
    this.#journal = journal;
  }

  get size(): number {
    return this.#tree.size;
  }

  get bytes(): number {
    return this.#bytes + this.#tree.nodeCount * NODE_BYTES;
  }

  /** The limit that does not let the message be put; clearing and replacing by something no larger always can. */
  fullBy(draft: MessageDraft): "retainedMax" | "retainedBytesMax" | undefined {
    if (draft.payload.length === 0) return undefined;
    const previous = this.#tree.get(draft.topic);
    if (!previous && this.#tree.size >= this.#limits.retainedMax) return "retainedMax";
    const growth = sizeOf(draft) + (previous ? -previous.size : levelBytes(draft.topic));
    const fits = growth <= 0 || this.bytes + growth <= this.#limits.retainedBytesMax;
    return fits ? undefined : "retainedBytesMax";
  }

  put(message: Message): void {
    const previous = this.restore(message);
    if (isKept(message)) this.#journal?.retainedPut(message, previous);
  }

  /** Puts back a message that the store has kept; answers the one that it replaced. */
  restore(message: Message): Message | undefined {
    const previous = this.#tree.put(message.topic, message);
    this.#letGo(previous);
    this.#bytes += message.size;
    if (message.expiresAt !== Infinity) {
      const delay = message.expiresAt - this.#clock.now();
      this.#expiries.set(message.topic, this.#clock.after(delay, () => this.#expire(message)));
    }
    return previous;
  }

  clear(topic: string): void {
    const previous = this.#tree.delete(topic);
    if (!previous) return this.#journal?.retainedMissing();
    this.#letGo(previous);
    if (isKept(previous)) this.#journal?.retainedDeleted(previous);
  }

  /** Waits for no expiry any more. */
  close(): void {
    for (const cancel of this.#expiries.values()) cancel();
    this.#expiries.clear();
  }

  get(topic: string): Message | undefined {
    const message = this.#tree.get(topic);
    return message && this.#isAlive(message) ? message : undefined;
  }

  /** As `RetainedTree.match`, undefined included. */
  *match(filter: string): Generator<Message | undefined> {
    for (const message of this.#tree.match(filter)) if (!message || this.#isAlive(message)) yield message;
  }

  /** As `RetainedTree.inOrder`, undefined included. */
  *inOrder(filter: string, after?: string): Generator<Message | undefined> {
    for (const message of this.#tree.inOrder(filter, after)) {
      if (!message || this.#isAlive(message)) yield message;
    }
  }

  #letGo(previous: Message | undefined): void {
    if (!previous) return;
    this.#bytes -= previous.size;
    if (previous.expiresAt === Infinity) return;
    this.#expiries.get(previous.topic)?.();
    this.#expiries.delete(previous.topic);
  }

  #isAlive(message: Message): boolean {
    return message.expiresAt > this.#clock.now();
  }

  /** A timer may come early, or cannot wait for as long as an expiry can be. */
  #expire(message: Message): void {
    if (this.#tree.get(message.topic) !== message) return;
    const left = message.expiresAt - this.#clock.now();
    if (left <= 0) this.clear(message.topic);
    else this.#expiries.set(message.topic, this.#clock.after(left, () => this.#expire(message)));
  }
}

/** What the broker says of itself every few seconds is not worth the disk. */
function isKept({ topic }: Message): boolean {
  return !topic.startsWith("$");
}

/** What a topic adds to the tree at most. */
function levelBytes(topic: string): number {
  return topic.split("/").length * NODE_BYTES;
}
