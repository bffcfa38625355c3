import type { Connection } from "../connection.ts";

/** The one end that publishes no will. [MQTT-3.14.4-3] */
export function handleDisconnect(connection: Connection): void {
  connection.close("client-disconnect"); // [MQTT-3.14.4-1]
}
