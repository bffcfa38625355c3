/** How Deno's fetch goes on after the URL, in its message or in that of the cause. */
const AFTER_URL = "client error (";

/** Why a request got no answer, in the words of the system and without its URL, in which there may be a secret. */
export function requestProblem(error: unknown): string {
  const messages = error instanceof Error
    ? [error.message, error.cause instanceof Error ? error.cause.message : ""]
    : [String(error)];
  const said = messages.find((message) => message.includes(AFTER_URL));
  if (said !== undefined) return said.slice(said.lastIndexOf(AFTER_URL));
  return messages[0]!.includes("://") ? "the request failed" : messages[0]!;
}
