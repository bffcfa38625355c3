import type { ByteBudget } from "../core/byte_budget.ts";
import { type BufferPool, LARGE_BYTES } from "./buffer_pool.ts";
import type { Link } from "./transport.ts";

/** From this size on, bytes are sent from where they are instead of being copied. */
const REFERENCE_BYTES_MIN = 16 * 1024;

/**
 * From this size on, frames that go out as they came are sent from where they are, as long as nothing else waits with them:
 * to copy 4 KiB for each of 1,000 subscribers took 4 ms, and 64 MiB of buffers.
 */
const LENT_BYTES_MIN = 1024;

/** Written segments that stay in the list until they are dropped together. */
const SEGMENTS_DONE_MAX = 64;

export interface OutboxInit {
  readonly link: Link;
  readonly pool: BufferPool;
  readonly bytesMax: number;
  /** Shared by all outboxes. */
  readonly budget: ByteBudget;
  readonly owner: OutboxOwner;
}

/** Who is told what becomes of the bytes. One object and no closures: an idle connection pays for each. */
export interface OutboxOwner {
  /** The first byte of this turn waits: the turn must flush. */
  outboxDirty(): void;
  /** Everything flushed is with the operating system. */
  outboxDrained(): void;
  outboxFailed(error: unknown): void;
  outboxSent(bytes: number): void;
  /** The link is closed; nothing more will be written. */
  outboxOver(): void;
}

/** A PUBLISH for many, which is a part of other bytes (packet/publish_frame.ts). */
export interface SharedFrame {
  readonly source: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** The part, as a view. */
  readonly bytes: Uint8Array;
  /** Where the packet identifier stands; 0 for nowhere. */
  readonly packetIdOffset: number;
}

interface Segment {
  readonly bytes: Uint8Array;
  /** The pool's buffer that the bytes stand in, if they do. */
  readonly buffer: Uint8Array | undefined;
}

/** What an idle outbox has instead of a list of its own. Never pushed to. */
const NONE: Segment[] = [];

/**
 * Bounded bytes that wait for a link, joined into as few writes as can be.
 *
 *     pushPublish ──> run (frames that follow each other in what came in)
 *                      │ flush, or anything else is pushed
 *     push ──────────> tail (one pooled buffer) ──full, or flush──> segments ──one write in flight──> link
 *                                                 large bytes ─────^ (by reference)
 *
 * Only what was flushed is ever written: later bytes may rest on a commit that is still to come.
 */
export class Outbox {
  readonly #link: Link;
  readonly #pool: BufferPool;
  readonly #budget: ByteBudget;
  readonly #owner: OutboxOwner;
  readonly #bytesMax: number;
  #segments: Segment[] = NONE;
  /** Segments before this one are with the operating system. */
  #nextSegment = 0;
  #tail: Uint8Array | undefined;
  #tailBytes = 0;
  /** Frames that came one after the other and follow the tail: a part of these bytes, not copied yet. */
  #run: Uint8Array | undefined;
  #runStart = 0;
  #runEnd = 0;
  /** The tail is somebody else's frames: to be read only, and not the pool's. */
  #isTailLent = false;
  /** Bytes of the tail that may be written: flushed while a write was in flight. */
  #tailClearedBytes = 0;
  /** Segments from this one on were sealed for want of space, not flushed yet. */
  #segmentsCleared = 0;
  #bytes = 0;
  #isDirty = false;
  #isWriting = false;
  #isEnding = false;
  #isOver = false;
  #written = 0;
  /** Segments before this one rest on earlier batches than `restsOnBatch`. */
  #segmentsKept = 0;
  #restsOnBatch = 0;

  constructor(init: OutboxInit) {
    this.#link = init.link;
    this.#pool = init.pool;
    this.#budget = init.budget;
    this.#owner = init.owner;
    this.#bytesMax = init.bytesMax;
  }

  /** The last batch that the waiting bytes rest on (core/turn.ts). */
  get restsOnBatch(): number {
    return this.#restsOnBatch;
  }

  /** Bytes that wait, those in flight included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the peer has bytes to take; what waits for a commit it could not. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Bytes handed to the operating system so far; standing still while `isWriting` means a peer that stalls. */
  get written(): number {
    return this.#written;
  }

  /** Whether all outboxes together fill more than half of what they share. */
  get isBudgetPressed(): boolean {
    return this.#budget.bytes * 2 > this.#budget.bytesMax;
  }

  /** Something larger than the bound may wait alone: otherwise it would wait for ever. */
  hasRoom(bytes: number): boolean {
    return (this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax) && this.#budget.hasRoom(bytes);
  }

  /** The limit because of which there is no room for so many bytes. */
  fullBy(bytes: number): "outboxBytesMax" | "outboxTotalBytesMax" {
    return this.#budget.hasRoom(bytes) ? "outboxBytesMax" : "outboxTotalBytesMax";
  }

  /** Says that what is pushed from now on rests on this batch, or on an earlier one. */
  restOn(batch: number): void {
    if (batch === this.#restsOnBatch) return;
    this.#restsOnBatch = batch;
    if (!this.#isDirty) return;
    this.#sealTail();
    this.#segmentsKept = this.#segments.length;
  }

  push(bytes: Uint8Array): void {
    if (this.#isOver) return;
    if (bytes.length >= REFERENCE_BYTES_MIN) this.#pushReference(bytes);
    else this.#append(bytes);
    this.#pushed(bytes.length);
  }

  /** Pushes four bytes, the highest first, without an array to hold them. */
  pushWord(word: number): void {
    if (this.#isOver) return;
    const start = this.#reserve(4);
    const tail = this.#tail!;
    tail[start] = word >>> 24;
    tail[start + 1] = word >>> 16;
    tail[start + 2] = word >>> 8;
    tail[start + 3] = word;
    this.#pushed(4);
  }

  /** Pushes an encoded PUBLISH with its own first byte and, if it has a place for one, its own packet identifier. */
  pushPublish(frame: SharedFrame, firstByte: number, packetId: number): void {
    if (this.#isOver) return;
    const { source, start, end, packetIdOffset } = frame;
    if (packetIdOffset > 0 || source[start] !== firstByte) {
      return this.#pushChanged(frame, firstByte, packetId);
    }
    const length = end - start;
    if (this.#run !== source || this.#runEnd !== start) {
      this.#endRun();
      this.#run = source;
      this.#runStart = start;
    }
    this.#runEnd = end;
    this.#pushed(length);
  }

  /** As `pushPublish`, of a frame that does not go out as it came. */
  #pushChanged({ bytes: frame, packetIdOffset }: SharedFrame, firstByte: number, packetId: number): void {
    const isLarge = frame.length >= REFERENCE_BYTES_MIN;
    const headBytes = packetIdOffset > 0 ? packetIdOffset + 2 : 1;
    if (isLarge && headBytes >= REFERENCE_BYTES_MIN) {
      // A topic so long that even the head is large: a patched copy is the simple way for a rare packet.
      const patched = frame.slice();
      patched[0] = firstByte;
      if (packetIdOffset > 0) new DataView(patched.buffer).setUint16(packetIdOffset, packetId);
      return this.push(patched);
    }
    const copied = isLarge ? frame.subarray(0, headBytes) : frame;
    const start = this.#append(copied);
    const tail = this.#tail!;
    tail[start] = firstByte;
    if (packetIdOffset > 0) {
      tail[start + packetIdOffset] = packetId >> 8;
      tail[start + packetIdOffset + 1] = packetId & 0xff;
    }
    if (isLarge) this.#pushReference(frame.subarray(copied.length));
    this.#pushed(frame.length);
  }

  /** Begins to write what waits, unless a write is in flight: then it follows that one. */
  flush(): void {
    this.#isDirty = false;
    this.#endRun();
    this.#segmentsKept = 0;
    this.#segmentsCleared = this.#segments.length;
    this.#tailClearedBytes = this.#tailBytes;
    if (!this.#isWriting && !this.#isOver) void this.#drain();
  }

  /** As `flush`, for what rests on earlier batches than the last. */
  flushKept(): void {
    this.#endRun(); // The turn is over, and the chunk may be large.
    if (this.#segmentsKept <= this.#segmentsCleared) return;
    this.#segmentsCleared = this.#segmentsKept;
    if (!this.#isWriting && !this.#isOver) void this.#drain();
  }

  /** Closes the link once everything flushed is written. */
  end(): void {
    this.#isEnding = true;
    if (!this.#isWriting && this.#bytes === 0) this.abandon();
  }

  /** Closes the link and forgets what waits. Idempotent. */
  abandon(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#link.close();
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
    this.#segments = NONE;
    this.#tail = undefined;
    this.#run = undefined;
    this.#owner.outboxOver();
  }

  #pushed(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.take(bytes);
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#owner.outboxDirty();
  }

  /**
   * What was pushed as it came joins the tail, by one copy; or is the tail, if nothing else waits: at most one such for
   * each link, lest small frames hold the large chunks that they came in. If it is long, it is a segment of its own.
   */
  #endRun(): void {
    const source = this.#run;
    if (!source) return;
    this.#run = undefined;
    const run = source.subarray(this.#runStart, this.#runEnd);
    if (run.length >= REFERENCE_BYTES_MIN) return this.#pushReference(run);
    if (this.#bytes > run.length || run.length < LENT_BYTES_MIN) return void this.#append(run);
    this.#tail = run;
    this.#tailBytes = run.length;
    this.#isTailLent = true;
  }

  /** Copies bytes (fewer than a large buffer's) behind the others; answers where in the tail they begin. */
  #append(bytes: Uint8Array): number {
    const start = this.#reserve(bytes.length);
    this.#tail!.set(bytes, start);
    return start;
  }

  #reserve(bytes: number): number {
    this.#endRun();
    if (!this.#tail) this.#tail = this.#pool.take(bytes);
    else if (this.#isTailLent) this.#copyTail(bytes);
    else if (this.#tailBytes + bytes > this.#tail.length) this.#makeRoom(bytes);
    const start = this.#tailBytes;
    this.#tailBytes = start + bytes;
    return start;
  }

  /** Something else goes out with the frame that was lent. */
  #copyTail(bytes: number): void {
    const frame = this.#tail!;
    if (frame.length + bytes > LARGE_BYTES) {
      this.#sealTail();
      this.#tail = this.#pool.take(bytes);
      return;
    }
    this.#tail = this.#pool.take(frame.length + bytes);
    this.#tail.set(frame);
    this.#isTailLent = false;
  }

  #makeRoom(bytes: number): void {
    const tail = this.#tail!;
    if (tail.length < LARGE_BYTES && this.#tailBytes + bytes <= LARGE_BYTES) {
      this.#tail = this.#pool.take(LARGE_BYTES);
      this.#tail.set(tail.subarray(0, this.#tailBytes));
      this.#pool.give(tail);
    } else {
      this.#sealTail();
      this.#tail = this.#pool.take(LARGE_BYTES);
    }
  }

  #pushReference(bytes: Uint8Array): void {
    this.#sealTail();
    this.#pushSegment(bytes, undefined);
  }

  /** Turns the tail into segments: what is cleared for writing and what is not stay apart. */
  #sealTail(): void {
    this.#endRun();
    const buffer = this.#tail;
    if (!buffer || this.#tailBytes === 0) return;
    const cleared = this.#tailClearedBytes;
    if (this.#isTailLent) {
      this.#pushSegment(buffer, undefined);
      if (cleared > 0) this.#segmentsCleared = this.#segments.length;
    } else if (cleared > 0 && cleared < this.#tailBytes) {
      this.#pushSegment(buffer.subarray(0, cleared), undefined);
      this.#segmentsCleared = this.#segments.length;
      this.#pushSegment(buffer.subarray(cleared, this.#tailBytes), buffer);
    } else {
      this.#pushSegment(buffer.subarray(0, this.#tailBytes), buffer);
      if (cleared > 0) this.#segmentsCleared = this.#segments.length;
    }
    this.#tail = undefined;
    this.#tailBytes = 0;
    this.#isTailLent = false;
    this.#tailClearedBytes = 0;
  }

  #pushSegment(bytes: Uint8Array, buffer: Uint8Array | undefined): void {
    if (this.#segments === NONE) this.#segments = [{ bytes, buffer }];
    else this.#segments.push({ bytes, buffer });
  }

  #nextCleared(): Segment | undefined {
    if (this.#nextSegment >= SEGMENTS_DONE_MAX) this.#dropDone();
    if (this.#nextSegment < this.#segmentsCleared) return this.#segments[this.#nextSegment++];
    if (this.#segments.length > this.#nextSegment) return undefined;
    this.#nextSegment = this.#segmentsCleared = this.#segmentsKept = 0;
    this.#segments = NONE;
    if (this.#tailClearedBytes === 0) return undefined;
    this.#sealTail();
    return this.#segments[this.#nextSegment++];
  }

  /** A peer that is always behind would otherwise never let the done segments go. */
  #dropDone(): void {
    this.#segments = this.#segments.slice(this.#nextSegment);
    this.#segmentsCleared -= this.#nextSegment;
    this.#segmentsKept = Math.max(0, this.#segmentsKept - this.#nextSegment);
    this.#nextSegment = 0;
  }

  async #drain(): Promise<void> {
    this.#isWriting = true;
    try {
      for (let segment = this.#nextCleared(); segment; segment = this.#nextCleared()) {
        const { bytes, buffer } = segment;
        for (let sent = 0; sent < bytes.length;) {
          const count = await this.#link.write(sent === 0 ? bytes : bytes.subarray(sent));
          if (this.#isOver) return;
          sent += count;
          this.#bytes -= count;
          this.#written += count;
          this.#budget.give(count);
          this.#owner.outboxSent(count);
        }
        if (buffer) this.#pool.give(buffer);
      }
    } catch (error) {
      this.#isWriting = false;
      if (!this.#isOver) this.#owner.outboxFailed(error);
      return;
    }
    this.#isWriting = false;
    if (this.#isEnding && this.#bytes === 0) this.abandon();
    else this.#owner.outboxDrained();
  }
}
