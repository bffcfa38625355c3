import { Message } from "../../broker/mod.ts";

/** Messages of one block. */
export const BLOCK_MESSAGES = 1024;
const PAYLOAD_BYTES_MIN = 16 * 1024;
/** A larger payload is kept where it is instead of being copied. */
const COPIED_BYTES_MAX = 16 * 1024;
/** Of the columns beside topic and payload. */
const ENTRY_OVERHEAD_BYTES = 32;
const QOS = 0b011;
const RETAIN = 0b100;

/**
 * 1,024 messages one after the other, as columns: a block lives for minutes, and that many objects that live for minutes
 * are what a garbage collector is worst at (at 200,000 messages a second it took half of the time and paused for 40 ms).
 * A block that is done with is used again.
 *
 *     topics      │ a/b │ a/c │ a/b │
 *     times       │  t  │  t  │  t' │
 *     ends        │  2  │  6  │  7  │        where in `payloads` each ends
 *     flags       │ 0 1 │ 0 0 │ 1 0 │        QoS and retain
 *     payloads    │ hi 21.5 x │
 *     whole       │     │     │     │        the message itself, if it has more than this or is large
 */
export class ReplayBlock {
  readonly #topics = new Array<string>(BLOCK_MESSAGES).fill("");
  readonly #times = new Float64Array(BLOCK_MESSAGES);
  readonly #ends = new Uint32Array(BLOCK_MESSAGES);
  readonly #flags = new Uint8Array(BLOCK_MESSAGES);
  readonly #whole = new Array<Message | undefined>(BLOCK_MESSAGES).fill(undefined);
  #payloads = new Uint8Array(PAYLOAD_BYTES_MIN);
  #payloadBytes = 0;
  #wholeCount = 0;
  /** Where the block's first message stands; others may have been gone before it came. */
  #firstIndex = -1;

  /** Puts the message behind the others; answers what it costs. */
  append(index: number, message: Message): number {
    const { topic, payload, properties } = message;
    if (this.#firstIndex < 0) this.#firstIndex = index;
    this.#topics[index] = topic;
    this.#times[index] = message.time;
    if (properties !== undefined || payload.length > COPIED_BYTES_MAX) {
      this.#whole[index] = message;
      this.#wholeCount++;
      this.#ends[index] = this.#payloadBytes;
      message.keep();
      return message.size;
    }
    if (this.#payloadBytes + payload.length > this.#payloads.length) this.#grow(payload.length);
    this.#payloads.set(payload, this.#payloadBytes);
    this.#payloadBytes += payload.length;
    this.#flags[index] = message.qos | (message.retain ? RETAIN : 0);
    this.#ends[index] = this.#payloadBytes;
    return payload.length + topic.length + ENTRY_OVERHEAD_BYTES;
  }

  /** Keeps the place of a message that is not there. */
  appendGap(index: number, time: number): void {
    if (this.#firstIndex < 0) this.#firstIndex = index;
    this.#topics[index] = "";
    this.#times[index] = time;
    this.#ends[index] = this.#payloadBytes;
  }

  /** @param sequence of the message, which the block does not keep */
  read(index: number, sequence: number): Message {
    const whole = this.#whole[index];
    if (whole) return whole;
    const flags = this.#flags[index]!;
    const draft = {
      topic: this.#topics[index]!,
      payload: this.#payloads.slice(this.#start(index), this.#ends[index]),
      qos: (flags & QOS) as 0 | 1 | 2,
      retain: (flags & RETAIN) !== 0,
    };
    return new Message(draft, sequence, this.#times[index]!);
  }

  /** Empty for a gap. */
  topicOf(index: number): string {
    return this.#topics[index]!;
  }

  timeOf(index: number): number {
    return this.#times[index]!;
  }

  /** What the message costs; 0 for a gap. */
  bytesOf(index: number): number {
    const whole = this.#whole[index];
    if (whole) return whole.size;
    if (this.#topics[index] === "") return 0;
    return this.#ends[index]! - this.#start(index) + this.#topics[index]!.length + ENTRY_OVERHEAD_BYTES;
  }

  /** Makes the block ready to be used again. */
  clear(): void {
    this.#payloadBytes = 0;
    if (this.#payloads.length > PAYLOAD_BYTES_MIN * 8) this.#payloads = new Uint8Array(PAYLOAD_BYTES_MIN);
    this.#topics.fill("");
    if (this.#wholeCount > 0) this.#whole.fill(undefined);
    this.#wholeCount = 0;
    this.#firstIndex = -1;
  }

  #start(index: number): number {
    return index === this.#firstIndex ? 0 : this.#ends[index - 1]!;
  }

  #grow(bytes: number): void {
    const grown = new Uint8Array(Math.max(this.#payloads.length * 2, this.#payloadBytes + bytes));
    grown.set(this.#payloads.subarray(0, this.#payloadBytes));
    this.#payloads = grown;
  }
}
