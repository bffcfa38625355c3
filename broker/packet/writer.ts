import { PacketError } from "./packet_error.ts";
import { ReasonCode } from "./reason_code.ts";
import { encodeUtf8, STRING_BYTES_MAX } from "./utf8.ts";

/** Room kept in front for the fixed header: first byte and at most four bytes of remaining length. */
const HEADER_BYTES_MAX = 5;
/** The largest variable byte integer. */
export const VARINT_MAX = 0x0fff_ffff;

/** Cursor that writes the body of a packet, then puts the fixed header in front of it. */
export class Writer {
  #bytes: Uint8Array;
  #position = HEADER_BYTES_MAX;

  /** @param capacity expected bytes of the body; it grows when they do not suffice */
  constructor(capacity = 32) {
    this.#bytes = new Uint8Array(HEADER_BYTES_MAX + capacity);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#position - HEADER_BYTES_MAX;
  }

  u8(value: number): void {
    const position = this.#take(1);
    this.#bytes[position] = value;
  }

  u16(value: number): void {
    if (!(value >= 0 && value <= 0xffff)) {
      throw new PacketError(
        ReasonCode.malformedPacket,
        `Cannot encode ${value} in 2 bytes: 65535 is the most`,
      );
    }
    const position = this.#take(2);
    this.#bytes[position] = value >>> 8;
    this.#bytes[position + 1] = value;
  }

  u32(value: number): void {
    if (value !== value >>> 0) {
      throw new PacketError(
        ReasonCode.malformedPacket,
        `Cannot encode ${value} in 4 bytes: a whole number from 0 to 4294967295 is needed`,
      );
    }
    this.u16(value >>> 16);
    this.u16(value & 0xffff);
  }

  varint(value: number): void {
    if (!(value >= 0)) {
      throw new PacketError(ReasonCode.malformedPacket, `Cannot encode variable byte integer ${value}`);
    }
    const length = varintLength(value);
    this.#putVarint(this.#take(length), value);
  }

  bytes(bytes: Uint8Array): void {
    const position = this.#take(bytes.length);
    this.#bytes.set(bytes, position);
  }

  /** Bytes after their length in two bytes. */
  binary(bytes: Uint8Array): void {
    if (bytes.length > STRING_BYTES_MAX) {
      throw new PacketError(
        ReasonCode.malformedPacket,
        `Cannot encode binary field of ${bytes.length} bytes: at most ${STRING_BYTES_MAX} fit`,
      );
    }
    this.u16(bytes.length);
    this.bytes(bytes);
  }

  string(text: string): void {
    if (!this.#asciiString(text)) this.binary(encodeUtf8(text));
  }

  /** Begins a block which its length precedes, as a variable byte integer; `endBlock` takes what this returns. */
  beginBlock(): number {
    return this.#take(1);
  }

  /** Ends a block, and returns how many bytes its length took: one was kept, for more the block moves. */
  endBlock(start: number): number {
    const length = this.#position - start - 1;
    const lengthBytes = varintLength(length);
    if (lengthBytes > 1) {
      this.#take(lengthBytes - 1);
      this.#bytes.copyWithin(start + lengthBytes, start + 1, start + 1 + length);
    }
    this.#putVarint(start, length);
    return lengthBytes;
  }

  /** What was written, without a header, as a view. */
  finish(): Uint8Array {
    return this.#bytes.subarray(HEADER_BYTES_MAX, this.#position);
  }

  /** What was written as a packet: behind a fixed header with this first byte. */
  finishPacket(firstByte: number): Uint8Array {
    const start = HEADER_BYTES_MAX - 1 - varintLength(this.length);
    this.#bytes[start] = firstByte;
    this.#putVarint(start + 1, this.length);
    return this.#bytes.subarray(start, this.#position);
  }

  /** Writes a string of U+0001 to U+007F, ten times as fast as a TextEncoder; false if it is not one. */
  #asciiString(text: string): boolean {
    const length = text.length;
    if (length > STRING_BYTES_MAX) return false;
    const start = this.#take(2 + length);
    const bytes = this.#bytes;
    bytes[start] = length >>> 8;
    bytes[start + 1] = length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code === 0 || code > 0x7f) {
        this.#position = start;
        return false;
      }
      bytes[start + 2 + i] = code;
    }
    return true;
  }

  /** Makes room for `length` bytes and returns where they begin. */
  #take(length: number): number {
    const position = this.#position;
    this.#position = position + length;
    if (this.#position > this.#bytes.length) this.#grow();
    return position;
  }

  #grow(): void {
    const bytes = new Uint8Array(Math.max(this.#bytes.length * 2, this.#position));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }

  #putVarint(position: number, value: number): void {
    let rest = value;
    let at = position;
    for (; rest > 0x7f; rest >>>= 7) this.#bytes[at++] = (rest & 0x7f) | 0x80;
    this.#bytes[at] = rest;
  }
}

function varintLength(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value <= VARINT_MAX) return 4;
  throw new PacketError(
    ReasonCode.packetTooLarge,
    `Cannot encode variable byte integer ${value}: at most ${VARINT_MAX} fits`,
  );
}
