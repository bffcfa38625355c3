import { ProtocolError } from "../core/errors.ts";
import { InboundAliases } from "../core/topic_alias.ts";
import { type PublishPacket, type PubrelPacket, type QoS, ReasonCode, type Version } from "../packet/mod.ts";
import type { IncomingMessage } from "./inbox.ts";
import type { Sender } from "./sender.ts";

export interface IncomingFlowsInit {
  readonly sender: Sender;
  readonly version: Version;
  /** What CONNECT said: messages of QoS 1 and 2 that may be on their way to us. */
  readonly receiveMaximum: number;
  readonly topicAliasMax: number;
}

/**
 * Messages on their way from the broker, until they are acknowledged to the end.
 *
 *     PUBLISH QoS 1 ──> unacknowledged ──acknowledge()──> PUBACK
 *     PUBLISH QoS 2 ──> unacknowledged ──acknowledge()──> PUBREC, unreleased ──PUBREL──> PUBCOMP
 */
export class IncomingFlows {
  readonly #init: IncomingFlowsInit;
  readonly #aliases: InboundAliases;
  readonly #unacknowledged = new Set<number>();
  readonly #unreleased = new Set<number>();

  constructor(init: IncomingFlowsInit) {
    this.#init = init;
    this.#aliases = new InboundAliases(init.topicAliasMax);
  }

  /** The message of a PUBLISH; undefined for one that is here already. */
  received(packet: PublishPacket): IncomingMessage | undefined {
    const { qos, packetId } = packet;
    const topic = this.#topicOf(packet); // Even of a message that is here already: it may say what an alias stands for.
    if (qos === 2 && this.#unreleased.has(packetId)) { // [MQTT-4.3.3-2] [MQTT5-4.3.3-10]
      this.#init.sender.send({ type: "pubrec", packetId, reasonCode: ReasonCode.success });
      return undefined;
    }
    if (qos > 0) {
      if (this.#unacknowledged.has(packetId)) return undefined; // Acknowledged when it is taken.
      this.#checkQuota();
      this.#unacknowledged.add(packetId);
    }
    return {
      topic,
      payload: new Uint8Array(packet.payload),
      qos,
      retain: packet.retain,
      dup: packet.dup,
      packetId,
      properties: packet.properties ?? {},
      subscriptionIds: packet.subscriptionIds,
      topicAlias: packet.topicAlias,
    };
  }

  /** The message has found whom it is for. */
  acknowledge(qos: QoS, packetId: number): void {
    this.#unacknowledged.delete(packetId);
    if (qos === 2) this.#unreleased.add(packetId);
    const type = qos === 1 ? "puback" : "pubrec"; // [MQTT-4.3.2-2] [MQTT-4.3.3-2] [MQTT5-3.3.4-1]
    this.#init.sender.send({ type, packetId, reasonCode: ReasonCode.success });
  }

  released({ packetId }: PubrelPacket): void {
    const isKnown = this.#unreleased.delete(packetId) || this.#init.version !== 5;
    // Not found is no error in a session that goes on: PUBCOMP was lost with the connection before.
    const reasonCode = isKnown ? ReasonCode.success : ReasonCode.packetIdentifierNotFound;
    this.#init.sender.send({ type: "pubcomp", packetId, reasonCode }); // [MQTT5-4.3.3-11]
  }

  #topicOf({ topic, topicAlias }: PublishPacket): string {
    if (topic === "" && topicAlias === 0) {
      throw new ProtocolError(ReasonCode.protocolError, "Cannot accept PUBLISH without a topic");
    }
    return this.#aliases.resolve(topic, topicAlias); // [MQTT5-3.3.2-10]
  }

  #checkQuota(): void {
    const { receiveMaximum } = this.#init;
    if (this.#unacknowledged.size + this.#unreleased.size < receiveMaximum) return;
    throw new ProtocolError(
      ReasonCode.receiveMaximumExceeded,
      `Cannot accept more than ${receiveMaximum} messages of QoS 1 and 2 at once`,
    );
  }
}
