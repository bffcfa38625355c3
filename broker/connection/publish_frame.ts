import { encodePublishFrame, type PublishFrame } from "../packet/mod.ts";
import type { Outgoing } from "../session/message_queue.ts";
import type { AliasedTopic } from "../core/topic_alias.ts";

/**
 * A message as a client of MQTT 5.0 gets it: the frame that all share, unless there is something to say that is between
 * the two only.
 */
export function frameFor(
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
export function withTimeLeft({ bytes, ...frame }: PublishFrame, milliseconds: number): PublishFrame {
  const copy = bytes.slice();
  new DataView(copy.buffer).setUint32(frame.expiryOffset, Math.max(1, Math.ceil(milliseconds / 1000)));
  return { bytes: copy, ...frame };
}
