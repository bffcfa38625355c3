import { type AliasedTopic, OutboundAliases } from "../core/topic_alias.ts";
import { encodePublishFrame, frameOf, type PublishFrame } from "../packet/mod.ts";
import type { Outgoing } from "../session/message_queue.ts";
import type { PeerLimits } from "./connection_port.ts";

/** What a topic alias adds to a packet at most: three bytes, and one to each of two lengths. */
const ALIAS_BYTES_MAX = 5;

/** Messages as one client of MQTT 5.0 gets them: by the aliases that it takes, and no larger than it takes. */
export class PeerFrames {
  readonly #packetBytesMax: number;
  readonly #aliases: OutboundAliases | undefined;

  /** @param aliasesMax our own bound, however many the client takes */
  constructor({ packetBytesMax, topicAliasMax }: PeerLimits, aliasesMax: number) {
    this.#packetBytesMax = packetBytesMax;
    const aliasMax = Math.min(topicAliasMax, aliasesMax); // [MQTT5-3.1.2-27]
    if (aliasMax > 0) this.#aliases = new OutboundAliases(aliasMax);
  }

  /** Whether the client takes a packet of that size. */
  fits(outgoing: Outgoing): boolean {
    return this.#fitsWith(outgoing, 0);
  }

  /** The frame of a message that is sent now: an alias that it brings is known to the client from then on. */
  take(outgoing: Outgoing, now: number): PublishFrame {
    const { message } = outgoing;
    const frame = this.#aliases ? this.#aliasedFrame(outgoing, this.#aliases) : frameFor(outgoing, undefined);
    return frame.expiryOffset === 0 ? frame : withTimeLeft(frame, message.expiresAt - now);
  }

  #aliasedFrame(outgoing: Outgoing, aliases: OutboundAliases): PublishFrame {
    // MQTT.js 5.16 keeps a QoS 2 message as it came until PUBREL, and then has only the alias of its topic.
    const mayHaveAlias = outgoing.qos !== 2 && this.#fitsWith(outgoing, ALIAS_BYTES_MAX);
    return frameFor(outgoing, mayHaveAlias ? aliases.take(outgoing.message.topic) : undefined);
  }

  #fitsWith(outgoing: Outgoing, moreBytes: number): boolean {
    if (this.#packetBytesMax === Infinity) return true;
    return frameFor(outgoing, undefined).length + moreBytes <= this.#packetBytesMax; // [MQTT5-3.1.2-24]
  }
}

/** The frame that all share, unless there is something to say that is between the two only. */
function frameFor(
  { message, qos, identifiers }: Outgoing,
  aliased: AliasedTopic | undefined,
): PublishFrame {
  const topicAlias = aliased?.alias ?? 0;
  if (topicAlias === 0 && identifiers.length === 0) return message.frame(qos, 5);
  const { payload, properties } = message;
  const topic = aliased && !aliased.isNew ? "" : message.topic;
  return encodePublishFrame(
    { topic, payload, properties, topicAlias, subscriptionIds: identifiers },
    qos > 0,
    5,
  );
}

/** The frame with the seconds that are left of its Message Expiry Interval. [MQTT5-3.3.2-6] */
function withTimeLeft(frame: PublishFrame, milliseconds: number): PublishFrame {
  const copy = frame.bytes.slice();
  new DataView(copy.buffer).setUint32(frame.expiryOffset, Math.max(1, Math.ceil(milliseconds / 1000)));
  return frameOf(copy, frame);
}
