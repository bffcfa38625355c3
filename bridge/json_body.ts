import type { Bridge, BridgeContext } from "./context.ts";
import { readBody } from "./body.ts";
import { Problem } from "./middleware/problem.ts";
import { unknownName } from "./parameters.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a small JSON object with no other keys than these. Nothing of it is quoted: it may be a secret. */
export async function readJsonObject(
  bridge: Bridge,
  context: BridgeContext,
  keys: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await readBody(bridge, context, "accessBodyBytesMax");
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch {
    throw invalidBody("it is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidBody("it is not a JSON object");
  }
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) throw unknownName("unknown-parameter", key, keys);
  }
  return value as Record<string, unknown>;
}

export function invalidBody(problem: string, param?: string): Problem {
  return new Problem(
    "invalid-body",
    `Cannot take the body: ${problem}`,
    param === undefined ? {} : { param },
  );
}
