import { type AddressSet, formatAddress, formatEndpoint, parseAddress } from "../core/ip_address.ts";
import { type Link, LinkError, type Listener } from "./transport.ts";

/** The longest line of version 1, as its text says. */
const LINE_BYTES_MAX = 107;
/** Addresses take 12 or 36 bytes of version 2; the rest is for what proxies add, such as names and checksums. */
const HEADER_BYTES_MAX = 1024;

const LINE_START = [..."PROXY "].map((letter) => letter.charCodeAt(0));
const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const V2_FIXED_BYTES = 16;
const COMMAND_LOCAL = 0x20;
const COMMAND_PROXY = 0x21;
/** Address family and protocol, and the bytes of one address. */
const TCP4 = 0x11;
const TCP6 = 0x21;

const ascii = new TextDecoder("latin1");

export interface ProxyHeader {
  /** Bytes that the header takes. */
  readonly length: number;
  /** Whom the proxy speaks for; undefined when for itself, as in its health checks. */
  readonly source: { readonly address: string; readonly port: number } | undefined;
}

/**
 * Reads the header of HAProxy's PROXY protocol, version 1 or 2, from the first bytes of a connection; undefined when
 * more are needed. Throws `LinkError` at the first byte that no header has there.
 */
export function parseProxyHeader(bytes: Uint8Array): ProxyHeader | undefined {
  if (startsLike(bytes, SIGNATURE)) return bytes.length < V2_FIXED_BYTES ? undefined : parseBinary(bytes);
  if (startsLike(bytes, LINE_START)) return parseLine(bytes);
  throw refused("it does not begin with one");
}

function parseLine(bytes: Uint8Array): ProxyHeader | undefined {
  const end = bytes.indexOf(0x0a);
  if (end >= LINE_BYTES_MAX || (end === -1 && bytes.length >= LINE_BYTES_MAX)) {
    throw refused(`its line is longer than ${LINE_BYTES_MAX} bytes`);
  }
  if (end === -1) return undefined;
  const line = ascii.decode(bytes.subarray(0, end + 1));
  // What follows UNKNOWN is to be ignored.
  if (/^PROXY UNKNOWN(?: [^\r\n]*)?\r\n$/.test(line)) return { length: end + 1, source: undefined };
  const [, version, source = "", target = "", sourcePort, targetPort] =
    /^PROXY TCP([46]) ([\da-fA-F.:]+) ([\da-fA-F.:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})\r\n$/.exec(line) ??
      [];
  const isOfVersion = (address: string) =>
    parseAddress(address) !== undefined && address.includes(":") === (version === "6");
  const ports = [Number(sourcePort), Number(targetPort)];
  if (!isOfVersion(source) || !isOfVersion(target) || !ports.every((port) => port <= 0xffff)) {
    throw refused(`its line is ${JSON.stringify(line)}`);
  }
  return { length: end + 1, source: { address: formatAddress(parseAddress(source)!), port: ports[0]! } };
}

function parseBinary(bytes: Uint8Array): ProxyHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [command, family, rest] = [view.getUint8(12), view.getUint8(13), view.getUint16(14)];
  const length = V2_FIXED_BYTES + rest;
  if (command !== COMMAND_LOCAL && command !== COMMAND_PROXY) {
    throw refused(`its version and command are 0x${command.toString(16)}`);
  }
  if (length > HEADER_BYTES_MAX) {
    throw refused(`it says ${length} bytes, at most ${HEADER_BYTES_MAX} are taken`);
  }
  if (bytes.length < length) return undefined;
  if (command === COMMAND_LOCAL) return { length, source: undefined };
  const addressBytes = family === TCP4 ? 4 : family === TCP6 ? 16 : undefined;
  if (addressBytes === undefined) throw refused(`its family 0x${family.toString(16)} is not TCP over IP`);
  if (rest < 2 * addressBytes + 4) throw refused(`its addresses end after ${rest} bytes`);
  // By way of the text, so that an IPv4 address within IPv6 counts as the same as over IPv4.
  const text = formatAddress(bytes.subarray(V2_FIXED_BYTES, V2_FIXED_BYTES + addressBytes));
  const address = formatAddress(parseAddress(text)!);
  return { length, source: { address, port: view.getUint16(V2_FIXED_BYTES + 2 * addressBytes) } };
}

/** Reads a header and not one byte more. Whoever calls bounds the time. */
export async function readProxyHeader(link: Pick<Link, "read">): Promise<ProxyHeader> {
  const bytes = new Uint8Array(HEADER_BYTES_MAX);
  for (let length = 0;;) {
    // One byte at a time behind what both versions surely have: what follows the header belongs to others.
    const wanted = length < LINE_START.length ? LINE_START.length : missing(bytes.subarray(0, length));
    const count = await link.read(bytes.subarray(length, wanted));
    if (count === null) throw refused(`it ended after ${length} bytes`);
    length += count;
    const header = parseProxyHeader(bytes.subarray(0, length));
    if (header) return header;
  }
}

/** How far the next read may go. */
function missing(bytes: Uint8Array): number {
  if (bytes[0] !== SIGNATURE[0]) return bytes.length + 1;
  if (bytes.length < V2_FIXED_BYTES) return V2_FIXED_BYTES;
  return V2_FIXED_BYTES + bytes[14]! * 256 + bytes[15]!;
}

/** Whether the bytes, as far as they go, are those. */
function startsLike(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, index) => index >= bytes.length || bytes[index] === byte);
}

function refused(why: string): LinkError {
  return new LinkError("proxy-header-refused", `Cannot accept the proxy's header: ${why}`);
}

/**
 * Where the links of a listener are those of a proxy, and each begins with a header that says whose it really is.
 * Nobody but the proxies may say so: a peer that is none of them is refused.
 */
export class ProxyListener implements Listener {
  readonly url: string;
  readonly port: number;
  readonly #inner: Listener;
  readonly #trusted: AddressSet;

  constructor(inner: Listener, trusted: AddressSet) {
    this.url = inner.url;
    this.port = inner.port;
    this.#inner = inner;
    this.#trusted = trusted;
  }

  async accept(): Promise<Link | null> {
    const link = await this.#inner.accept();
    return link && new ProxiedLink(link, this.#trusted);
  }

  close(): void {
    this.#inner.close();
  }
}

class ProxiedLink implements Link {
  peer: string;
  address: string | undefined;
  readonly #inner: Link;
  readonly #trusted: AddressSet;

  constructor(inner: Link, trusted: AddressSet) {
    this.#inner = inner;
    this.#trusted = trusted;
    this.peer = inner.peer;
  }

  async open(): Promise<void> {
    const source = await readProxySource(this.#inner, this.#trusted);
    this.address = source?.address ?? this.#inner.address;
    if (source) this.peer = formatEndpoint(source.address, source.port);
  }

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#inner.read(buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#inner.write(bytes);
  }

  close(): void {
    this.#inner.close();
  }
}

/** Whom a link is really from, if its peer may say so; throws `LinkError` if not. */
export async function readProxySource(
  link: Pick<Link, "read" | "address">,
  trusted: AddressSet,
): Promise<ProxyHeader["source"]> {
  if (!trusted.has(link.address ?? "")) {
    throw new LinkError("proxy-header-refused", `Cannot accept ${link.address ?? "this peer"} as a proxy`);
  }
  return (await readProxyHeader(link)).source;
}
