import { encode, type OutgoingPacket, type QoS, ReasonCode, type Version } from "../packet/mod.ts";
import type { Sender } from "./sender.ts";

/**
 * Messages on their way to the broker, by QoS; further ones wait. MQTT 3.1.1 has no word for what a broker takes of
 * QoS 2, and mosquitto ends the connection of a client that begins more than 20.
 */
export const IN_FLIGHT_MAX: Readonly<Record<QoS, number>> = { 0: Infinity, 1: 1000, 2: 20 };
const PACKET_ID_MAX = 65_535;

export interface PublishDraft {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
}

type Answer = "puback" | "pubrec" | "pubcomp" | "suback" | "unsuback";

/** An answer that is still to come. */
interface Awaited {
  expects: Answer;
  readonly resolve: (reasonCodes: readonly number[]) => void;
  readonly reject: (error: Error) => void;
}

/** A publish that waits for room. */
interface Waiting {
  readonly draft: PublishDraft;
  readonly resolve: (sent: Promise<unknown>) => void;
  readonly reject: (error: unknown) => void;
}

export interface RequestsInit {
  readonly sender: Sender;
  readonly version: Version;
  /** In the place of `IN_FLIGHT_MAX`, for QoS 1 and 2 each. */
  readonly inFlightMax: number | undefined;
  /** Called when an answer begins to be awaited. */
  readonly onAwait: () => void;
}

/**
 * What a client asked of the broker, by packet identifier, until it is answered.
 *
 *     publish ──no room──> waiting (in order) ──room──┐
 *         └────────────────────────────────────> awaited ──PUBACK, or PUBREC, PUBREL and PUBCOMP──> resolved
 *     subscribe, unsubscribe ──────────────────────> awaited ──SUBACK, UNSUBACK──> resolved
 */
export class Requests {
  readonly #init: RequestsInit;
  readonly #awaited = new Map<number, Awaited>();
  readonly #inFlight: Record<QoS, number> = { 0: 0, 1: 0, 2: 0 };
  readonly #waiting: Waiting[] = [];
  #lastPacketId = 0;

  constructor(init: RequestsInit) {
    this.#init = init;
  }

  /** Answers that are awaited. */
  get size(): number {
    return this.#awaited.size;
  }

  /** Resolves when the publish is done as far as its QoS goes; in the order of the calls, it waits for room. */
  async publish(draft: PublishDraft): Promise<void> {
    if (this.#waiting.length === 0 && this.#hasRoom(draft.qos)) await this.#publish(draft);
    else await new Promise((resolve, reject) => this.#waiting.push({ draft, resolve, reject }));
  }

  /** Resolves with the reason codes of the answer. */
  subscribe(filters: readonly string[], qos: QoS): Promise<readonly number[]> {
    const packetId = this.#takePacketId();
    const requests = filters.map((filter) => ({ filter, qos }));
    return this.#request("suback", { type: "subscribe", packetId, requests });
  }

  unsubscribe(filters: readonly string[]): Promise<readonly number[]> {
    const packetId = this.#takePacketId();
    return this.#request("unsuback", { type: "unsubscribe", packetId, filters });
  }

  /** Takes an answer; one that nobody awaits changes nothing. */
  answered(packetId: number, type: Answer, reasonCodes: readonly number[] = []): void {
    const awaited = this.#awaited.get(packetId);
    if (awaited?.expects !== type) return;
    this.#awaited.delete(packetId);
    awaited.resolve(reasonCodes);
    if (type === "suback" || type === "unsuback") return;
    this.#inFlight[type === "puback" ? 1 : 2]--;
    this.publishWaiting();
  }

  /** Takes PUBREC: what follows is PUBREL, and PUBCOMP as the last answer. */
  received(packetId: number): void {
    const awaited = this.#awaited.get(packetId);
    if (awaited?.expects === "pubrec") awaited.expects = "pubcomp";
    const pubrel: OutgoingPacket = { type: "pubrel", packetId, reasonCode: ReasonCode.success };
    this.#init.sender.send(encode(pubrel, this.#init.version)); // [MQTT-4.3.3-1]
  }

  /** Publishes what waits, as far as there is room. */
  publishWaiting(): void {
    let done = 0;
    for (const { draft, resolve, reject } of this.#waiting) {
      if (!this.#hasRoom(draft.qos)) break;
      done++;
      try {
        resolve(this.#publish(draft));
      } catch (error) { // What cannot be encoded is its publisher's business alone.
        reject(error);
      }
    }
    if (done > 0) this.#waiting.splice(0, done);
  }

  rejectAll(error: Error): void {
    for (const { reject } of this.#awaited.values()) reject(error);
    this.#awaited.clear();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #hasRoom(qos: QoS): boolean {
    return !this.#init.sender.isFull && this.#inFlight[qos] < this.#inFlightMax(qos);
  }

  #inFlightMax(qos: QoS): number {
    return qos === 0 ? Infinity : this.#init.inFlightMax ?? IN_FLIGHT_MAX[qos];
  }

  #publish(draft: PublishDraft): Promise<unknown> {
    const packetId = draft.qos === 0 ? 0 : this.#takePacketId();
    const packet: OutgoingPacket = { type: "publish", ...draft, dup: false, packetId };
    if (draft.qos > 0) {
      const answer = this.#request(draft.qos === 1 ? "puback" : "pubrec", packet);
      this.#inFlight[draft.qos]++;
      return answer;
    }
    this.#init.sender.send(encode(packet, this.#init.version));
    return this.#init.sender.handedOver();
  }

  /** Throws, and awaits nothing, when the packet cannot be encoded. */
  #request(expects: Answer, packet: OutgoingPacket & { packetId: number }): Promise<readonly number[]> {
    this.#init.sender.send(encode(packet, this.#init.version));
    const answer = new Promise<readonly number[]>((resolve, reject) => {
      this.#awaited.set(packet.packetId, { expects, resolve, reject });
    });
    this.#init.onAwait();
    return answer;
  }

  #takePacketId(): number {
    for (let tries = 0; tries < PACKET_ID_MAX; tries++) {
      this.#lastPacketId = this.#lastPacketId % PACKET_ID_MAX + 1; // [MQTT-2.3.1-2]
      if (!this.#awaited.has(this.#lastPacketId)) return this.#lastPacketId;
    }
    throw new RangeError(`Cannot send: ${PACKET_ID_MAX} requests wait for an answer`);
  }
}
