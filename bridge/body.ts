import type { Broker } from "../broker/mod.ts";
import type { Bridge, BridgeContext } from "./context.ts";
import { Problem } from "./middleware/problem.ts";

/** How much a body may be. */
type BodyLimit = "payloadBytesMax" | "accessBodyBytesMax";

/** A body of so many bytes is read in one go; a larger one piece by piece, and each may take its time. */
const WHOLE_BYTES_MAX = 16 * 1024;

/**
 * Reads the body up to the limit, and no byte further, as long as it keeps coming. One that says that it is small must be
 * there as a whole within the time in which of others a piece must come.
 */
export function readBody(
  bridge: Bridge,
  context: BridgeContext,
  limit: BodyLimit = "payloadBytesMax",
): Promise<Uint8Array<ArrayBuffer>> {
  const request = context.req.raw;
  const { [limit]: bytesMax } = bridge.broker.limits;
  const length = Number(context.env.headers.get("content-length") ?? NaN);
  if (length > bytesMax) throw tooLarge(bytesMax, limit);
  return length <= WHOLE_BYTES_MAX ? readWhole(bridge, request) : readChunks(bridge.broker, request, limit);
}

/** The server has it all already, as a rule: a stream, and a timer for this one, would cost 7 µs of a core. */
function readWhole({ stalls }: Bridge, request: Request): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const watch = stalls.begin(() => reject(stalled()));
    request.bytes().then((bytes) => {
      stalls.end(watch);
      resolve(bytes);
    }, () => {
      stalls.end(watch);
      reject(brokenOff());
    });
  });
}

async function readChunks(
  { limits, clock }: Broker,
  request: Request,
  limit: BodyLimit,
): Promise<Uint8Array<ArrayBuffer>> {
  const { stallSeconds, [limit]: bytesMax } = limits;
  if (!request.body) return new Uint8Array(0);
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const chunk = await readChunk(reader, (onStall) => clock.after(stallSeconds * 1000, onStall));
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
  schedule: (onStall: () => void) => () => void,
): Promise<Uint8Array | undefined> {
  let isStalled = false;
  const cancel = schedule(() => {
    isStalled = true;
    letGo(reader); // Which ends the read.
  });
  const { done, value } = await reader.read().catch(() => {
    throw brokenOff();
  }).finally(cancel);
  if (isStalled) throw stalled();
  return done ? undefined : value;
}

/** Takes nothing more of the body; that it is broken already is no news. */
function letGo(reader: ReadableStreamDefaultReader<Uint8Array>): void {
  reader.cancel().catch(() => {});
}

function stalled(): Problem {
  return new Problem("upload-stalled", "Cannot wait for the body any longer", { limit: "stallSeconds" });
}

function brokenOff(): Problem {
  return new Problem("incomplete-body", "Cannot read the body: it broke off");
}

function tooLarge(bytesMax: number, limit: BodyLimit): Problem {
  return new Problem("payload-too-large", `Cannot take more than ${bytesMax} bytes of payload`, {
    mqttReasonCode: 0x95,
    limit,
  });
}
