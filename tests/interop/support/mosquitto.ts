import { HOST, type Reachable } from "./start_mqtt.ts";
import { type Outcome, runWell, type ToolOptions, ToolProcess } from "./tool_process.ts";

/** Seconds after which Mosquitto's clients give up by themselves, whatever becomes of the test. */
const GIVE_UP_SECONDS = 30;

/** Runs `mosquitto_pub` to its end, which must be a good one. */
export async function mosquittoPub(
  { mqttPort }: Reachable,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<Outcome> {
  return await runWell("mosquitto_pub", ["-h", HOST, "-p", String(mqttPort), ...args], options);
}

/** Starts `mosquitto_sub`; whoever needs its subscription to be in force waits for the broker to have it. */
export function mosquittoSub({ mqttPort }: Reachable, args: readonly string[]): ToolProcess {
  const where = ["-h", HOST, "-p", String(mqttPort), "-W", String(GIVE_UP_SECONDS)];
  return new ToolProcess("mosquitto_sub", [...where, ...args]);
}
