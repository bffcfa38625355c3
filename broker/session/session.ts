import type { Identity } from "../core/identity.ts";
import type { Message } from "../core/message.ts";
import type { Delivery, Readiness, Subscriber, Subscription } from "../core/subscriber.ts";
import type { QoS } from "../packet/types.ts";
import { InboundFlows } from "./inflight.ts";
import type { Outgoing } from "./message_queue.ts";
import { OutboundMessages, type OutboundOwner } from "./outbound_messages.ts";
import type { SessionJournal } from "./session_journal.ts";
import type { Outlet, SessionInit, SessionPorts } from "./session_ports.ts";

/** What a session without subscriptions has instead of a table of its own. Never added to. */
const NO_SUBSCRIPTIONS: ReadonlyMap<string, Subscription> = new Map();

/**
 * What the broker keeps for one client identifier, with or without a connection: subscriptions, the messages under way
 * in both directions and those that wait.
 */
export class Session implements Subscriber, OutboundOwner {
  readonly id: string;
  expirySeconds: number;
  /** What the session gets is what this identity may receive. */
  identity: Identity;
  /** Tells the store; undefined for a session that ends with its connection, or with the process. */
  journal: SessionJournal | undefined;
  readonly outbound: OutboundMessages;
  readonly #inbound: InboundFlows;
  #subscriptions = NO_SUBSCRIPTIONS as Map<string, Subscription>;

  constructor(ports: SessionPorts, { clientId, identity, expirySeconds }: SessionInit) {
    this.id = clientId;
    this.expirySeconds = expirySeconds;
    this.identity = identity;
    this.#inbound = new InboundFlows(ports.limits.inboundQos2Max);
    this.outbound = new OutboundMessages(this, ports);
  }

  get isKept(): boolean {
    return this.journal !== undefined;
  }

  /** False: the session ends with its connection. */
  get isPersistent(): boolean {
    return this.expirySeconds > 0;
  }

  /** By filter. */
  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.#subscriptions;
  }

  /**
   * Remembers a subscription that the broker granted, in the place of an earlier one for the same filter.
   *
   * @param hasBacklog retained messages are to be sent for it
   */
  addSubscription(subscription: Subscription, hasBacklog: boolean): void {
    this.restoreSubscription(subscription);
    this.journal?.subscribed(subscription, hasBacklog);
  }

  restoreSubscription(subscription: Subscription): void {
    if (this.#subscriptions === NO_SUBSCRIPTIONS) this.#subscriptions = new Map();
    this.#subscriptions.set(subscription.filter, subscription);
  }

  /** Forgets a subscription; false if there is none for exactly this filter. */
  removeSubscription(filter: string): boolean {
    this.outbound.dropBacklog(filter);
    if (!this.#subscriptions.delete(filter)) return false;
    this.journal?.unsubscribed(filter);
    return true;
  }

  /** A QoS 2 message of the client begins, unless it is a repetition. */
  beginInbound(packetId: number): "new" | "duplicate" | "full" {
    const outcome = this.#inbound.begin(packetId);
    if (outcome === "new") this.journal?.inboundBegun(packetId);
    return outcome;
  }

  /** PUBREL came; false for an identifier that was not open. */
  releaseInbound(packetId: number): boolean {
    const isKnown = this.#inbound.release(packetId);
    if (isKnown) this.journal?.inboundReleased(packetId);
    return isKnown;
  }

  restoreInbound(packetId: number): void {
    this.#inbound.restore(packetId);
  }

  get isConnected(): boolean {
    return this.outbound.outlet !== undefined;
  }

  /** Gives the session a connection. Nothing is sent yet: CONNACK comes first. [MQTT-3.2.0-1] */
  attach(outlet: Outlet): void {
    this.takeOver();
    this.outbound.attach(outlet);
  }

  /** Does not outlive its connection any more: the store forgets it. */
  leaveStore(): void {
    this.journal?.end([...this.outbound.deliveries()]);
    this.journal = undefined;
  }

  /** Ends the session's connection, if it has one, for the sake of a newer one. [MQTT-3.1.4-2] */
  takeOver(): void {
    this.outbound.outlet?.takenOver();
  }

  /** Takes the connection away; false if it is not, or no longer, this session's. */
  detach(outlet: Outlet): boolean {
    if (this.outbound.outlet !== outlet) return false;
    this.outbound.detach();
    return true;
  }

  /**
   * Ends the session: what it held is let go, and nothing is taken any more.
   *
   * @returns what other members of shared subscriptions should get instead: at QoS 1 all that was not acknowledged, at
   * QoS 2 only what was never sent, since the client may have it [MQTT5-4.8.2-5]
   */
  end(): Outgoing[] {
    this.leaveStore();
    this.#subscriptions = NO_SUBSCRIPTIONS as Map<string, Subscription>;
    return this.outbound.end().filter(({ sharedFilter }) => sharedFilter !== undefined);
  }

  /** First sent, whatever DUP the publisher set. [MQTT-3.3.1-3] [MQTT5-3.3.1-3] */
  deliver(message: Message, subscription: Subscription): Delivery {
    const qos = qosOf(message, subscription);
    const sharedFilter = subscription.isShared ? subscription.filter : undefined;
    const retain = subscription.retainAsPublished && message.retain;
    const { identifiers } = subscription; // [MQTT5-3.3.4-5]
    return this.outbound.offer({ message, qos, retain, identifiers, sharedFilter, deliveryId: 0 }); // [MQTT-3.3.1-9]
  }

  readiness(message: Message, subscription: Subscription): Readiness {
    return this.outbound.readiness(message, qosOf(message, subscription));
  }
}

/** The lower of what the message has and what was granted. [MQTT-3.8.4-6] [MQTT5-3.8.4-8] [MQTT5-4.8.2-3] */
function qosOf(message: Message, subscription: Subscription): QoS {
  return message.qos < subscription.qos ? message.qos : subscription.qos;
}
