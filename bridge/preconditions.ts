import type { Message } from "../broker/mod.ts";
import type { HeaderReader } from "./header_fields.ts";
import { formatId } from "./message_id.ts";
import { Problem } from "./middleware/problem.ts";

/** The entity tag of a retained message. */
export function etagOf(epoch: string, message: Message): string {
  return `"${formatId(epoch, message.sequence)}"`;
}

/** Whether it asks for `requirePreconditions`. */
export function hasPreconditions(headers: HeaderReader): boolean {
  return headers.has("if-match") || headers.has("if-none-match");
}

/** Throws if `If-Match` or `If-None-Match` asks for another retained message than there is. */
export function requirePreconditions(headers: HeaderReader, etag: string | undefined): void {
  const wanted = headers.get("if-match");
  if (wanted !== null && !covers(wanted, etag)) throw failed("If-Match", etag);
  const unwanted = headers.get("if-none-match");
  if (unwanted !== null && covers(unwanted, etag)) throw failed("If-None-Match", etag);
}

/** Whether the reader has this very message already. */
export function isUnchanged(headers: HeaderReader, etag: string): boolean {
  const known = headers.get("if-none-match");
  return known !== null && covers(known, etag);
}

/** A weak tag counts as the strong one: proxies weaken the tag of what they compress, yet it names one message. */
function covers(tags: string, etag: string | undefined): boolean {
  if (etag === undefined) return false;
  return tags.split(",").map((tag) => tag.trim().replace(/^W\//, "")).some((tag) =>
    tag === "*" || tag === etag
  );
}

function failed(param: string, etag: string | undefined): Problem {
  const detail = etag === undefined ? "there is no retained message" : `the retained message is ${etag}`;
  return new Problem("precondition-failed", `${param} does not hold: ${detail}`, { param });
}
