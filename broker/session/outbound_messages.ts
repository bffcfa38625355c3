import type { Identity } from "../core/identity.ts";
import type { Message } from "../core/message.ts";
import type { Delivery, Readiness, Subscription } from "../core/subscriber.ts";
import type { QoS } from "../packet/types.ts";
import { type FlowOutcome, type OutboundFlow, OutboundFlows } from "./inflight.ts";
import { MessageQueue, type Outgoing, sizeOnWire } from "./message_queue.ts";
import { RetainedBacklogs, type RetainedSource } from "./retained_backlog.ts";
import type { SessionJournal } from "./session_journal.ts";
import type { Outlet, SessionPorts } from "./session_ports.ts";

/** The session that the messages are for. */
export interface OutboundOwner {
  readonly identity: Identity;
  readonly journal: SessionJournal | undefined;
  readonly subscriptions: ReadonlyMap<string, Subscription>;
}

/** What a session has that owes no PUBREL. Never added to. */
const NO_IDS: Set<number> = new Set();

/** What a session has that sends nothing again. Never pushed to. */
const NONE: [packetId: number, flow: OutboundFlow][] = [];

/**
 * The messages on their way to one client, with or without a connection.
 *
 *     offer ──> [ queue ] ──> [ window: sent, not acknowledged ] ──> gone
 *                  backlogs ──────^ (retained messages of new subscriptions, when the queue is empty)
 *     after a reconnect: first what was in the window, again and in its order
 */
export class OutboundMessages {
  readonly #owner: OutboundOwner;
  readonly #ports: SessionPorts;
  readonly #window: OutboundFlows;
  readonly #queue: MessageQueue;
  readonly #backlogs = new RetainedBacklogs();
  /** What this connection must still be sent again, the next one at the end; new messages wait behind it. */
  #resending = NONE;
  /** Flows sent on this connection and not yet over: what the client's Receive Maximum counts. [MQTT5-3.3.4-9] */
  #sentCount = 0;
  /** Messages of which PUBREC came while the store could not be told: their PUBREL is still to be sent. */
  #unreleased = NO_IDS;
  #outlet: Outlet | undefined;
  #hasEnded = false;

  constructor(owner: OutboundOwner, ports: SessionPorts) {
    const { limits, queueBounds } = ports;
    this.#owner = owner;
    this.#ports = ports;
    this.#window = new OutboundFlows(limits.inflightMax, limits.inflightBytesMax);
    this.#queue = new MessageQueue(queueBounds);
  }

  get outlet(): Outlet | undefined {
    return this.#outlet;
  }

  /** Messages that wait or are under way. */
  get pendingCount(): number {
    return this.#queue.size + this.#window.size;
  }

  /** From now on there is a connection. Nothing is sent before `resume`. */
  attach(outlet: Outlet): void {
    this.#outlet = outlet;
    this.#sentCount = 0;
    this.#unreleased = NO_IDS;
  }

  detach(): void {
    this.#outlet = undefined;
    this.compact();
    this.#resending = NONE;
    this.#backlogs.rewind();
  }

  /** Takes nothing any more; answers what was never acknowledged at QoS 1 and what was never sent. */
  end(): Outgoing[] {
    this.#hasEnded = true;
    this.#backlogs.clear();
    const underWay = this.#window.entries().map(([, flow]) => flow)
      .filter((flow) => flow.step === "published" && flow.qos === 1) as Outgoing[];
    return [...underWay, ...this.#queue.drain()];
  }

  /** All that is under way, then all that waits. */
  *deliveries(): Generator<Outgoing | OutboundFlow> {
    for (const [, flow] of this.#window.entries()) yield flow;
    yield* this.#queue;
  }

  /** Puts back a message that waited when the process ended. */
  restoreWaiting(outgoing: Outgoing): void {
    outgoing.message.keep();
    this.#queue.restore(outgoing);
  }

  /** Puts back a message that was under way when the process ended; false if there is one under its identifier. */
  restoreFlow(packetId: number, flow: OutboundFlow): boolean {
    return this.#window.restore(packetId, flow);
  }

  /** After CONNACK: re-sends what was under way, in its order, then goes on with what waits. [MQTT-4.4.0-1] [MQTT5-4.4.0-1] [MQTT5-4.8.2-4] */
  resume(): void {
    const flows = this.#window.entries();
    if (this.#outlet && flows.length > this.#outlet.receiveMaximum) { // No PUBREL waits for quota. [MQTT5-3.3.4-10] [MQTT5-4.9.0-3]
      flows.sort(([, one], [, other]) => Number(other.step === "released") - Number(one.step === "released"));
    }
    this.#resending = flows.reverse();
    this.pump();
  }

  /** Takes a message for the client: sends it, or has it wait, or says why not. */
  offer(outgoing: Outgoing): Delivery {
    if (this.#hasEnded) return "dropped:offline";
    const { message, qos } = outgoing;
    if (qos === 0) {
      if (!this.#outlet) return "dropped:offline";
      if (!this.#outlet.hasRoom(sizeOnWire(message))) return "dropped:full";
      if (!this.#outlet.fits(outgoing)) return "dropped:too-large"; // [MQTT5-3.1.2-24]
      this.#outlet.sendPublish(outgoing, 0, false); // [MQTT-4.3.1-1] [MQTT5-4.3.1-1]
      return "queued";
    }
    if (this.#outlet && !this.#outlet.fits(outgoing)) return "dropped:too-large"; // [MQTT5-3.1.2-25]
    const isFirst = this.#queue.size === 0 && this.#resending.length === 0;
    if (isFirst && this.#canSend(message, qos)) this.#send(outgoing); // [MQTT-4.6.0-6] [MQTT5-4.6.0-5]
    else if (this.#queue.push(outgoing)) this.#wait(outgoing, isFirst); // [MQTT-3.1.2-5] [MQTT-4.5.0-1] [MQTT5-4.5.0-1]
    else {
      this.#ports.counters.met(this.#queue.fullBy(message));
      return "dropped:full";
    }
    return "queued";
  }

  /** Whether it could be taken. */
  readiness(message: Message, qos: QoS): Readiness {
    const hasNothingWaiting = this.#queue.size === 0 && this.#resending.length === 0;
    if (hasNothingWaiting && this.#canSend(message, qos)) return "now";
    return qos > 0 && !this.#hasEnded && this.#queue.hasRoom(message) ? "later" : "no";
  }

  /** Forgets the retained messages of a subscription that were not sent yet. */
  dropBacklog(filter: string): void {
    this.#backlogs.drop(filter);
  }

  /** Sends the retained messages of a new subscription, as fast as the client takes them. */
  deliverRetained(subscription: Subscription, source: RetainedSource): void {
    this.#backlogs.add(subscription, source);
    this.pump();
  }

  acknowledge(packetId: number): FlowOutcome {
    const flow = this.#keptFlow(packetId);
    return this.#flowOver(this.#window.acknowledge(packetId), flow);
  }

  /** The client does not take a QoS 2 message: its flow is over. */
  reject(packetId: number): FlowOutcome {
    const flow = this.#keptFlow(packetId);
    return this.#flowOver(this.#window.reject(packetId), flow);
  }

  /** PUBREC came: PUBREL is what follows. */
  release(packetId: number): FlowOutcome {
    const flow = this.#keptFlow(packetId);
    const outcome = this.#window.release(packetId);
    if (outcome === "done" && flow?.step === "published") {
      this.#window.get(packetId)!.deliveryId = this.#owner.journal!.released(flow, packetId);
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
    return this.#flowOver(this.#window.complete(packetId), flow);
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
      else this.#owner.journal?.done(next);
    }
    for (
      let backlog = this.#backlogs.first;
      backlog && this.#queue.size === 0;
      backlog = this.#backlogs.first
    ) {
      const outgoing = backlog.peek(this.#ports.now());
      if (outgoing === "pause") return this.#outlet?.pumpLater();
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
    this.#window.compact();
  }

  /** @param isFirst nothing else waits: if the window is why, it has just become full */
  #wait(outgoing: Outgoing, isFirst: boolean): void {
    const full = isFirst && this.#outlet ? this.#window.fullBy(outgoing.message) : undefined;
    this.#ports.counters.met(full);
    outgoing.message.keep();
    this.#owner.journal?.queued(outgoing);
  }

  /** Whether the store would have to be told, and cannot. */
  get #isStoreFailing(): boolean {
    return this.#owner.journal !== undefined && this.#ports.isStoreFailing();
  }

  /** The flow, if the store has it. */
  #keptFlow(packetId: number): OutboundFlow | undefined {
    return this.#owner.journal && this.#window.get(packetId);
  }

  #endBacklog(filter: string): void {
    this.#backlogs.drop(filter);
    const subscription = this.#owner.subscriptions.get(filter);
    if (subscription) this.#owner.journal?.subscribed(subscription, false);
  }

  #flowOver(outcome: FlowOutcome, flow: OutboundFlow | undefined): FlowOutcome {
    if (outcome !== "done") return outcome;
    if (flow) this.#owner.journal?.done(flow);
    if (this.#sentCount > 0) this.#sentCount--;
    this.pump();
    return outcome;
  }

  /** Goes on with what must be sent again; true when nothing is left of it. */
  #resend(): boolean {
    const outlet = this.#outlet;
    for (let next = this.#resending.at(-1); outlet && next; next = this.#resending.at(-1)) {
      const [packetId, flow] = next;
      if (this.#window.get(packetId) === flow) { // Not acknowledged meanwhile
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
    this.#window.drop(packetId);
    this.#owner.journal?.done(flow);
  }

  /** False if the outbox has no room now. */
  #resendFlow(outlet: Outlet, packetId: number, flow: OutboundFlow): boolean {
    if (flow.step === "released") outlet.sendPubrel(packetId);
    else if (outlet.hasRoom(sizeOnWire(flow.message))) outlet.sendPublish(flow, packetId, true); // [MQTT-3.3.1-1] [MQTT5-3.3.1-1]
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
    if (!this.#owner.identity.can("receive", outgoing.message.topic)) deliveries["dropped:denied"]++;
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
      (this.#sentCount < outlet.receiveMaximum && this.#window.hasRoom(message)); // [MQTT5-3.3.4-9] [MQTT5-4.9.0-1] [MQTT5-4.9.0-2]
    return hasWindow && outlet.hasRoom(sizeOnWire(message));
  }

  #send(outgoing: Outgoing): void {
    if (outgoing.qos === 0) return this.#outlet!.sendPublish(outgoing, 0, false);
    this.#sentCount++;
    const packetId = this.#window.begin(outgoing);
    if (this.#owner.journal) {
      this.#owner.journal.sent(outgoing, packetId);
      this.#window.get(packetId)!.deliveryId = outgoing.deliveryId;
    }
    this.#outlet!.sendPublish(outgoing, packetId, false); // [MQTT-4.3.2-1] [MQTT5-4.3.2-2] [MQTT5-4.3.2-3] [MQTT5-4.3.3-2] [MQTT5-4.3.3-3]
  }
}
