import type { Limits, Message } from "../../broker/mod.ts";
import { BLOCK_MESSAGES, ReplayBlock } from "./replay_block.ts";

/** Blocks that wait to be used again. */
const SPARES_MAX = 2;

/**
 * The newest messages of the broker, in order: what a stream that lost its connection catches up from.
 *
 *     blocks    │ 0 … 1023 │ 1024 … 2047 │ 2048 …     │     by sequence
 *                   ▲ oldest               ▲ newest
 *
 * - Sequences have no gaps while the broker runs: every message that it takes comes by here. What the process before this
 *   one gave away and did not keep is a gap, and a block of which nothing is there is none at all.
 * - Bounded by count, bytes and age; the oldest goes, and a block when all of it is gone.
 */
export class ReplayLog {
  #blocks: (ReplayBlock | undefined)[] = [];
  /** The last block, while there is one that takes messages. */
  #newest: ReplayBlock | undefined;
  /** Place in the last block of the message to come, and in the first of the oldest: no division for each message. */
  #nextIndex = 0;
  #oldestIndex = 0;
  /** Number of the first block: the sequence of its first message divided by the messages of a block. */
  #firstBlock = 0;
  readonly #spares: ReplayBlock[] = [];
  #oldest = 0;
  #next = 0;
  #bytes = 0;
  /** Messages, gaps left out. */
  #count = 0;
  /** Time of the oldest; Infinity if there is none. */
  #oldestTime = Infinity;
  /** When the gaps came about. */
  #gapTime = 0;
  /** Everything after this moment, in milliseconds since 1970, is in the log. */
  #completeSince: number;
  /** Shortly before this sequence the process ended without warning: what nobody was promised may be missing. */
  #unsureUntil = 0;
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  readonly #ageMsMax: number;

  /**
   * @param sequence of the newest message that the log has missed; 0 if none
   * @param now in milliseconds since 1970
   */
  constructor(limits: Limits, sequence: number, now: number) {
    this.#messagesMax = limits.replayMessagesMax;
    this.#bytesMax = limits.replayBytesMax;
    this.#ageMsMax = limits.replaySeconds * 1000;
    this.#beginAt(sequence + 1);
    this.#completeSince = sequence === 0 ? -Infinity : now;
  }

  /** Sequence of the oldest message; of the one to come if there is none. */
  get oldest(): number {
    return this.#oldest;
  }

  /** Sequence of the message to come. */
  get next(): number {
    return this.#next;
  }

  /** Of the messages in the log. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The message with the sequence, if it is in the log. */
  get(sequence: number): Message | undefined {
    if (sequence < this.#oldest || sequence >= this.#next) return undefined;
    return this.#blockOf(sequence)?.read(sequence % BLOCK_MESSAGES, sequence);
  }

  /** Bytes of a message in the log. */
  bytesOf(sequence: number): number {
    return this.#blockOf(sequence)?.bytesOf(sequence % BLOCK_MESSAGES) ?? 0;
  }

  get unsureUntil(): number {
    return this.#unsureUntil;
  }

  /** Whether something behind this sequence may be missing, of what nobody was promised. */
  isUnsureAfter(sequence: number): boolean {
    return this.#unsureUntil >= Math.max(sequence + 1, this.#oldest);
  }

  /**
   * Takes over what the process before this one kept. Before anything else.
   *
   * @param messages in their order; a sequence that is not among them was of no interest, or is lost
   * @param from no message that is of interest is missing from here …
   * @param until … to here
   * @param unsureUntil of the process before this one
   * @param last sequence that the process before this one may have given to a message
   */
  restore({ messages, from, until, unsureUntil, last, now }: {
    readonly messages: readonly Message[];
    readonly from: number;
    readonly until: number;
    readonly unsureUntil: number;
    readonly last: number;
    readonly now: number;
  }): void {
    if (from === 0) return;
    this.#beginAt(from);
    this.#completeSince = from === 1 ? -Infinity : messages[0]?.time ?? now;
    this.#gapTime = now;
    for (const message of messages) {
      if (message.sequence < from) continue;
      this.#appendGap(message.sequence, message.time);
      this.append(message);
    }
    this.#appendGap(last + 1, now);
    this.#unsureUntil = last === until ? unsureUntil : last;
  }

  /** Topic of a message in the log: enough to see whether anybody wants the rest. Empty for one that is not kept. */
  topicOf(sequence: number): string {
    return this.#blockOf(sequence)?.topicOf(sequence % BLOCK_MESSAGES) ?? "";
  }

  /** The sequence behind this one, or behind the whole block where nothing is there. */
  after(sequence: number): number {
    return this.#blockOf(sequence) ? sequence + 1 : endOfBlock(sequence);
  }

  /** Observes every message of the broker. Some plain stores, since the broker may take a million a second. */
  append(message: Message): void {
    const { sequence, time } = message;
    if (sequence !== this.#next) this.#restart(sequence, time);
    if (this.#nextIndex === BLOCK_MESSAGES || !this.#newest) this.#beginBlock(sequence);
    this.#bytes += this.#newest!.append(this.#nextIndex++, message);
    this.#next = sequence + 1;
    this.#count++;
    if (this.#oldestTime === Infinity) this.#oldestTime = time;
    while (this.#bytes > this.#bytesMax || this.#count > this.#messagesMax) this.#evict();
    if (this.#oldestTime < time - this.#ageMsMax) this.trim(time);
  }

  /** Nothing is there up to this sequence. */
  #appendGap(end: number, time: number): void {
    while (this.#next < end) {
      const isWholeBlock = this.#next % BLOCK_MESSAGES === 0 && endOfBlock(this.#next) <= end;
      if (isWholeBlock) {
        if (this.#blocks.length === 0) this.#firstBlock = this.#next / BLOCK_MESSAGES;
        this.#blocks.push(undefined);
        this.#newest = undefined;
        this.#next = endOfBlock(this.#next);
      } else {
        if (this.#nextIndex === BLOCK_MESSAGES || !this.#newest) this.#beginBlock(this.#next);
        this.#newest!.appendGap(this.#nextIndex++, time);
        this.#next++;
      }
      if (this.#oldestTime === Infinity) this.#oldestTime = time;
    }
  }

  /** Lets go of what is too old. */
  trim(now: number): void {
    while (this.#oldestTime < now - this.#ageMsMax) this.#evict();
  }

  /** Sequence of the last message before the moment; undefined if the log does not reach back that far. */
  sequenceBefore(time: number): number | undefined {
    if (time <= this.#completeSince) return undefined;
    let low = this.#oldest;
    let high = this.#next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#timeOf(middle) < time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #blockOf(sequence: number): ReplayBlock | undefined {
    return this.#blocks[Math.floor(sequence / BLOCK_MESSAGES) - this.#firstBlock];
  }

  #timeOf(sequence: number): number {
    return this.#blockOf(sequence)?.timeOf(sequence % BLOCK_MESSAGES) ?? this.#gapTime;
  }

  #beginBlock(sequence: number): void {
    if (this.#blocks.length === 0) this.#firstBlock = Math.floor(sequence / BLOCK_MESSAGES);
    this.#nextIndex = sequence % BLOCK_MESSAGES;
    this.#newest = this.#spares.pop() ?? new ReplayBlock();
    this.#blocks.push(this.#newest);
  }

  #evict(): void {
    const block = this.#blocks[0];
    this.#completeSince = this.#oldestTime;
    if (block) {
      const bytes = block.bytesOf(this.#oldestIndex);
      this.#bytes -= bytes;
      if (bytes > 0) this.#count--; // A gap has none.
      this.#oldest++;
      this.#oldestIndex++;
      if (this.#oldest !== this.#next && this.#oldestIndex < BLOCK_MESSAGES) {
        this.#oldestTime = block.timeOf(this.#oldestIndex);
        return;
      }
    } else this.#oldest = endOfBlock(this.#oldest);
    this.#dropFirstBlock();
    this.#oldestIndex = this.#oldest % BLOCK_MESSAGES;
    this.#oldestTime = this.#oldest === this.#next ? Infinity : this.#timeOf(this.#oldest);
  }

  /** An empty log has no block either: the next message begins one, wherever in it that stands. */
  #dropFirstBlock(): void {
    const block = this.#blocks.shift();
    this.#firstBlock++;
    if (this.#blocks.length === 0) this.#newest = undefined;
    if (!block || this.#spares.length === SPARES_MAX) return;
    block.clear();
    this.#spares.push(block);
  }

  /** Nothing is there yet. */
  #beginAt(sequence: number): void {
    this.#oldest = this.#next = sequence;
    this.#oldestIndex = sequence % BLOCK_MESSAGES;
  }

  /** A gap in the sequence would be a silent loss for who resumes, so the log starts anew behind it. */
  #restart(sequence: number, time: number): void {
    while (this.#oldest < this.#next) this.#evict();
    this.#beginAt(sequence);
    this.#completeSince = time;
  }
}

/** The first sequence of the block behind this one's. */
function endOfBlock(sequence: number): number {
  return (Math.floor(sequence / BLOCK_MESSAGES) + 1) * BLOCK_MESSAGES;
}
