import { encode } from "../../packet/mod.ts";
import type { Connection } from "../connection.ts";

export function handlePingreq(connection: Connection): void {
  connection.send(encode({ type: "pingresp" }, connection.version)); // [MQTT-3.12.4-1]
}
