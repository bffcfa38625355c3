import { Problem } from "./middleware/problem.ts";

/** A URL as it was sent: nothing decoded, nothing resolved. */
export interface RawUrl {
  readonly path: string;
  /** Behind the `?`; undefined when there is none. */
  readonly query: string;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Splits a URL by hand: `new URL` deletes dot segments and so would change the topic. */
export function splitUrl(url: string): RawUrl {
  const authority = url.indexOf("://") + 3;
  const fragment = url.indexOf("#", authority);
  const end = fragment === -1 ? url.length : fragment;
  const slash = url.indexOf("/", authority);
  const mark = url.indexOf("?", authority);
  const pathEnd = mark === -1 || mark > end ? end : mark;
  const path = slash === -1 || slash > pathEnd ? "/" : url.slice(slash, pathEnd);
  return { path, query: url.slice(Math.min(pathEnd + 1, end), end) };
}

/** What stands behind the route's first segment and its slash: `a//b` of `/topics/a//b`. Not decoded. */
export function pathTail(path: string): string {
  const slash = path.indexOf("/", 1);
  return slash === -1 ? "" : path.slice(slash + 1);
}

/** Decodes percent-escapes strictly: a bad escape or bad UTF-8 is a problem, never kept as it is. */
export function percentDecode(text: string, param: string): string {
  if (!text.includes("%")) {
    if (text.isWellFormed()) return text;
    throw new Problem("bad-encoding", `Cannot decode ${param}: it is not UTF-8`, { param });
  }
  const bytes: number[] = [];
  let position = 0;
  while (position < text.length) {
    const mark = text.indexOf("%", position);
    const end = mark === -1 ? text.length : mark;
    for (const byte of encoder.encode(text.slice(position, end))) bytes.push(byte);
    if (mark === -1) break;
    const digits = text.slice(mark + 1, mark + 3);
    if (!/^[0-9A-Fa-f]{2}$/.test(digits)) {
      throw new Problem("bad-encoding", `Cannot decode ${param}: the % at ${mark} starts no escape`, {
        param,
        position: mark,
        hint: "write %25 for a %",
      });
    }
    bytes.push(Number.parseInt(digits, 16));
    position = mark + 3;
  }
  try {
    return utf8.decode(new Uint8Array(bytes));
  } catch {
    throw new Problem("bad-encoding", `Cannot decode ${param}: the escaped bytes are not UTF-8`, { param });
  }
}
