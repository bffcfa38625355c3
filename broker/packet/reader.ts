import { PacketError } from "./packet_error.ts";
import { PROPERTY_LIMITS, type PropertyLimits } from "./property_limits.ts";
import { ReasonCode } from "./reason_code.ts";
import type { StringCache } from "./string_cache.ts";
import { decodeUtf8 } from "./utf8.ts";

const NOTHING = new Uint8Array(0);

/** Cursor over a range of bytes. Never reads outside of it; what it returns may be a view of it. */
export class Reader {
  #bytes: Uint8Array = NOTHING;
  #position = 0;
  #end = 0;
  readonly #strings: StringCache | undefined;
  readonly propertyLimits: PropertyLimits;

  /** @param strings remembers strings; without it each one is decoded anew */
  constructor(strings?: StringCache, propertyLimits: PropertyLimits = PROPERTY_LIMITS) {
    this.#strings = strings;
    this.propertyLimits = propertyLimits;
  }

  /** Starts anew on `bytes` from `start` up to `end`, which must lie inside. */
  reset(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  /** Index of the next byte, counted from the beginning of the bytes given to `reset`. */
  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#end - this.#position;
  }

  u8(): number {
    const position = this.#take(1);
    return this.#bytes[position]!;
  }

  u16(): number {
    const position = this.#take(2);
    return (this.#bytes[position]! << 8) | this.#bytes[position + 1]!;
  }

  u32(): number {
    const position = this.#take(4);
    const bytes = this.#bytes;
    const high = (bytes[position]! << 24) | (bytes[position + 1]! << 16);
    return (high | (bytes[position + 2]! << 8) | bytes[position + 3]!) >>> 0;
  }

  /** A variable byte integer: seven bits a byte, lowest first, at most four bytes. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (byte === 0 && shift > 0) break; // [MQTT5-1.5.5-1]
      return value;
    }
    throw new PacketError(
      ReasonCode.malformedPacket,
      "Cannot read variable byte integer: more than 4 bytes, or more than it needs",
    );
  }

  /** The next `length` bytes, as a view. */
  bytes(length: number): Uint8Array {
    const position = this.#take(length);
    return this.#bytes.subarray(position, position + length);
  }

  /** Bytes that begin with their length in two bytes, as a view. */
  binary(): Uint8Array {
    return this.bytes(this.u16());
  }

  string(): string {
    return decodeUtf8(this.binary());
  }

  /** A string that is likely to come again, such as a topic. */
  cachedString(): string {
    const strings = this.#strings;
    if (strings === undefined) return this.string();
    const length = this.u16();
    const position = this.#take(length);
    return strings.decode(this.#bytes, position, position + length);
  }

  /** Narrows the reading to a block of the next `length` bytes; `leave` takes what this returns. */
  enter(length: number): number {
    const outerEnd = this.#end;
    if (length > this.remaining) this.#fail(length);
    this.#end = this.#position + length;
    return outerEnd;
  }

  /** Ends the reading of a block, and widens it to what is behind. */
  leave(outerEnd: number): void {
    this.end();
    this.#end = outerEnd;
  }

  /** Ends the reading: a block ends exactly where its length says. */
  end(): void {
    if (this.#position === this.#end) return;
    throw new PacketError(
      ReasonCode.malformedPacket,
      `Cannot accept packet: ${this.remaining} bytes left after its last field`,
    );
  }

  /** Moves on by `length` bytes and returns where they begin. */
  #take(length: number): number {
    const position = this.#position;
    if (length > this.#end - position) this.#fail(length);
    this.#position = position + length;
    return position;
  }

  #fail(length: number): never {
    throw new PacketError(
      ReasonCode.malformedPacket,
      `Cannot read ${length} bytes: the packet ends after ${this.remaining}`,
    );
  }
}
