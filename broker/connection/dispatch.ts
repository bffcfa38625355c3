import { ProtocolError } from "../core/errors.ts";
import { type Packet, ReasonCode } from "../packet/mod.ts";
import type { ConnectionPort } from "./connection_port.ts";
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

/** Handles the first packet of a connection, which is CONNECT or a violation. */
export function dispatchFirst(connection: ConnectionPort, packet: Packet): Promise<void> {
  if (packet.type === "connect") return handleConnect(connection, packet);
  throw new ProtocolError(ReasonCode.protocolError, `Cannot accept ${packet.type} before CONNECT`); // [MQTT-3.1.0-1] [MQTT5-3.1.0-1]
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
    default: { // A second CONNECT [MQTT-3.1.0-2] [MQTT5-3.1.0-2], or a packet that only servers send [MQTT-4.8.0-1]
      const message = `Cannot accept ${packet.type} from a connected client`;
      throw new ProtocolError(ReasonCode.protocolError, message);
    }
  }
}
