import { ProtocolError } from "../core/errors.ts";
import { type Packet, ReasonCode } from "../packet/mod.ts";
import type { ConnectionPort } from "./connection_port.ts";
import { handleAuth } from "./handlers/auth.ts";
import { handleConnect } from "./handlers/connect.ts";
import { handleDisconnect } from "./handlers/disconnect.ts";
import { handlePingreq } from "./handlers/pingreq.ts";
import { handlePuback } from "./handlers/puback.ts";
import { handlePubcomp } from "./handlers/pubcomp.ts";
import { handlePublish } from "./handlers/publish.ts";
import { handlePubrec } from "./handlers/pubrec.ts";
import { handlePubrel } from "./handlers/pubrel.ts";
import { handleSubscribe } from "./handlers/subscribe.ts";
import { handleUnsubscribe } from "./handlers/unsubscribe.ts";

/** Handles a packet that comes before CONNACK: CONNECT, or what an authentication takes, or a violation. */
export function dispatchFirst(connection: ConnectionPort, packet: Packet): Promise<void> | undefined {
  if (connection.authentication) return dispatchUnknown(connection, packet);
  if (packet.type === "connect") return handleConnect(connection, packet);
  throw new ProtocolError(ReasonCode.protocolError, `Cannot accept ${packet.type} before CONNECT`); // [MQTT-3.1.0-1] [MQTT5-3.1.0-1]
}

/** Handles a packet of a client that is about to say who it is. [MQTT5-3.1.2-30] */
function dispatchUnknown(connection: ConnectionPort, packet: Packet): Promise<void> | undefined {
  if (packet.type === "auth") return handleAuth(connection, packet);
  if (packet.type !== "disconnect") {
    throw new ProtocolError(ReasonCode.protocolError, `Cannot accept ${packet.type} during authentication`);
  }
  connection.close("client-disconnect");
  return undefined;
}

/** Hands a packet of an open connection to its handler. */
export function dispatch(connection: ConnectionPort, packet: Packet): void {
  switch (packet.type) {
    case "publish":
      return handlePublish(connection, packet);
    case "puback":
      return handlePuback(connection, packet);
    case "pubrec":
      return handlePubrec(connection, packet);
    case "pubrel":
      return handlePubrel(connection, packet);
    case "pubcomp":
      return handlePubcomp(connection, packet);
    case "subscribe":
      return handleSubscribe(connection, packet);
    case "unsubscribe":
      return handleUnsubscribe(connection, packet);
    case "pingreq":
      return handlePingreq(connection);
    case "disconnect":
      return handleDisconnect(connection, packet);
    case "auth": // Other packets are handled while it goes on.
      return void handleAuth(connection, packet).catch((error) => connection.fail(error));
    default: { // A second CONNECT [MQTT-3.1.0-2], or a packet that only servers send [MQTT-4.8.0-1] [MQTT5-3.1.0-2]
      const message = `Cannot accept ${packet.type} from a connected client`;
      throw new ProtocolError(ReasonCode.protocolError, message);
    }
  }
}
