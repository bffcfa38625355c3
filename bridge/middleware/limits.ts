import type { MiddlewareHandler } from "hono";
import type { Bridge, BridgeEnv } from "../context.ts";
import { Problem } from "./problem.ts";

const RETRY_AFTER_SECONDS = "5";
const METHODS_THAT_CHANGE: readonly string[] = ["POST", "PUT", "DELETE"];

/** Refuses URLs over the limit before anything reads them. */
export function limitUrl(urlBytesMax: number): MiddlewareHandler<BridgeEnv> {
  return async (context, next) => {
    const { length } = context.req.raw.url;
    if (length > urlBytesMax) {
      throw new Problem(
        "url-too-long",
        `Cannot take a URL of ${length} bytes: at most ${urlBytesMax} are allowed`,
      );
    }
    await next();
  };
}

/** Refuses changes while the bridge is about to stop: nobody might be left to route them. */
export function refuseWhileDraining(bridge: Bridge): MiddlewareHandler<BridgeEnv> {
  return async (context, next) => {
    if (bridge.isDraining && METHODS_THAT_CHANGE.includes(context.req.method)) {
      throw new Problem("draining", "Cannot take a message: the broker stops", {
        headers: { "retry-after": RETRY_AFTER_SECONDS },
      });
    }
    await next();
  };
}

/** Reads the body up to a limit, and no byte further. */
export async function readBody(request: Request, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge(bytesMax);
  if (!request.body) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body) { // Leaving the loop cancels the rest.
    length += chunk.length;
    if (length > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  const body = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.length;
  }
  return body;
}

function tooLarge(bytesMax: number): Problem {
  return new Problem("payload-too-large", `Cannot take more than ${bytesMax} bytes of payload`, {
    mqttReasonCode: 0x95,
  });
}
