import type { ConnectionPort } from "../connection_port.ts";

/** The one end that publishes no will. [MQTT-3.14.4-3] */
export function handleDisconnect(connection: ConnectionPort): void {
  connection.close("client-disconnect"); // [MQTT-3.14.4-1]
}
