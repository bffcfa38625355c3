import { ProtocolError } from "../../core/errors.ts";
import { SUBSCRIBE_REFUSALS } from "../../core/refusal.ts";
import { ReasonCode, type UnsubscribePacket } from "../../packet/mod.ts";
import type { ConnectionPort } from "../connection_port.ts";

/** Ends subscriptions; what is already under way is completed. [MQTT-3.10.4-3] [MQTT-3.10.4-6] [MQTT5-3.10.4-3] [MQTT5-3.10.4-6] */
export function handleUnsubscribe(
  connection: ConnectionPort,
  { packetId, filters }: UnsubscribePacket,
): void {
  const { broker, session } = connection;
  const refusal = broker.storeRefusalFor(session);
  if (refusal && connection.version < 5) return connection.close("store-failed"); // UNSUBACK cannot say no there.
  const reasonCodes = filters.map((filter) =>
    refusal ? SUBSCRIBE_REFUSALS[refusal].reasonCode : unsubscribe(connection, filter)
  );
  const words = refusal && SUBSCRIBE_REFUSALS[refusal].words;
  connection.answer({ type: "unsuback", packetId, reasonCodes }, words); // [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT5-2.2.1-6] [MQTT5-3.10.4-4] [MQTT5-3.10.4-5]
}

function unsubscribe({ broker, session }: ConnectionPort, filter: string): number {
  if (filter === "") throw new ProtocolError(ReasonCode.topicFilterInvalid, "Cannot accept an empty filter"); // [MQTT-4.7.3-1]
  // The trees expect valid filters: only one that was accepted, character by character, goes further. [MQTT-3.10.4-1] [MQTT5-3.10.4-1]
  if (!session.removeSubscription(filter)) return ReasonCode.noSubscriptionExisted;
  broker.unsubscribe(session, filter);
  return ReasonCode.success;
}
