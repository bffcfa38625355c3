import type { ByteBudget } from "../core/byte_budget.ts";
import type { Log } from "../core/log.ts";
import { sizeOf } from "../core/message.ts";
import type { Publication } from "../core/outcome.ts";
import { isStoreRefusal } from "../core/refusal.ts";
import type { Counters } from "../metrics/counters.ts";
import type { PublishWill, Will } from "./will.ts";

export interface WillPublisherInit {
  readonly publish: PublishWill;
  /** That all messages which wait share. */
  readonly budget: ByteBudget;
  readonly counters: Counters;
  readonly log: Log;
}

/**
 * Publishes wills. One that the store cannot take when its time comes waits until it can: nobody is left who could try
 * again. Those that wait take their room from the budget of all queues; what finds none is lost, counted and logged.
 */
export class WillPublisher {
  readonly #init: WillPublisherInit;
  #waiting: { readonly will: Will; readonly bytes: number }[] = [];

  constructor(init: WillPublisherInit) {
    this.#init = init;
  }

  fire(will: Will): void {
    const topic = will.draft?.topic;
    const publication = this.#publish(will);
    if (!publication || publication.accepted) return;
    const { refusal } = publication;
    if (isStoreRefusal(refusal) && this.#keep(will)) return;
    this.#init.counters.willsFailed++;
    this.#init.log.warn("will-refused", { topic, refusal });
  }

  /** Publishes those that wait, the oldest first. */
  fireWaiting(max: number): void {
    for (const { will, bytes } of this.#waiting.splice(0, max)) {
      this.#init.budget.give(bytes);
      this.fire(will);
    }
  }

  /** The process ends: those that wait are lost. */
  giveUp(): void {
    const count = this.#waiting.length;
    if (count === 0) return;
    for (const { bytes } of this.#waiting.splice(0)) this.#init.budget.give(bytes);
    this.#init.counters.willsFailed += count;
    this.#init.log.warn("wills-lost", { count });
  }

  /** Whoever ends a connection or session (a timer, another connection) has no part in what goes wrong with its will. */
  #publish(will: Will): Publication | undefined {
    try {
      return will.fire(this.#init.publish);
    } catch (error) {
      this.#init.counters.willsFailed++;
      const detail = error instanceof Error ? error.stack ?? error.message : String(error);
      this.#init.log.error("will-failed", { detail });
      return undefined;
    }
  }

  #keep(will: Will): boolean {
    const bytes = will.draft ? sizeOf(will.draft) : 0;
    if (!this.#init.budget.hasRoom(bytes)) {
      this.#init.counters.met("queueTotalBytesMax");
      return false;
    }
    this.#init.budget.take(bytes);
    this.#waiting.push({ will, bytes });
    return true;
  }
}
