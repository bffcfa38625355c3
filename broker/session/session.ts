import type { Identity } from "../core/identity.ts";
import type { Message } from "../core/message.ts";
import type { Delivery, Readiness, Subscriber, Subscription } from "../core/subscriber.ts";
import type { QoS } from "../packet/types.ts";
import { type FlowOutcome, InboundFlows, type OutboundFlow, OutboundFlows } from "./inflight.ts";
import { MessageQueue, type Outgoing, sizeOnWire } from "./message_queue.ts";
import { RetainedBacklogs, type RetainedSource } from "./retained_backlog.ts";
import type { SessionJournal } from "./session_journal.ts";
import type { Outlet, SessionInit, SessionPorts } from "./session_ports.ts";

/** What a session without subscriptions has instead of a table of its own. Never added to. */
const NO_SUBSCRIPTIONS: ReadonlyMap<string, Subscription> = new Map();

/** What a session has that owes no PUBREL. Never added to. */
const NO_IDS: Set<number> = new Set();

/** What a session has that sends nothing again. Never pushed to. */
const NONE: [packetId: number, flow: OutboundFlow][] = [];

/**
 * What the broker keeps for one client identifier, with or without a connection: subscriptions, the messages under way
 * in both directions and those that wait.
 */
export class Session implements Subscriber {
  readonly id: string;
  expirySeconds: number;
  /** Tells the store; undefined for a session that ends with its connection, or with the process. */
  journal: SessionJournal | undefined;
  readonly #inbound: InboundFlows;
  readonly #outbound: OutboundFlows;
  readonly #queue: MessageQueue;
  readonly #backlogs = new RetainedBacklogs();
  readonly #ports: SessionPorts;
  #subscriptions = NO_SUBSCRIPTIONS as Map<string, Subscription>;
  /** What this connection must still be sent again, the next one at the end; new messages wait behind it. */
  #resending = NONE;
  /** Flows sent on this connection and not yet over: what the client's Receive Maximum counts. [MQTT5-3.3.4-9] */
  #sentCount = 0;
  /** Messages of which PUBREC came while the store could not be told: their PUBREL is still to be sent. */
  #unreleased = NO_IDS;
  #identity: Identity;
  #outlet: Outlet | undefined;
  #hasEnded = false;

  constructor(ports: SessionPorts, { clientId, identity, expirySeconds }: SessionInit) {
    const { limits, queueBounds } = ports;
    this.#ports = ports;
    this.id = clientId;
    this.expirySeconds = expirySeconds;
    this.#identity = identity;
    this.#inbound = new InboundFlows(limits.inboundQos2Max);
    this.#outbound = new OutboundFlows(limits.inflightMax, limits.inflightBytesMax);
    this.#queue = new MessageQueue(queueBounds);
  }

  get identity(): Identity {
    return this.#identity;
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
    this.#backlogs.drop(filter);
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

  /** Puts back a message that waited when the process ended. */
  restoreWaiting(outgoing: Outgoing): void {
    outgoing.message.keep();
    this.#queue.restore(outgoing);
  }

  /** Puts back a message that was under way when the process ended. */
  restoreFlow(packetId: number, flow: OutboundFlow): void {
    this.#outbound.restore(packetId, flow);
  }

  get isConnected(): boolean {
    return this.#outlet !== undefined;
  }

  /** Messages that wait or are under way to the client. */
  get pendingCount(): number {
    return this.#queue.size + this.#outbound.size;
  }

  /** Gives the session a connection. Nothing is sent yet: CONNACK comes first. [MQTT-3.2.0-1] */
  attach(outlet: Outlet, identity: Identity): void {
    this.takeOver();
    this.#outlet = outlet;
    this.#identity = identity;
    this.#sentCount = 0;
    this.#unreleased = NO_IDS;
  }

  /** Does not outlive its connection any more: the store forgets it. */
  leaveStore(): void {
    this.journal?.end([...this.#outbound.entries().map(([, flow]) => flow), ...this.#queue]);
    this.journal = undefined;
  }

  /** Ends the session's connection, if it has one, for the sake of a newer one. [MQTT-3.1.4-2] */
  takeOver(): void {
    this.#outlet?.takenOver();
  }

  /** Takes the connection away; false if it is not, or no longer, this session's. */
  detach(outlet: Outlet): boolean {
    if (this.#outlet !== outlet) return false;
    this.#outlet = undefined;
    this.compact();
    this.#resending = NONE;
    this.#backlogs.rewind();
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
    this.#hasEnded = true;
    this.#backlogs.clear();
    this.#subscriptions = NO_SUBSCRIPTIONS as Map<string, Subscription>;
    const underWay = this.#outbound.entries().map(([, flow]) => flow)
      .filter((flow) => flow.step === "published" && flow.qos === 1) as Outgoing[];
    return [...underWay, ...this.#queue.drain()].filter(({ sharedFilter }) => sharedFilter !== undefined);
  }

  /** After CONNACK: re-sends what was under way, in its order, then goes on with what waits. [MQTT-4.4.0-1] */
  resume(): void {
    const flows = this.#outbound.entries();
    if (this.#outlet && flows.length > this.#outlet.receiveMaximum) { // No PUBREL waits for quota. [MQTT5-3.3.4-10]
      flows.sort(([, one], [, other]) => Number(other.step === "released") - Number(one.step === "released"));
    }
    this.#resending = flows.reverse();
    this.pump();
  }

  /** First sent, whatever DUP the publisher set. [MQTT-3.3.1-3] */
  deliver(message: Message, subscription: Subscription): Delivery {
    const qos = message.qos < subscription.qos ? message.qos : subscription.qos; // [MQTT-3.8.4-6]
    const sharedFilter = subscription.isShared ? subscription.filter : undefined;
    const retain = subscription.retainAsPublished && message.retain;
    const { identifiers } = subscription;
    return this.#offer({ message, qos, retain, identifiers, sharedFilter, deliveryId: 0 }); // [MQTT-3.3.1-9]
  }

  readiness(message: Message, subscription: Subscription): Readiness {
    const qos = message.qos < subscription.qos ? message.qos : subscription.qos;
    const hasNothingWaiting = this.#queue.size === 0 && this.#resending.length === 0;
    if (hasNothingWaiting && this.#canSend(message, qos)) return "now";
    return qos > 0 && !this.#hasEnded && this.#queue.hasRoom(message) ? "later" : "no";
  }

  /** Sends the retained messages of a new subscription, as fast as the client takes them. */
  deliverRetained(subscription: Subscription, source: RetainedSource): void {
    this.#backlogs.add(subscription, source);
    this.pump();
  }

  acknowledge(packetId: number): FlowOutcome {
    const flow = this.#keptFlow(packetId);
    return this.#flowOver(this.#outbound.acknowledge(packetId), flow);
  }

  /** The client does not take a QoS 2 message: its flow is over. */
  reject(packetId: number): FlowOutcome {
    const flow = this.#keptFlow(packetId);
    return this.#flowOver(this.#outbound.reject(packetId), flow);
  }

  /** PUBREC came: PUBREL is what follows. */
  release(packetId: number): FlowOutcome {
    const flow = this.#keptFlow(packetId);
    const outcome = this.#outbound.release(packetId);
    if (outcome === "done" && flow?.step === "published") {
      this.#outbound.get(packetId)!.deliveryId = this.journal!.released(flow, packetId);
    }
    return outcome;
  }

  /** PUBREL is sent: at once, unless the store would have to know first and cannot. */
  sendPubrel(packetId: number): void {
    if (!this.#isStoreFailing) return this.#outlet?.sendPubrel(packetId);
    if (this.#unreleased === NO_IDS) this.#unreleased = new Set();
    this.#unreleased.add(packetId);
  }

  complete(packetId: number): FlowOutcome {
    const flow = this.#keptFlow(packetId);
    return this.#flowOver(this.#outbound.complete(packetId), flow);
  }

  /** The store can be told again: goes on with what waited for that. */
  storeRecovered(): void {
    const unreleased = this.#unreleased;
    this.#unreleased = NO_IDS;
    for (const packetId of unreleased) this.#outlet?.sendPubrel(packetId);
    this.pump();
  }

  /** Sends what waits, as far as window and outbox have room. Called when either may have got some. */
  pump(): void {
    if (!this.#resend()) return;
    for (;;) {
      const next = this.#queue.peek();
      if (!next || !this.#canSend(next.message, next.qos)) break;
      this.#queue.shift();
      if (this.#isWanted(next)) this.#send(next);
      else this.journal?.done(next);
    }
    for (
      let backlog = this.#backlogs.first;
      backlog && this.#queue.size === 0;
      backlog = this.#backlogs.first
    ) {
      const outgoing = backlog.peek(this.#ports.now());
      if (!outgoing) this.#endBacklog(backlog.filter);
      else if (this.#outlet?.isNearlyIdle && this.#canSend(outgoing.message, outgoing.qos)) {
        backlog.shift();
        if (this.#isWanted(outgoing)) this.#send(outgoing);
      } else break;
    }
  }

  /**
   * Copies what is under way out of the chunks that it was read in. Most messages are acknowledged before anybody comes
   * to ask, so not doing it when they are sent saves a copy of each.
   */
  compact(): void {
    this.#outbound.compact();
  }

  #offer(outgoing: Outgoing): Delivery {
    if (this.#hasEnded) return "dropped:offline";
    const { message, qos } = outgoing;
    if (qos === 0) {
      if (!this.#outlet) return "dropped:offline";
      if (!this.#outlet.hasRoom(sizeOnWire(message))) return "dropped:full";
      if (!this.#outlet.fits(outgoing)) return "dropped:too-large"; // [MQTT5-3.1.2-24]
      this.#outlet.sendPublish(outgoing, 0, false); // [MQTT-4.3.1-1]
      return "queued";
    }
    if (this.#outlet && !this.#outlet.fits(outgoing)) return "dropped:too-large"; // [MQTT5-3.1.2-25]
    const isFirst = this.#queue.size === 0 && this.#resending.length === 0;
    if (isFirst && this.#canSend(message, qos)) this.#send(outgoing); // [MQTT-4.6.0-6]
    else if (this.#queue.push(outgoing)) this.#wait(outgoing); // [MQTT-3.1.2-5] [MQTT-4.5.0-1]
    else return "dropped:full";
    return "queued";
  }

  #wait(outgoing: Outgoing): void {
    outgoing.message.keep();
    this.journal?.queued(outgoing);
  }

  /** Whether the store would have to be told, and cannot. */
  get #isStoreFailing(): boolean {
    return this.journal !== undefined && this.#ports.isStoreFailing();
  }

  /** The flow, if the store has it. */
  #keptFlow(packetId: number): OutboundFlow | undefined {
    return this.journal && this.#outbound.get(packetId);
  }

  #endBacklog(filter: string): void {
    this.#backlogs.drop(filter);
    const subscription = this.#subscriptions.get(filter);
    if (subscription) this.journal?.subscribed(subscription, false);
  }

  #flowOver(outcome: FlowOutcome, flow: OutboundFlow | undefined): FlowOutcome {
    if (outcome !== "done") return outcome;
    if (flow) this.journal?.done(flow);
    if (this.#sentCount > 0) this.#sentCount--;
    this.pump();
    return outcome;
  }

  /** Goes on with what must be sent again; true when nothing is left of it. */
  #resend(): boolean {
    const outlet = this.#outlet;
    for (let next = this.#resending.at(-1); outlet && next; next = this.#resending.at(-1)) {
      const [packetId, flow] = next;
      if (this.#outbound.get(packetId) === flow) { // Not acknowledged meanwhile
        const isPublish = flow.step === "published";
        if (isPublish && !this.#isAllowed(flow)) this.#drop(packetId, flow);
        else if ((!isPublish || flow.qos === 2) && this.#isStoreFailing) return false;
        else if (isPublish && this.#sentCount >= outlet.receiveMaximum) return false;
        else if (!this.#resendFlow(outlet, packetId, flow)) return false;
      }
      this.#resending.pop();
    }
    return true;
  }

  #drop(packetId: number, flow: OutboundFlow): void {
    this.#outbound.drop(packetId);
    this.journal?.done(flow);
  }

  /** False if the outbox has no room now. */
  #resendFlow(outlet: Outlet, packetId: number, flow: OutboundFlow): boolean {
    if (flow.step === "released") outlet.sendPubrel(packetId);
    else if (outlet.hasRoom(sizeOnWire(flow.message))) outlet.sendPublish(flow, packetId, true); // [MQTT-3.3.1-1]
    else return false;
    this.#sentCount++;
    return true;
  }

  /** Asks again what was asked when the message came: while it waited, it may have expired or the right to it gone. */
  #isWanted(outgoing: Outgoing): boolean {
    if (outgoing.message.expiresAt > this.#ports.now()) return this.#isAllowed(outgoing); // [MQTT5-3.3.2-5]
    this.#ports.counters.deliveries["dropped:expired"]++;
    return false;
  }

  /** All that is asked of one that was sent before: it does not expire any more. [MQTT5-4.3.3-7] */
  #isAllowed(outgoing: Outgoing): boolean {
    const { deliveries } = this.#ports.counters;
    if (!this.#identity.can("receive", outgoing.message.topic)) deliveries["dropped:denied"]++;
    else if (this.#outlet && !this.#outlet.fits(outgoing)) deliveries["dropped:too-large"]++;
    else return true;
    return false;
  }

  #canSend(message: Message, qos: QoS): boolean {
    const outlet = this.#outlet;
    if (!outlet) return false;
    // Sent before it is on the disk, a QoS 2 message could come a second time after a crash.
    if (qos === 2 && this.#isStoreFailing) return false;
    const hasWindow = qos === 0 ||
      (this.#sentCount < outlet.receiveMaximum && this.#outbound.hasRoom(message)); // [MQTT5-3.3.4-9]
    return hasWindow && outlet.hasRoom(sizeOnWire(message));
  }

  #send(outgoing: Outgoing): void {
    if (outgoing.qos === 0) return this.#outlet!.sendPublish(outgoing, 0, false);
    this.#sentCount++;
    const packetId = this.#outbound.begin(outgoing);
    if (this.journal) {
      this.journal.sent(outgoing, packetId);
      this.#outbound.get(packetId)!.deliveryId = outgoing.deliveryId;
    }
    this.#outlet!.sendPublish(outgoing, packetId, false); // [MQTT-4.3.2-1]
  }
}
