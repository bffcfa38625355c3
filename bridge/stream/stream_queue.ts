import type { StreamEvent } from "./stream_format.ts";

export const OVERFLOWS = ["close", "latest", "drop"] as const;
/** What a full queue does: end the stream, keep the newest of each topic, or drop the oldest. */
export type Overflow = typeof OVERFLOWS[number];

/** Events before `#head` that are let go of in one go. */
const COMPACT_AT = 1024;

/** Places that a list keeps when it is empty. */
const KEPT_MAX = 16;

/**
 * The events that wait for one stream's reader, bounded in bytes. One event always fits into an empty queue: an event
 * may be larger than the bound, a message never is.
 *
 *     events   │ - │ - │ 3 │ 4 │ 5 │       `#head` is at 3
 *     latest   { b: 3, a: 5 }              instead, from the moment that a `latest` queue is full until it is empty
 */
export class StreamQueue {
  readonly #bytesMax: number;
  readonly #overflow: Overflow;
  #events: StreamEvent[] = [];
  #head = 0;
  #latest: Map<string, StreamEvent> | undefined;
  #bytes = 0;
  #unreportedDropCount = 0;
  #droppedCount = 0;

  constructor(bytesMax: number, overflow: Overflow) {
    this.#bytesMax = bytesMax;
    this.#overflow = overflow;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#latest ? this.#latest.size === 0 : this.#head === this.#events.length;
  }

  /** Whether one event waits, and none was dropped that has not been told of. */
  get hasOne(): boolean {
    return !this.#latest && this.#events.length - this.#head === 1 && this.#unreportedDropCount === 0;
  }

  /** Events dropped since the stream began. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  hasRoom(event: StreamEvent): boolean {
    return this.isEmpty || this.#bytes + event.bytes.length <= this.#bytesMax;
  }

  /**
   * Adds the event, as the last one.
   *
   * @returns how many others went for it; undefined if it was not added and the stream has to end
   */
  push(event: StreamEvent): number | undefined {
    if (!this.hasRoom(event) && this.#overflow === "close") return undefined;
    if (!this.hasRoom(event) && this.#overflow === "latest") this.#latest ??= this.#byTopic();
    const before = this.#droppedCount;
    if (this.#latest) this.#removeTopic(event.topic);
    while (!this.hasRoom(event)) this.#drop(this.shift()!, true);
    if (this.#latest) this.#latest.set(event.topic, event);
    else this.#events.push(event);
    this.#bytes += event.bytes.length;
    return this.#droppedCount - before;
  }

  /** The oldest event, taken out. */
  shift(): StreamEvent | undefined {
    const event = this.#latest ? this.#latest.values().next().value : this.#events[this.#head];
    if (!event) return undefined;
    if (this.#latest) this.#latest.delete(event.topic);
    else this.#head++;
    this.#bytes -= event.bytes.length;
    if (this.isEmpty) this.#reset();
    else if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#events.length) this.#compact();
    return event;
  }

  /** How many events were dropped since the last call. */
  takeDroppedCount(): number {
    const count = this.#unreportedDropCount;
    this.#unreportedDropCount = 0;
    return count;
  }

  clear(): void {
    this.#bytes = 0;
    this.#reset();
  }

  #removeTopic(topic: string): void {
    const previous = this.#latest!.get(topic);
    if (!previous) return;
    this.#latest!.delete(topic);
    this.#drop(previous, false);
  }

  /** @param isTaken it is out of the queue's count already */
  #drop(event: StreamEvent, isTaken: boolean): void {
    if (!isTaken) this.#bytes -= event.bytes.length;
    this.#unreportedDropCount++;
    this.#droppedCount++;
  }

  #byTopic(): Map<string, StreamEvent> {
    const latest = new Map<string, StreamEvent>();
    for (let index = this.#head; index < this.#events.length; index++) {
      const event = this.#events[index]!;
      const previous = latest.get(event.topic);
      if (previous) {
        latest.delete(event.topic); // So that it moves to the end: events leave in the order they came.
        this.#drop(previous, false);
      }
      latest.set(event.topic, event);
    }
    this.#events = [];
    this.#head = 0;
    return latest;
  }

  #reset(): void {
    if (this.#events.length > KEPT_MAX) this.#events = [];
    else this.#events.length = 0; // Most hold one event and let it go: a new list for each would be garbage.
    this.#head = 0;
    this.#latest = undefined;
  }

  #compact(): void {
    this.#events = this.#events.slice(this.#head);
    this.#head = 0;
  }
}
