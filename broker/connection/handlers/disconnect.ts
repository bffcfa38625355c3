import { ProtocolError } from "../../core/errors.ts";
import { type DisconnectPacket, ReasonCode } from "../../packet/mod.ts";
import type { ConnectionPort } from "../connection_port.ts";

/** The one end that publishes no will, unless MQTT 5.0 asks for it. [MQTT-3.14.4-3] */
export function handleDisconnect(connection: ConnectionPort, packet: DisconnectPacket): void {
  const { session } = connection;
  const { sessionExpirySeconds } = packet;
  if (sessionExpirySeconds !== undefined) {
    if (session.expirySeconds === 0 && sessionExpirySeconds > 0) { // [MQTT5-3.14.2-2]
      const message =
        `Cannot accept Session Expiry Interval ${sessionExpirySeconds} in DISCONNECT: it was 0 in CONNECT`;
      throw new ProtocolError(ReasonCode.protocolError, message);
    }
    session.expirySeconds = sessionExpirySeconds;
  }
  const wantsWill = packet.reasonCode !== ReasonCode.success;
  connection.close(wantsWill ? "client-disconnect-with-will" : "client-disconnect"); // [MQTT-3.14.4-1]
}
