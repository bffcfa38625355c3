import { PacketError } from "./packet_error.ts";
import type { PropertyLimits } from "./property_limits.ts";
import { Reader } from "./reader.ts";
import { ReasonCode } from "./reason_code.ts";
import { Slab } from "./slab.ts";
import type { StringCache } from "./string_cache.ts";

const NOTHING = new Uint8Array(0);
/** First size of the buffer for a packet that came in pieces; most such packets are small. */
const GATHER_BYTES_MIN = 64;
/** Room for so many times what has arrived: a packet of two chunks is copied once, a lie about a length costs little. */
const GATHER_FACTOR = 4;
/** From so many missing bytes on, the rest of a packet is worth reads of its own. */
const DIRECT_BYTES_MIN = 16 * 1024;
/**
 * CONNECT, CONNACK and PUBLISH stand below: of the others nothing but numbers, strings and copies outlives decoding.
 */
const HEADER_WITHOUT_VIEWS_MIN = 0x40;
/** First byte and at most four bytes of remaining length. */
const HEADER_BYTES_MAX = 5;

/** What readers may have in common, as many as like. */
export interface FrameReaderParts {
  /** Remembers strings. */
  readonly strings?: StringCache;
  /** `PROPERTY_LIMITS` unless given. */
  readonly propertyLimits?: PropertyLimits;
  /** Where lent chunks are copied to. */
  readonly slab?: Slab;
}

/**
 * Cuts whole packets out of a stream of chunks.
 *
 *     chunk   |..done..|P1......|P2....|P3..      P1 and P2 are views of the chunk: nothing is copied
 *                      ^position
 *     gather  |P3..                               the rest is copied out, lest it pin the whole chunk
 *     gather  |P3......|                          and completed from the chunks that follow, or, where
 *                                                 much is missing (`room`), read into without a copy
 *
 * - A length is checked as soon as it is known, before anything of its packet is kept.
 * - The gather buffer grows as bytes really arrive; the length that a header claims only limits it, unless such a large
 *   packet has come before.
 * - Packets are views of chunk or gather buffer, so neither is ever written again once a packet was cut from it.
 */
export class FrameReader {
  /** The largest packet taken, with its header. A change counts for packets whose length is not known yet. */
  packetBytesMax: number;
  /** On the bytes behind the fixed header of the packet that `next` found. */
  readonly body: Reader;

  readonly #slab: Slab;
  #chunk: Uint8Array = NOTHING;
  #isLent = false;
  #position = 0;

  #gather: Uint8Array = NOTHING;
  #gatheredBytes = 0;
  /** Length of the packet being gathered; 0 while its header is not complete. */
  #wantedBytes = 0;
  /** The largest packet that was gathered. */
  #largestBytes = 0;
  #isAfterLarge = false;

  #source: Uint8Array = NOTHING;
  #start = 0;
  #end = 0;
  #header = 0;
  #isPadded = false;

  constructor(packetBytesMax: number, parts: FrameReaderParts = {}) {
    this.packetBytesMax = packetBytesMax;
    this.body = new Reader(parts.strings, parts.propertyLimits);
    this.#slab = parts.slab ?? new Slab();
  }

  /** First byte of the packet that `next` found: type and flags. */
  get header(): number {
    return this.#header;
  }

  /** The packet that `next` found, header included, is that part of these bytes. */
  get source(): Uint8Array {
    return this.#source;
  }

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  /** Bytes of fixed header and body already read: where `body` stands in the packet. */
  get bodyOffset(): number {
    return this.body.position - this.#start;
  }

  /** Bytes of the packet that `next` found, header included. */
  get packetBytes(): number {
    return this.#end - this.#start;
  }

  /** Whether a packet that was worth reads of its own came last: the next may be one as well. */
  get isAfterLarge(): boolean {
    return this.#isAfterLarge;
  }

  /** Bytes that arrived and are not part of a packet that `next` found. */
  get bufferedBytes(): number {
    return this.#gatheredBytes + this.#chunk.length - this.#position;
  }

  /** The remaining length was written with more bytes than it needs; MQTT 3.1.1 does not forbid that, 5.0 does. */
  get isPadded(): boolean {
    return this.#isPadded;
  }

  /** Refuses what `isPadded`, which is for MQTT 5.0. */
  refusePadding(): void {
    if (!this.#isPadded) return;
    throw new PacketError( // [MQTT5-1.5.5-1]
      ReasonCode.malformedPacket,
      "Cannot accept remaining length: it has more bytes than it needs",
    );
  }

  /**
   * Takes the next chunk. Call it when `next` has returned false.
   *
   * @param isLent the chunk's memory is written again once `next` has returned false; packets that hold views of it
   * are then copied out of it, the rest of the chunk with them. Otherwise nobody else may write to it any more.
   */
  push(chunk: Uint8Array, isLent = false): void {
    const unread = this.#chunk.length - this.#position;
    this.#isLent = isLent && unread === 0;
    if (unread === 0) {
      this.#chunk = chunk;
    } else {
      const joined = new Uint8Array(unread + chunk.length);
      joined.set(this.#chunk.subarray(this.#position));
      joined.set(chunk, unread);
      this.#chunk = joined;
    }
    this.#position = 0;
  }

  /**
   * Where the next bytes may be read to without a copy: the rest of a large packet. `filled` then says how many came.
   * Undefined if they belong into a chunk of their own. Call it when `next` has returned false.
   */
  room(): Uint8Array | undefined {
    if (this.#wantedBytes - this.#gatheredBytes < DIRECT_BYTES_MIN) return undefined;
    if (this.#gatheredBytes === this.#gather.length) this.#grow(this.#gatheredBytes);
    return this.#gather.subarray(this.#gatheredBytes);
  }

  /** Takes so many bytes that were read into `room`. */
  filled(count: number): void {
    this.#gatheredBytes += count;
  }

  /** Finds the next whole packet: true with `header` and `body` set, or false when more bytes must come first. */
  next(): boolean {
    if (this.#gatheredBytes > 0) return this.#nextGathered();
    const start = this.#position;
    const length = this.#measure(this.#chunk, start, this.#chunk.length);
    if (length === 0 || length > this.#chunk.length - start) {
      this.#wantedBytes = length;
      this.#keep(this.#chunk.length - start);
      this.#release();
      return false;
    }
    if (this.#isLent && this.#chunk[start]! < HEADER_WITHOUT_VIEWS_MIN) return this.#own();
    this.#cut(this.#chunk, start, start + length);
    this.#position = start + length;
    this.#isAfterLarge = false;
    return true;
  }

  /** Copies what is left of a lent chunk, once, and goes on there. */
  #own(): boolean {
    this.#isLent = false;
    this.#chunk = this.#slab.copy(this.#position === 0 ? this.#chunk : this.#chunk.subarray(this.#position));
    this.#position = 0;
    return this.next();
  }

  #nextGathered(): boolean {
    while (this.#wantedBytes === 0) {
      if (this.#position === this.#chunk.length) return this.#release();
      this.#keep(1);
      this.#wantedBytes = this.#measure(this.#gather, 0, this.#gatheredBytes);
    }
    const missing = this.#wantedBytes - this.#gatheredBytes;
    this.#keep(Math.min(missing, this.#chunk.length - this.#position));
    if (this.#gatheredBytes < this.#wantedBytes) return this.#release();
    this.#cut(this.#gather, 0, this.#wantedBytes);
    if (this.#wantedBytes > this.#largestBytes) this.#largestBytes = this.#wantedBytes;
    this.#isAfterLarge = this.#wantedBytes > DIRECT_BYTES_MIN;
    this.#gather = NOTHING;
    this.#gatheredBytes = 0;
    this.#wantedBytes = 0;
    return true;
  }

  /** Length of the packet at `start`, or 0 while its header is not complete. */
  #measure(bytes: Uint8Array, start: number, end: number): number {
    let remainingLength = 0;
    for (let at = start + 1; at < end; at++) {
      const byte = bytes[at]!;
      remainingLength |= (byte & 0x7f) << (7 * (at - start - 1));
      if (byte < 0x80) return this.#checkLength(at + 1 - start + remainingLength);
      if (at - start === HEADER_BYTES_MAX - 1) {
        throw new PacketError(ReasonCode.malformedPacket, "Cannot read remaining length: more than 4 bytes");
      }
    }
    return 0;
  }

  #checkLength(length: number): number {
    if (length <= this.packetBytesMax) return length;
    throw new PacketError(
      ReasonCode.packetTooLarge, // [MQTT5-3.2.2-15]
      `Cannot accept packet of ${length} bytes: at most ${this.packetBytesMax} are allowed`,
    );
  }

  /** Makes `start` to `end` of `source` the packet found. */
  #cut(source: Uint8Array, start: number, end: number): void {
    let bodyStart = start + 1;
    while (source[bodyStart++]! >= 0x80);
    this.#isPadded = bodyStart > start + 2 && source[bodyStart - 1] === 0;
    this.#source = source;
    this.#start = start;
    this.#end = end;
    this.#header = source[start]!;
    this.body.reset(source, bodyStart, end);
  }

  /** Moves the next bytes of the chunk into the gather buffer. */
  #keep(count: number): void {
    const needed = this.#gatheredBytes + count;
    if (needed > this.#gather.length) this.#grow(needed);
    this.#gather.set(this.#chunk.subarray(this.#position, this.#position + count), this.#gatheredBytes);
    this.#gatheredBytes = needed;
    this.#position += count;
  }

  #grow(needed: number): void {
    const roomy = Math.max(needed * GATHER_FACTOR, GATHER_BYTES_MIN);
    const isKnown = this.#wantedBytes > 0;
    const grown = new Uint8Array(
      isKnown ? Math.min(Math.max(roomy, this.#largestBytes), this.#wantedBytes) : roomy,
    );
    grown.set(this.#gather.subarray(0, this.#gatheredBytes));
    this.#gather = grown;
  }

  /** Lets go of the chunk and the packet cut last: an idle connection must not hold them in memory. */
  #release(): false {
    this.#chunk = NOTHING;
    this.#position = 0;
    this.#source = NOTHING;
    this.#start = 0;
    this.#end = 0;
    this.body.reset(NOTHING);
    return false;
  }
}
