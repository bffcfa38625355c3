import type { Bridge, BridgeContext } from "../context.ts";
import { Problem } from "./problem.ts";

const RETRY_AFTER_SECONDS = "5";
const METHODS_THAT_CHANGE: readonly string[] = ["POST", "PUT", "DELETE"];

/** Refuses URLs over the limit before anything reads them. */
export function limitUrl(urlBytesMax: number): (context: BridgeContext) => void {
  return (context) => {
    const { length } = context.req.raw.url;
    if (length > urlBytesMax) {
      throw new Problem(
        "url-too-long",
        `Cannot take a URL of ${length} bytes: at most ${urlBytesMax} are allowed`,
        { limit: "urlBytesMax" },
      );
    }
  };
}

/** Refuses changes while the bridge is about to stop: nobody might be left to route them. */
export function refuseWhileDraining(bridge: Bridge): (context: BridgeContext) => void {
  return (context) => {
    if (bridge.isDraining && METHODS_THAT_CHANGE.includes(context.env.method)) {
      throw new Problem("draining", "Cannot take a message: the broker stops", {
        headers: { "retry-after": RETRY_AFTER_SECONDS },
      });
    }
  };
}
