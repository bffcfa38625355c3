import type { Features } from "./core/features.ts";
import type { Identity } from "./core/identity.ts";
import type { Message } from "./core/message.ts";
import type { RetainedStore } from "./core/retained_store.ts";
import type { Subscriber } from "./core/subscriber.ts";
import type { RetainedSource } from "./session/retained_backlog.ts";

/** Messages looked at that are not for somebody before others may have a turn. */
const SKIPPED_MAX = 2_000;

/** The retained messages as somebody may see them: one rule for who subscribes, who reads and who lists. */
export class RetainedMessages {
  readonly #store: RetainedStore;
  readonly #features: Features;
  readonly #lastSequence: () => number;

  /** @param lastSequence of the newest message */
  constructor(store: RetainedStore, features: Features, lastSequence: () => number) {
    this.#store = store;
    this.#features = features;
    this.#lastSequence = lastSequence;
  }

  get size(): number {
    return this.#store.size;
  }

  get bytes(): number {
    return this.#store.bytes;
  }

  /** The topic's message, if there is one that the identity may receive. */
  get(identity: Identity, topic: string): Message | undefined {
    return this.#canReceive(identity, topic) ? this.#store.get(topic) : undefined;
  }

  /**
   * The messages of a filter that the identity may receive, one by one as they are asked for: other things may happen
   * between two of them. Newer ones than `until` are left out: who subscribed then has had them live. Undefined comes where
   * much was looked at in vain, and others should have a turn.
   */
  *matching(
    identity: Identity,
    filter: string,
    until: number = this.#lastSequence(),
  ): Generator<Message | undefined> {
    let skippedCount = 0;
    for (const message of this.#store.match(filter)) {
      if (!message) yield undefined;
      else if (message.sequence <= until && this.#canReceive(identity, message.topic)) yield message;
      else if (++skippedCount % SKIPPED_MAX === 0) yield undefined;
    }
  }

  /** What a new subscription begins with: those of this moment. */
  source(subscriber: Subscriber, filter: string): RetainedSource {
    const until = this.#lastSequence();
    return {
      walk: () => this.#subscribed(subscriber, filter, until),
      isCurrent: (message) =>
        this.get(subscriber.identity, message.topic) === message &&
        subscriber.identity.can("subscribe", filter),
    };
  }

  /** As `matching`, while the right to the subscription lasts. */
  *#subscribed(subscriber: Subscriber, filter: string, until: number): Generator<Message | undefined> {
    let skippedCount = 0;
    for (const message of this.matching(subscriber.identity, filter, until)) {
      if (subscriber.identity.can("subscribe", filter)) yield message;
      else if (++skippedCount % SKIPPED_MAX === 0) yield undefined;
    }
  }

  /**
   * The messages of a filter that the identity may receive, in the order of `RetainedTree.inOrder`, after a topic. Other
   * things may happen where undefined comes, but not between two messages.
   */
  *inOrder(identity: Identity, filter: string, after?: string): Generator<Message | undefined> {
    for (const message of this.#store.inOrder(filter, after)) {
      if (!message || this.#canReceive(identity, message.topic)) yield message;
    }
  }

  /** The router asks the same for live ones. Where nothing is retained any more, a store may still hold some. */
  #canReceive(identity: Identity, topic: string): boolean {
    return this.#features.retainAvailable && identity.can("receive", topic);
  }
}
