/**
 * The bytes of an IP address, 4 or 16; undefined for anything else. What IPv6 only wraps around an IPv4 address
 * (`::ffff:10.0.0.1`) is that address: a listener for both sees IPv4 peers so.
 */
export function parseAddress(text: string): Uint8Array | undefined {
  if (text.includes(":")) return unwrapped(parseV6(text.replace(/%.*$/, "")));
  return parseV4(text);
}

/** The address as it is usually written. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) => bytes[2 * index]! * 256 + bytes[2 * index + 1]!);
  const text = groups.map((group) => group.toString(16)).join(":");
  const [longest = ""] = [...text.matchAll(/(?<![^:])0(?::0)+(?![^:])/g)].map(([zeros]) => zeros)
    .sort((a, b) => b.length - a.length);
  if (longest === "") return text;
  const start = text.search(new RegExp(`(?<![^:])${longest}(?![^:])`));
  return `${text.slice(0, start).replace(/:$/, "")}::${text.slice(start + longest.length).replace(/^:/, "")}`;
}

/** A host and a port as they stand in a URL. */
export function formatEndpoint(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Who shares a bound on connections: an IPv4 address, or the /64 of an IPv6 address, of which one customer has all and
 * could use each address once.
 */
export function addressOwner(text: string): string {
  const bytes = parseAddress(text);
  if (!bytes) return text;
  return bytes.length === 4 ? formatAddress(bytes) : `${formatAddress(maskedTo(bytes, 64))}/64`;
}

interface Network {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** Addresses and networks: `10.0.0.0/8`, `::1`. */
export class AddressSet {
  readonly #networks: readonly Network[];

  /** Takes only what `isNetwork` accepts. */
  constructor(networks: readonly string[]) {
    this.#networks = networks.flatMap((text) => parseNetwork(text) ?? []);
  }

  get isEmpty(): boolean {
    return this.#networks.length === 0;
  }

  has(address: string): boolean {
    const bytes = parseAddress(address);
    if (!bytes) return false;
    return this.#networks.some((network) =>
      network.bytes.length === bytes.length &&
      maskedTo(bytes, network.bits).every((byte, index) => byte === network.bytes[index])
    );
  }
}

/** Whether this says a network or an address. A network with bits behind its length is a slip: which is meant? */
export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== undefined;
}

function parseNetwork(text: string): Network | undefined {
  const [, address = "", length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bytes = parseAddress(address);
  if (!bytes) return undefined;
  const bits = length === undefined ? bytes.length * 8 : Number(length);
  if (bits > bytes.length * 8) return undefined;
  return maskedTo(bytes, bits).every((byte, index) => byte === bytes[index]) ? { bytes, bits } : undefined;
}

function maskedTo(bytes: Uint8Array, bits: number): Uint8Array {
  return bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))));
}

function parseV4(text: string): Uint8Array | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const numbers = text.split(".").map(Number);
  return numbers.every((number) => number <= 255) ? Uint8Array.from(numbers) : undefined;
}

function parseV6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) => parseGroups(half, index === halves.length - 1));
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const zeros = 16 - head.length - (tail?.length ?? 0);
  if (halves.length === 1 ? zeros !== 0 : zeros < 2) return undefined;
  return Uint8Array.from([...head, ...Array<number>(zeros).fill(0), ...tail ?? []]);
}

/** Groups of 16 bits, the last two perhaps in the form of an IPv4 address. */
function parseGroups(text: string, isEnd: boolean): readonly number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    const v4 = isEnd && index === groups.length - 1 ? parseV4(group) : undefined;
    if (v4) bytes.push(...v4);
    else if (/^[\da-f]{1,4}$/i.test(group)) bytes.push(parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff);
    else return undefined;
  }
  return bytes;
}

function unwrapped(bytes: Uint8Array | undefined): Uint8Array | undefined {
  if (!bytes) return undefined;
  const isWrapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff &&
    bytes[11] === 0xff;
  return isWrapped ? bytes.subarray(12) : bytes;
}
