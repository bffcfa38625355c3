import { type Link, LinkError } from "./transport.ts";
import { acceptKey, failed, hasWord, parseHeaders, readHead, writeAll } from "./websocket_handshake.ts";

/** What a client asks a server for. */
export interface WebSocketRequest {
  /** Host and port, as they stand in a URL. */
  readonly host: string;
  /** Path and query, as they stand in a URL: `/mqtt`. */
  readonly path: string;
  /** Headers beside those of the handshake. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const KEY_BYTES = 16;
const PROTOCOL = "mqtt";

/** The server does not make a WebSocket of the link. */
export class UpgradeError extends LinkError {
  /** @param status of its answer */
  constructor(readonly status: number, message: string) {
    super("handshake-failed", message);
  }
}

const encoder = new TextEncoder();

/** Headers that the handshake says itself. */
const OWN_HEADERS =
  /^(?:host|upgrade|connection|content-length|transfer-encoding|sec-websocket-(?:key|version|protocol|extensions))$/i;

/**
 * Does the client's part of the opening handshake (RFC 6455, 4.1). Resolves with what the server sent behind it; rejects
 * with `UpgradeError` when it says no, with `LinkError` when it says something else.
 */
export async function requestWebSocket(link: Link, request: WebSocketRequest): Promise<Uint8Array> {
  const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(KEY_BYTES))));
  await writeAll(link, encoder.encode(requestText(request, key)));
  const { head, rest } = await readHead(link);
  await checkAnswer(head, key);
  return rest;
}

/** Whether a header may be said beside those of the handshake. */
export function isExtraHeader(name: string, value: string): boolean {
  return /^[!#$%&'*+.^_`|~\w-]+$/.test(name) && /^[\t\x20-\x7e]*$/.test(value) && !OWN_HEADERS.test(name);
}

function requestText({ host, path, headers = {} }: WebSocketRequest, key: string): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${key}`,
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Protocol: ${PROTOCOL}`, // [MQTT-6.0.0-3] [MQTT5-6.0.0-3]
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

async function checkAnswer(head: string, key: string): Promise<void> {
  const [statusLine = "", ...lines] = head.split("\r\n");
  const [, status, words] = /^HTTP\/1\.1 (\d{3})(?: ([ -~]*))?$/.exec(statusLine) ?? [];
  const headers = parseHeaders(lines);
  if (status === undefined || !headers) throw failed("the answer is none of HTTP/1.1");
  if (status !== "101") {
    throw new UpgradeError(
      Number(status),
      `There is no WebSocket: the answer is ${status} ${words ?? ""}`.trim(),
    );
  }
  if (!hasWord(headers.get("upgrade"), "websocket") || !hasWord(headers.get("connection"), "upgrade")) {
    throw failed("the answer upgrades to something else");
  }
  if (headers.get("sec-websocket-accept") !== await acceptKey(key)) {
    throw failed("the answer is to another request");
  }
  if (headers.get("sec-websocket-extensions")) {
    throw failed("the answer has extensions that nobody asked for");
  }
  if (headers.get("sec-websocket-protocol") !== PROTOCOL) { // [MQTT-6.0.0-4] [MQTT5-6.0.0-4]
    throw failed(`the answer does not choose the subprotocol ${PROTOCOL}`);
  }
}
