import { encode, ReasonCode, type UnsubscribePacket } from "../../packet/mod.ts";
import type { Connection } from "../connection.ts";

/** Ends subscriptions; what is already under way is completed. [MQTT-3.10.4-1] [MQTT-3.10.4-3] [MQTT-3.10.4-6] */
export function handleUnsubscribe(connection: Connection, { packetId, filters }: UnsubscribePacket): void {
  const { broker, session } = connection;
  const reasonCodes = filters.map((filter) => {
    session.dropBacklog(filter);
    session.subscriptions.delete(filter);
    return broker.unsubscribe(session, filter) ? ReasonCode.success : ReasonCode.noSubscriptionExisted;
  });
  connection.promise(encode({ type: "unsuback", packetId, reasonCodes }, connection.version)); // [MQTT-3.10.4-4] [MQTT-3.10.4-5]
}
