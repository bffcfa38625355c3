import type { MiddlewareHandler } from "hono";
import type { Broker } from "../../broker/mod.ts";
import type { Bridge, BridgeEnv } from "../context.ts";
import { Problem } from "./problem.ts";

const RETRY_AFTER_SECONDS = "5";
const METHODS_THAT_CHANGE: readonly string[] = ["POST", "PUT", "DELETE"];

/** How much a body may be. */
type BodyLimit = "payloadBytesMax" | "accessBodyBytesMax";

/** Refuses URLs over the limit before anything reads them. */
export function limitUrl(urlBytesMax: number): MiddlewareHandler<BridgeEnv> {
  return async (context, next) => {
    const { length } = context.req.raw.url;
    if (length > urlBytesMax) {
      throw new Problem(
        "url-too-long",
        `Cannot take a URL of ${length} bytes: at most ${urlBytesMax} are allowed`,
        { limit: "urlBytesMax" },
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

/** Reads the body up to the limit, and no byte further, as long as it keeps coming. */
export async function readBody(
  request: Request,
  { limits, clock }: Broker,
  limit: BodyLimit = "payloadBytesMax",
): Promise<Uint8Array<ArrayBuffer>> {
  const { stallSeconds, [limit]: bytesMax } = limits;
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge(bytesMax, limit);
  if (!request.body) return new Uint8Array(0);
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const chunk = await readChunk(reader, (stalled) => clock.after(stallSeconds * 1000, stalled));
    if (!chunk) break;
    length += chunk.length;
    if (length > bytesMax) {
      letGo(reader);
      throw tooLarge(bytesMax, limit);
    }
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

/** Undefined at the end of the body. Whoever breaks off or stalls is to blame for it, not we. */
async function readChunk(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  schedule: (stalled: () => void) => () => void,
): Promise<Uint8Array | undefined> {
  let isStalled = false;
  const cancel = schedule(() => {
    isStalled = true;
    letGo(reader); // Which ends the read.
  });
  const { done, value } = await reader.read().catch(() => {
    throw new Problem("incomplete-body", "Cannot read the body: it broke off");
  }).finally(cancel);
  if (isStalled) {
    throw new Problem("upload-stalled", "Cannot wait for the body any longer", { limit: "stallSeconds" });
  }
  return done ? undefined : value;
}

/** Takes nothing more of the body; that it is broken already is no news. */
function letGo(reader: ReadableStreamDefaultReader<Uint8Array>): void {
  reader.cancel().catch(() => {});
}

function tooLarge(bytesMax: number, limit: BodyLimit): Problem {
  return new Problem("payload-too-large", `Cannot take more than ${bytesMax} bytes of payload`, {
    mqttReasonCode: 0x95,
    limit,
  });
}
