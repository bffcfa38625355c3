import { type Identity, keptOf } from "../core/identity.ts";
import type { Message } from "../core/message.ts";
import type { Subscription } from "../core/subscriber.ts";
import type { Journal } from "../store/journal.ts";
import type { OutboundFlow } from "./inflight.ts";
import type { Outgoing } from "./message_queue.ts";
import type { Will } from "./will.ts";

/** A delivery as the store knows it: waiting, under way, or only to be completed. */
type Delivery = Outgoing | OutboundFlow;

/**
 * What the store is told of one session. Only a session that outlives its connection has one, and only where there is a
 * store that outlives the process.
 */
export class SessionJournal {
  readonly #journal: Journal;
  readonly #sessionId: number;

  constructor(journal: Journal, sessionId: number) {
    this.#journal = journal;
    this.#sessionId = sessionId;
  }

  /** @param expiresAt in milliseconds since 1970; Infinity while somebody is connected */
  put(session: { id: string; identity: Identity; expirySeconds: number }, expiresAt: number): void {
    const { id: clientId, expirySeconds } = session;
    const identity = keptOf(session.identity);
    this.#journal.sessionPut({ sessionId: this.#sessionId, clientId, identity, expirySeconds, expiresAt });
  }

  /** The session has ended, or does not outlive its connection any more. */
  end(deliveries: readonly Delivery[]): void {
    const kept = deliveries.filter(({ deliveryId }) => deliveryId > 0);
    this.#journal.sessionDeleted(
      this.#sessionId,
      kept.map((delivery) => [delivery.deliveryId, messageOf(delivery)]),
    );
    for (const delivery of kept) delivery.deliveryId = 0;
  }

  subscribed(subscription: Subscription, hasBacklog: boolean): void {
    this.#journal.subscriptionPut(this.#sessionId, subscription, hasBacklog);
  }

  unsubscribed(filter: string): void {
    this.#journal.subscriptionDeleted(this.#sessionId, filter);
  }

  /** The message waits for room in the window. */
  queued(outgoing: Outgoing): void {
    outgoing.deliveryId = this.#journal.deliveryPut(this.#sessionId, outgoing, 0);
  }

  /** The message is under way. */
  sent(outgoing: Outgoing, packetId: number): void {
    if (outgoing.deliveryId > 0) this.#journal.deliverySent(outgoing.deliveryId, packetId);
    else outgoing.deliveryId = this.#journal.deliveryPut(this.#sessionId, outgoing, packetId);
  }

  /** PUBREC came. */
  released(flow: Outgoing, packetId: number): number {
    if (flow.deliveryId === 0) return 0;
    return this.#journal.deliveryReleased(flow.deliveryId, this.#sessionId, packetId, flow.message);
  }

  /** Nothing of the delivery is left to do. */
  done(delivery: Delivery): void {
    if (delivery.deliveryId > 0) this.#journal.deliveryDeleted(delivery.deliveryId, messageOf(delivery));
  }

  inboundBegun(packetId: number): void {
    this.#journal.inboundPut(this.#sessionId, packetId);
  }

  inboundReleased(packetId: number): void {
    this.#journal.inboundDeleted(this.#sessionId, packetId);
  }

  willWaits(will: Will, dueAt: number): void {
    if (will.draft) this.#journal.willPut(this.#sessionId, will.draft, dueAt);
  }

  willGone(): void {
    this.#journal.willDeleted(this.#sessionId);
  }
}

function messageOf(delivery: Delivery): Message | undefined {
  return "message" in delivery ? delivery.message : undefined;
}
