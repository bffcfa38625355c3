import { encode } from "../../packet/mod.ts";
import type { ConnectionPort } from "../connection_port.ts";

export function handlePingreq(connection: ConnectionPort): void {
  connection.send(encode({ type: "pingresp" }, connection.version)); // [MQTT-3.12.4-1] [MQTT5-3.12.4-1]
}
