import { type Link, LinkError } from "./transport.ts";

/** Subprotocols of MQTT, the name that OASIS registered and the older one. */
const PROTOCOLS: readonly string[] = ["mqtt", "mqttv3.1"];
/** A browser sends about 1 KiB, with cookies a few. */
const HEAD_BYTES_MAX = 8 * 1024;
/** What RFC 6455 (1.3) appends to the key. */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** What a page would have to be allowed: the answer says why it is not. */
export type PageGuard = (request: { readonly origin: string; readonly host: string }) => string | undefined;

/** The subprotocol to answer with: the first of those offered that is MQTT's. [MQTT-6.0.0-4] [MQTT5-6.0.0-4] */
export function chooseProtocol(offered: string | null): string | undefined {
  return offered?.split(",").map((name) => name.trim()).find((name) => PROTOCOLS.includes(name));
}

/**
 * Does the server's part of the opening handshake (RFC 6455, 4.2). Resolves with what the client sent behind it; answers
 * what it cannot accept with the reason, and rejects.
 */
export async function acceptWebSocket(link: Link, guard: PageGuard): Promise<Uint8Array> {
  const { head, rest } = await readHead(
    link,
    () => refuse(link, { status: 431, detail: "The head of the request is too long" }),
  );
  const request = parseRequest(head);
  const refusal = request ? refusalOf(request, guard) : { status: 400, detail: "This is no HTTP request" };
  if (refusal) {
    await refuse(link, refusal);
    throw failed(refusal.detail);
  }
  const { headers } = request!;
  await answerWebSocket(link, {
    key: headers.get("sec-websocket-key")!,
    protocol: chooseProtocol(headers.get("sec-websocket-protocol"))!,
  });
  return rest;
}

/** What a request for a WebSocket is answered with. */
export interface WebSocketAnswer {
  /** The client's key, which `isKey`. */
  readonly key: string;
  /** The subprotocol. */
  readonly protocol: string;
}

/** Says that the link is a WebSocket from here on. */
export async function answerWebSocket(link: Link, { key, protocol }: WebSocketAnswer): Promise<void> {
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${await acceptKey(key)}`,
    `Sec-WebSocket-Protocol: ${protocol}`,
  ];
  await writeAll(link, encoder.encode(lines.join("\r\n") + "\r\n\r\n"));
}

/** Whether it is 16 bytes in base64, as a client's key has to be. */
export function isKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{22}==$/.test(text);
}

interface Request {
  readonly method: string;
  readonly headers: Headers;
}

interface Refusal {
  readonly status: number;
  readonly detail: string;
}

/**
 * Reads the head of a request or an answer, without the empty line that ends it, and what came behind.
 * @param onLong what is said to who sends a longer one
 */
export async function readHead(
  link: Link,
  onLong: () => Promise<void> | void = () => {},
): Promise<{ readonly head: string; readonly rest: Uint8Array }> {
  const bytes = new Uint8Array(HEAD_BYTES_MAX);
  for (let length = 0; length < bytes.length;) {
    const count = await link.read(bytes.subarray(length));
    if (count === null) throw failed(`it ended after ${length} bytes`);
    // The end may stand across two reads.
    const from = Math.max(0, length - 3);
    length += count;
    const end = decoder.decode(bytes.subarray(from, length)).indexOf("\r\n\r\n");
    if (end === -1) continue;
    const head = decoder.decode(bytes.subarray(0, from + end));
    return { head, rest: bytes.slice(from + end + 4, length) };
  }
  await onLong();
  throw failed(`its head is longer than ${HEAD_BYTES_MAX} bytes`);
}

function parseRequest(head: string): Request | undefined {
  const [requestLine = "", ...lines] = head.split("\r\n");
  const [, method] = /^([A-Z]+) [!-~]+ HTTP\/1\.1$/.exec(requestLine) ?? [];
  const headers = parseHeaders(lines);
  return method === undefined || !headers ? undefined : { method, headers };
}

/** Undefined if a line is none of a header. */
export function parseHeaders(lines: readonly string[]): Headers | undefined {
  const headers = new Headers();
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
    if (name === undefined) return undefined;
    headers.append(name, value!);
  }
  return headers;
}

function refusalOf({ method, headers }: Request, guard: PageGuard): Refusal | undefined {
  const key = headers.get("sec-websocket-key") ?? "";
  if (!hasWord(headers.get("upgrade"), "websocket") || !hasWord(headers.get("connection"), "upgrade")) {
    return { status: 426, detail: "Only WebSocket is spoken here" };
  }
  if (method !== "GET") return { status: 405, detail: `A WebSocket begins with GET, not ${method}` };
  if (headers.get("sec-websocket-version") !== "13") {
    return { status: 426, detail: "Only version 13 of WebSocket is spoken here" };
  }
  if (!isKey(key)) {
    return { status: 400, detail: "The WebSocket's key is not 16 bytes" };
  }
  const [origin, host] = [headers.get("origin"), headers.get("host") ?? ""];
  const foreign = origin === null ? undefined : guard({ origin, host });
  if (foreign !== undefined) return { status: 403, detail: foreign };
  const offered = headers.get("sec-websocket-protocol");
  if (chooseProtocol(offered) !== undefined) return undefined; // [MQTT-6.0.0-3] [MQTT5-6.0.0-3]
  const said = offered === null ? "none was offered" : `${JSON.stringify(offered.slice(0, 80))} was offered`;
  return {
    status: 400,
    detail: `A WebSocket to MQTT needs the subprotocol ${PROTOCOLS.join(" or ")}: ${said}`,
  };
}

/** Whether the list in a header has the word, in any case. */
export function hasWord(list: string | null, word: string): boolean {
  return (list ?? "").split(",").some((item) => item.trim().toLowerCase() === word);
}

async function refuse(link: Link, refusal: Refusal): Promise<void> {
  await writeAll(link, encoder.encode(refusalText(refusal)));
}

function refusalText({ status, detail }: Refusal): string {
  const body =
    JSON.stringify({ type: "about:blank", title: "There is no WebSocket for this", status, detail }) + "\n";
  const lines = [
    `HTTP/1.1 ${status} Refused`,
    "Content-Type: application/problem+json",
    `Content-Length: ${encoder.encode(body).length}`,
    "Connection: close",
    ...(status === 426 ? ["Upgrade: websocket", "Sec-WebSocket-Version: 13"] : []),
  ];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

export async function acceptKey(key: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", encoder.encode(key + ACCEPT_SUFFIX));
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

export async function writeAll(link: Link, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await link.write(bytes.subarray(sent));
}

export function failed(why: string): LinkError {
  return new LinkError("handshake-failed", `The WebSocket handshake failed: ${why}`);
}
