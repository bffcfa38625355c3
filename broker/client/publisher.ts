import {
  type MessageProperties,
  type OutgoingPacket,
  type PubackPacket,
  type PubcompPacket,
  type PubrecPacket,
  type QoS,
  ReasonCode,
  type UserProperties,
  type Version,
} from "../packet/mod.ts";
import { RefusedError } from "./client_error.ts";
import type { Requests } from "./requests.ts";
import type { Sender } from "./sender.ts";
import { checkPublish, type ServerLimits } from "./server_limits.ts";

/**
 * Messages on their way to the broker, by QoS; further ones wait. MQTT 3.1.1 has no word for what a broker takes of
 * QoS 2, and mosquitto ends the connection of a client that begins more than 20. In MQTT 5.0 the broker says what it
 * takes, and the bound of QoS 1 is that of both together.
 */
export const IN_FLIGHT_MAX: Readonly<Record<QoS, number>> = { 0: Infinity, 1: 1000, 2: 20 };

export interface PublishDraft {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: MessageProperties | undefined;
  /** 0 for none. */
  readonly topicAlias: number;
}

/** What became of a message, as far as its QoS tells. */
export interface Published {
  /** 0x00, or 0x10 when the broker says that nobody subscribes to the topic. Always 0x00 before MQTT 5.0. */
  readonly reasonCode: number;
  readonly reasonString: string | undefined;
  readonly userProperties: UserProperties;
}

/** A publish that waits for room. */
interface Waiting {
  readonly draft: PublishDraft;
  readonly resolve: (sent: Promise<Published>) => void;
  readonly reject: (error: unknown) => void;
}

export interface PublisherInit {
  readonly sender: Sender;
  readonly requests: Requests;
  readonly version: Version;
  /** In the place of `IN_FLIGHT_MAX`: for QoS 1 and 2 each, in MQTT 5.0 for both together. */
  readonly inFlightMax: number | undefined;
}

/**
 * Messages on their way to the broker.
 *
 *     publish ──no room──> waiting (in order) ──room──┐
 *         └─────────────────────────────────────> in flight ──PUBACK, or PUBREC, PUBREL and PUBCOMP──> resolved
 */
export class Publisher {
  readonly #init: PublisherInit;
  readonly #inFlight: Record<QoS, number> = { 0: 0, 1: 0, 2: 0 };
  readonly #waiting: Waiting[] = [];
  /** What the broker knows the aliases to stand for. */
  readonly #topics = new Map<number, string>();
  #limits: ServerLimits | undefined;

  constructor(init: PublisherInit) {
    this.#init = init;
  }

  set limits(limits: ServerLimits) {
    this.#limits = limits;
  }

  /** Resolves when the publish is done as far as its QoS goes; in the order of the calls, it waits for room. */
  async publish(draft: PublishDraft): Promise<Published> {
    if (this.#limits) checkPublish(draft, this.#limits);
    if (this.#waiting.length === 0 && this.#hasRoom(draft.qos)) return await this.#publish(draft);
    return await new Promise((resolve, reject) => this.#waiting.push({ draft, resolve, reject }));
  }

  /** Takes PUBACK, or PUBCOMP. */
  acknowledged(packet: PubackPacket | PubcompPacket): void {
    if (this.#init.requests.awaits(packet.packetId, packet.type)) this.#finish(packet);
  }

  /** Takes PUBREC: a failure is the end, otherwise PUBREL follows, and PUBCOMP as the last answer. */
  received(packet: PubrecPacket): void {
    const { requests, sender, version } = this.#init;
    const { packetId } = packet;
    if (packet.reasonCode >= 0x80) { // [MQTT5-4.4.0-2]
      if (requests.awaits(packetId, "pubrec")) this.#finish(packet);
      return;
    }
    requests.advance(packet);
    const isKnown = version !== 5 || requests.awaits(packetId, "pubcomp");
    const reasonCode = isKnown ? ReasonCode.success : ReasonCode.packetIdentifierNotFound;
    sender.send({ type: "pubrel", packetId, reasonCode }); // [MQTT-4.3.3-1] [MQTT5-4.3.3-4]
  }

  /** Publishes what waits, as far as there is room. */
  publishWaiting(): void {
    let done = 0;
    for (const { draft, resolve, reject } of this.#waiting) {
      if (!this.#hasRoom(draft.qos)) break;
      done++;
      try {
        resolve(this.#publish(draft));
      } catch (error) { // What cannot be sent is its publisher's business alone.
        reject(error);
      }
    }
    if (done > 0) this.#waiting.splice(0, done);
  }

  rejectAll(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #hasRoom(qos: QoS): boolean {
    const { sender, version, inFlightMax } = this.#init;
    if (sender.isFull) return false;
    if (qos === 0) return true;
    if (version !== 5) return this.#inFlight[qos] < (inFlightMax ?? IN_FLIGHT_MAX[qos]);
    const serverMax = this.#limits?.receiveMaximum ?? 0;
    const max = Math.min(serverMax, inFlightMax ?? IN_FLIGHT_MAX[1]); // [MQTT5-4.9.0-1]
    return this.#inFlight[1] + this.#inFlight[2] < max; // [MQTT5-4.9.0-2] [MQTT5-3.3.4-7]
  }

  /** Throws, and counts nothing, when the packet cannot be sent. */
  #publish(draft: PublishDraft): Promise<Published> {
    const { sender, requests } = this.#init;
    const { topic, qos, topicAlias } = draft;
    const isKnown = topicAlias !== 0 && this.#topics.get(topicAlias) === topic;
    const packetOf = (packetId: number): OutgoingPacket & { readonly packetId: number } => {
      return { type: "publish", ...draft, topic: isKnown ? "" : topic, dup: false, packetId };
    };
    if (qos === 0) sender.send(packetOf(0));
    const answer = qos === 0 ? undefined : requests.send(packetOf, qos === 1 ? "puback" : "pubrec");
    // Only now: of a packet that cannot be sent the broker learns no alias.
    if (topicAlias !== 0) this.#topics.set(topicAlias, topic);
    if (!answer) return sender.handedOver().then(() => SENT);
    this.#inFlight[qos]++;
    return answer.then((packet) => published(topic, packet));
  }

  #finish(packet: PubackPacket | PubrecPacket | PubcompPacket): void {
    this.#init.requests.answered(packet);
    this.#inFlight[packet.type === "puback" ? 1 : 2]--;
    this.publishWaiting();
  }
}

const SENT: Published = { reasonCode: ReasonCode.success, reasonString: undefined, userProperties: [] };

function published(topic: string, packet: PubackPacket | PubrecPacket | PubcompPacket): Published {
  const { reasonCode, reasonString, userProperties = [] } = packet;
  if (reasonCode >= 0x80) throw new RefusedError(`Message to ${topic}`, reasonCode, packet);
  return { reasonCode, reasonString, userProperties };
}
