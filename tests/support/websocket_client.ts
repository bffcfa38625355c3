import type { Link } from "../../broker/transport/transport.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

export interface HandshakeOptions {
  readonly path?: string;
  /** Added to those of an honest client, or instead of them; null takes one away. */
  readonly headers?: Readonly<Record<string, string | null>>;
}

/** A frame as a client sends it, or as nobody may. */
export interface FrameOptions {
  readonly opcode?: number;
  readonly isFinal?: boolean;
  readonly isMasked?: boolean;
  readonly reserved?: number;
  /** The length that the header says, if not the payload's. */
  readonly length?: number;
  /** Bytes that say the length: as few as can be, if not given. */
  readonly lengthBytes?: 0 | 2 | 8;
}

export function handshake({ path = "/mqtt", headers = {} }: HandshakeOptions = {}): Uint8Array {
  const all: Record<string, string | null> = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "mqtt",
    ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== null).map(([name, value]) =>
    `${name}: ${value}`
  );
  return encoder.encode([`GET ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
}

export function frame(payload: Uint8Array, options: FrameOptions = {}): Uint8Array {
  const { opcode = 2, isFinal = true, isMasked = true, reserved = 0, length = payload.length } = options;
  const { lengthBytes = length < 126 ? 0 : length <= 0xffff ? 2 : 8 } = options;
  const head = [(isFinal ? 0x80 : 0) | reserved | opcode, isMasked ? 0x80 : 0];
  if (lengthBytes === 0) head[1]! |= length;
  else head[1]! |= lengthBytes === 2 ? 126 : 127;
  const said = new Uint8Array(8);
  new DataView(said.buffer).setBigUint64(0, BigInt(length));
  head.push(...said.subarray(8 - lengthBytes));
  const mask = [0x37, 0xfa, 0x21, 0x3d];
  const body = isMasked ? payload.map((byte, index) => byte ^ mask[index & 3]!) : payload;
  return Uint8Array.from([...head, ...(isMasked ? mask : []), ...body]);
}

/** What a server sends: frames of a kind, whole and not masked. */
export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** Reads the answer to a handshake and then frames, from the client's end of a link. */
export class WebSocketReader {
  readonly #link: Link;
  #bytes = new Uint8Array(0);

  constructor(link: Link) {
    this.#link = link;
  }

  async head(): Promise<string> {
    for (;;) {
      const end = decoder.decode(this.#bytes).indexOf("\r\n\r\n");
      if (end !== -1) return decoder.decode(this.#take(end + 4));
      if (!await this.#more()) return decoder.decode(this.#take(this.#bytes.length));
    }
  }

  /** Everything up to the end. */
  async rest(): Promise<string> {
    while (await this.#more());
    return decoder.decode(this.#bytes);
  }

  /** Undefined at the end. */
  async frame(): Promise<ServerFrame | undefined> {
    if (!await this.#until(2)) return undefined;
    const short = this.#bytes[1]!;
    const start = short === 127 ? 10 : short === 126 ? 4 : 2;
    await this.#until(start);
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset);
    const length = short === 127 ? Number(view.getBigUint64(2)) : short === 126 ? view.getUint16(2) : short;
    if (!await this.#until(start + length)) return undefined;
    const whole = this.#take(start + length);
    return { opcode: whole[0]!, payload: whole.subarray(start) };
  }

  async #until(length: number): Promise<boolean> {
    while (this.#bytes.length < length) if (!await this.#more()) return false;
    return true;
  }

  async #more(): Promise<boolean> {
    const buffer = new Uint8Array(64 * 1024);
    const count = await this.#link.read(buffer);
    if (count === null) return false;
    const joined = new Uint8Array(this.#bytes.length + count);
    joined.set(this.#bytes);
    joined.set(buffer.subarray(0, count), this.#bytes.length);
    this.#bytes = joined;
    return true;
  }

  #take(length: number): Uint8Array {
    const taken = this.#bytes.slice(0, length);
    this.#bytes = this.#bytes.slice(length);
    return taken;
  }
}

/** The client's end of a WebSocket as a link: every write is a frame, every read gives what a frame had. */
export class WebSocketClientLink implements Link {
  readonly peer = "websocket";
  readonly #link: Link;
  readonly #reader: WebSocketReader;
  readonly #opened: Promise<unknown>;
  #payload: Uint8Array = new Uint8Array(0);

  constructor(link: Link) {
    this.#link = link;
    this.#reader = new WebSocketReader(link);
    this.#opened = writeAll(link, handshake()).then(() => this.#reader.head());
    this.#opened.catch(() => {});
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    await this.#opened;
    while (this.#payload.length === 0) {
      const frame = await this.#reader.frame();
      if (!frame || frame.opcode === 0x88) return null;
      this.#payload = frame.payload;
    }
    const count = Math.min(buffer.length, this.#payload.length);
    buffer.set(this.#payload.subarray(0, count));
    this.#payload = this.#payload.subarray(count);
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#opened;
    const part = bytes.subarray(0, 50_000);
    await writeAll(this.#link, frame(part));
    return part.length;
  }

  close(): void {
    this.#link.close();
  }
}

async function writeAll(link: Link, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await link.write(bytes.subarray(sent));
}
