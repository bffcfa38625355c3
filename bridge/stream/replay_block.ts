import { Message } from "../../broker/mod.ts";

/** Messages of one block. */
export const BLOCK_MESSAGES = 1024;
const BYTES_MIN = 16 * 1024;
/** A larger payload is kept where it is instead of being copied. */
const COPIED_BYTES_MAX = 16 * 1024;
/** Of the columns, and of what stands in a packet beside topic and payload. */
const ENTRY_OVERHEAD_BYTES = 40;
/** A longer topic would stand here twice, as a string and in its packet, and be counted once. */
const PACKET_TOPIC_LENGTH_MAX = 256;
const QOS = 0b011;
const RETAIN = 0b100;

/**
 * 1,024 messages one after the other, as columns: a block lives for minutes, and that many objects that live for minutes
 * are what a garbage collector is worst at (at 200,000 messages a second it took half of the time and paused for 40 ms).
 * A block that is done with is used again.
 *
 *     topics      │ a/b │ a/c │ a/b │
 *     times       │  t  │  t  │  t' │
 *     costs       │  45 │  47 │  44 │        bytes that each takes; 0 for a gap
 *     flags       │ 0 1 │ 0 0 │ 1 0 │        QoS and retain
 *     ends        │  5  │ 16  │ 22  │        where in `bytes` each payload ends
 *     bytes       │ ···hi ·······21.5 ·····x │  as they came: a copy of the packet is cheaper than a view of its payload
 *     whole       │     │     │     │        the message itself, if it has more than this or is large
 */
export class ReplayBlock {
  readonly #topics = new Array<string>(BLOCK_MESSAGES).fill("");
  readonly #times = new Float64Array(BLOCK_MESSAGES);
  readonly #costs = new Uint32Array(BLOCK_MESSAGES);
  readonly #ends = new Uint32Array(BLOCK_MESSAGES);
  readonly #flags = new Uint8Array(BLOCK_MESSAGES);
  readonly #whole = new Array<Message | undefined>(BLOCK_MESSAGES).fill(undefined);
  #bytes = new Uint8Array(BYTES_MIN);
  #end = 0;
  #wholeCount = 0;

  /** Puts the message behind the others; answers what it costs. */
  append(index: number, message: Message): number {
    const { topic, properties, payloadBytes } = message;
    this.#topics[index] = topic;
    this.#times[index] = message.time;
    if (properties !== undefined || payloadBytes > COPIED_BYTES_MAX) {
      this.#whole[index] = message;
      this.#wholeCount++;
      message.keep();
      return this.#costs[index] = message.size;
    }
    const bytes = topic.length > PACKET_TOPIC_LENGTH_MAX ? message.payload : message.bytes;
    if (this.#end + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#ends[index] = this.#end += bytes.length;
    this.#flags[index] = message.qos | (message.retain ? RETAIN : 0);
    return this.#costs[index] = payloadBytes + topic.length + ENTRY_OVERHEAD_BYTES;
  }

  /** Keeps the place of a message that is not there. */
  appendGap(index: number, time: number): void {
    this.#topics[index] = "";
    this.#times[index] = time;
    this.#costs[index] = 0;
  }

  /** @param sequence of the message, which the block does not keep */
  read(index: number, sequence: number): Message {
    const whole = this.#whole[index];
    if (whole) return whole;
    const flags = this.#flags[index]!;
    const topic = this.#topics[index]!;
    const end = this.#ends[index]!;
    const payloadBytes = this.#costs[index]! - topic.length - ENTRY_OVERHEAD_BYTES;
    const draft = {
      topic,
      payload: this.#bytes.slice(end - payloadBytes, end),
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
    return this.#costs[index]!;
  }

  /** Makes the block ready to be used again. */
  clear(): void {
    this.#end = 0;
    if (this.#bytes.length > BYTES_MIN * 8) this.#bytes = new Uint8Array(BYTES_MIN);
    this.#topics.fill("");
    if (this.#wholeCount > 0) this.#whole.fill(undefined);
    this.#wholeCount = 0;
  }

  #grow(bytes: number): void {
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#end + bytes));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }
}
