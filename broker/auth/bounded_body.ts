import type { Counters } from "../metrics/counters.ts";

/** The answer's text; undefined for one that is too long or no UTF-8. Nothing more of it is read then. */
export async function readBounded(
  response: Response,
  bytesMax: number,
  counters: Pick<Counters, "met">,
): Promise<string | undefined> {
  if (!response.body) return "";
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  let bytes = 0;
  let text = "";
  try {
    for await (const chunk of response.body) {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        counters.met("authAnswerBytesMax");
        return undefined; // Which ends the loop, and the body with it.
      }
      text += utf8.decode(chunk, { stream: true });
    }
    return text + utf8.decode();
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
