import type { Message } from "../core/message.ts";
import type { Outgoing } from "./message_queue.ts";

const PACKET_ID_MAX = 0xffff;

/** One message between its PUBLISH and its last acknowledgement. */
export type OutboundFlow =
  | ({ readonly step: "published" } & Outgoing)
  /** PUBREC came: the message is the client's, only PUBREL and PUBCOMP remain. [MQTT-4.3.3-1] [MQTT5-4.3.3-5] [MQTT5-4.3.3-6] */
  | { readonly step: "released"; deliveryId: number };

/** A flow with its packet identifier and its place in the order of re-sending. */
type Slot = OutboundFlow & { readonly packetId: number; readonly order: number };

/** What a window that was never used has instead of a table of its own. */
const NO_SLOTS: (Slot | undefined)[] = [];
const SLOTS_MIN = 8;
/** What a client that never published at QoS 2 has instead of a set of its own. Never added to. */
const NO_IDS: Set<number> = new Set();

/** `unknown`: no flow has this packet identifier. `unexpected`: its flow waits for another packet. */
export type FlowOutcome = "done" | "unknown" | "unexpected";

/**
 * The window: QoS 1 and 2 messages sent to a client and not yet acknowledged, by packet identifier.
 *
 *     QoS 1:  published ──PUBACK──> gone
 *     QoS 2:  published ──PUBREC──> released ──PUBCOMP──> gone
 *
 *     slots   [ 8 | 1 |   | 3 |   |   |   |   ]   a flow stands at packetId % slots.length; an identifier whose slot is
 *                                                 taken is passed over, so no two flows ever meet
 *
 * A released flow moves to the end of the order, so that PUBRELs are re-sent in the order of their PUBRECs.
 * [MQTT-4.6.0-1] [MQTT-4.6.0-4] [MQTT5-4.6.0-1] [MQTT5-4.6.0-4]
 *
 * Not a Map: each time it grows or tidies up, V8 leaves behind an old table that keeps all messages in it alive until
 * the next full collection. That made the collector copy 20 MB every 100 ms at 300,000 messages a second.
 */
export class OutboundFlows {
  readonly #windowMax: number;
  readonly #bytesMax: number;
  #slots = NO_SLOTS;
  #size = 0;
  #bytes = 0;
  #lastPacketId = 0;
  #lastOrder = 0;

  /** @param bytesMax of all messages in the window; a single larger one may be in it alone */
  constructor(windowMax: number, bytesMax: number) {
    this.#windowMax = Math.min(windowMax, PACKET_ID_MAX);
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#size;
  }

  hasRoom(message: Message): boolean {
    if (this.#size >= this.#windowMax) return false;
    return this.#bytes === 0 || this.#bytes + message.size <= this.#bytesMax;
  }

  /** The limit because of which there is no room. */
  fullBy(message: Message): "inflightMax" | "inflightBytesMax" | undefined {
    if (this.hasRoom(message)) return undefined;
    return this.#size >= this.#windowMax ? "inflightMax" : "inflightBytesMax";
  }

  /** Begins a flow of QoS 1 or 2; only when there is room. Answers its packet identifier, 1 to 65535, in use by no other flow. */
  begin(outgoing: Outgoing): number {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    const mask = this.#slots.length - 1;
    let packetId = this.#lastPacketId;
    do packetId = packetId === PACKET_ID_MAX ? 1 : packetId + 1; while (this.#slots[packetId & mask]); // [MQTT-2.3.1-4] [MQTT5-2.2.1-4] [MQTT5-4.3.2-1] [MQTT5-4.3.3-1]
    this.#publish(outgoing, packetId);
    return packetId;
  }

  /** Puts back a flow that the store has kept; they come in the order of re-sending. False if the identifier is in use. */
  restore(packetId: number, flow: OutboundFlow): boolean {
    if (this.#find(packetId)) return false;
    // Whatever the size of the window is today: no two of them may meet.
    while (this.#size * 2 >= this.#slots.length || this.#slots[packetId & (this.#slots.length - 1)]) {
      this.#grow();
    }
    if (flow.step === "published") {
      this.#publish(flow, packetId);
      return true;
    }
    const mask = this.#slots.length - 1;
    this.#slots[packetId & mask] = { ...flow, packetId, order: ++this.#lastOrder };
    this.#lastPacketId = packetId;
    this.#size++;
    return true;
  }

  /** PUBACK came. */
  acknowledge(packetId: number): FlowOutcome {
    const flow = this.#find(packetId);
    if (!flow) return "unknown";
    if (flow.step !== "published" || flow.qos !== 1) return "unexpected";
    this.#remove(packetId);
    return "done";
  }

  /** PUBREC came; a repeated one is `done` as well. */
  release(packetId: number): FlowOutcome {
    const flow = this.#find(packetId);
    if (!flow) return "unknown";
    if (flow.step === "released") return "done";
    if (flow.qos !== 2) return "unexpected";
    const mask = this.#slots.length - 1;
    this.#slots[packetId & mask] = {
      step: "released",
      packetId,
      order: ++this.#lastOrder,
      deliveryId: flow.deliveryId,
    };
    this.#bytes -= flow.message.size;
    return "done";
  }

  /** PUBREC came and says that the client does not take the message. [MQTT5-4.3.3-4] */
  reject(packetId: number): FlowOutcome {
    const flow = this.#find(packetId);
    if (!flow) return "unknown";
    if (flow.step !== "published" || flow.qos !== 2) return "unexpected";
    this.#remove(packetId);
    return "done";
  }

  /** PUBCOMP came. */
  complete(packetId: number): FlowOutcome {
    const flow = this.#find(packetId);
    if (!flow) return "unknown";
    if (flow.step !== "released") return "unexpected";
    this.#remove(packetId);
    return "done";
  }

  /** Ends a flow without its acknowledgement: its message may not be sent again. */
  drop(packetId: number): void {
    if (this.#find(packetId)) this.#remove(packetId);
  }

  get(packetId: number): OutboundFlow | undefined {
    return this.#find(packetId);
  }

  /** All flows with their packet identifiers, in the order of re-sending. */
  entries(): [packetId: number, flow: OutboundFlow][] {
    if (this.#size === 0) return [];
    const flows = this.#slots.filter((slot) => slot !== undefined);
    return flows.sort((one, other) => one.order - other.order).map((flow) => [flow.packetId, flow]);
  }

  /** Copies the messages out of the chunks that they were read in. */
  compact(): void {
    if (this.#size === 0) return;
    for (const slot of this.#slots) if (slot?.step === "published") slot.message.compact();
  }

  #publish(
    { message, qos, retain, identifiers, sharedFilter, deliveryId }: Outgoing,
    packetId: number,
  ): void {
    this.#slots[packetId & (this.#slots.length - 1)] = {
      step: "published",
      message,
      qos,
      retain,
      identifiers,
      sharedFilter,
      deliveryId,
      packetId,
      order: ++this.#lastOrder,
    };
    this.#lastPacketId = packetId;
    this.#size++;
    this.#bytes += message.size;
  }

  #find(packetId: number): Slot | undefined {
    const slot = this.#slots[packetId & (this.#slots.length - 1)];
    return slot?.packetId === packetId ? slot : undefined;
  }

  #remove(packetId: number): void {
    const slot = packetId & (this.#slots.length - 1);
    const flow = this.#slots[slot]!;
    if (flow.step === "published") this.#bytes -= flow.message.size;
    this.#slots[slot] = undefined;
    this.#size--;
  }

  /** Twice as many slots keep all flows apart that half as many did. */
  #grow(): void {
    const slots = new Array<Slot | undefined>(Math.max(this.#slots.length * 2, SLOTS_MIN)).fill(undefined);
    for (const slot of this.#slots) if (slot) slots[slot.packetId & (slots.length - 1)] = slot;
    this.#slots = slots;
  }
}

/**
 * Packet identifiers of QoS 2 messages that a client published and did not release yet: a PUBLISH with one of them is
 * a repetition. [MQTT-4.3.3-2] [MQTT5-4.3.3-10] [MQTT5-4.3.3-13]
 */
export class InboundFlows {
  readonly #openMax: number;
  #open: Set<number> = NO_IDS;

  constructor(openMax: number) {
    this.#openMax = openMax;
  }

  get size(): number {
    return this.#open.size;
  }

  begin(packetId: number): "new" | "duplicate" | "full" {
    if (this.#open.has(packetId)) return "duplicate";
    if (this.#open.size >= this.#openMax) return "full";
    this.restore(packetId);
    return "new";
  }

  /** Puts back an identifier that the store has kept. */
  restore(packetId: number): void {
    if (this.#open === NO_IDS) this.#open = new Set();
    this.#open.add(packetId);
  }

  /** PUBREL came; false for an identifier that was not open. */
  release(packetId: number): boolean {
    return this.#open.delete(packetId);
  }
}
