import type { Broker, Message } from "../../broker/mod.ts";
import { Interests } from "./interests.ts";
import type { ReplayLog } from "./replay_log.ts";

/** A second, for the sake of a disk that wears out. */
const TICKS_PER_KEEP = 10;
const TICK_MS = 1_000 / TICKS_PER_KEEP;
/** What is kept in a second of what nobody was promised: about a hundredth of what the disk can take. */
const MESSAGES_PER_SECOND_MAX = 5_000;
const BYTES_PER_SECOND_MAX = 1024 * 1024;
/** Of a tick. So many do not wait for the end of the second: 5,000 in one go took 13 ms, and everybody waited. */
const MESSAGES_AT_ONCE = MESSAGES_PER_SECOND_MAX / TICKS_PER_KEEP;
const BYTES_PER_TICK = BYTES_PER_SECOND_MAX / TICKS_PER_KEEP;

/**
 * Keeps the replay log on the disk, so that streams go on across starts of the process.
 *
 *     QoS 1 and 2, and a stream is open or may come back ──> with the commit that the publisher waits for
 *     everything else ──> once a second, or in tenths where it is much, as far as the disk has time for it; and all of it
 *                         at an orderly end
 *
 * What does not fit leaves a hole, and nothing before a hole is of use: a stream that needs it is told to start anew. So
 * while more comes than could be kept, nothing is: at 20,000 messages a second, 500 of each tenth were written down, useless
 * a tenth later, and took the p99 of the others from 0.4 to 1.2 ms. What the broker says of itself (`$…`) is not kept: it
 * says it again.
 */
export class LogKeeper {
  readonly interests: Interests;
  readonly #broker: Broker;
  readonly #log: ReplayLog;
  /** Kept ahead of others that came before them, in the order of their sequence. */
  readonly #promised = new Set<number>();
  /** All up to this sequence are kept, as far back as `#keptFrom`. */
  #keptUntil: number;
  #keptFrom: number;
  /** What the disk knows of these two. */
  #recorded = "";
  /** Newest sequence at the last tick. */
  #seenUntil: number;
  #cancelTick: (() => void) | undefined;
  #tickCount = 0;
  /** What is left of a second's. */
  #bytesLeft = BYTES_PER_SECOND_MAX;

  constructor(broker: Broker, log: ReplayLog) {
    this.#broker = broker;
    this.#log = log;
    this.interests = new Interests(broker);
    const restored = broker.events.takeRestored();
    const now = broker.clock.now();
    this.interests.restore(restored.interests, now);
    log.restore({
      messages: restored.events,
      from: restored.loggedFrom,
      until: restored.loggedUntil,
      unsureUntil: restored.unsureUntil,
      last: broker.sequence,
      now,
    });
    broker.events.watch((topic) => this.interests.has(topic));
    this.#keptFrom = log.oldest;
    this.#keptUntil = this.#seenUntil = log.next - 1;
    if (!broker.events.isDurable) return;
    // Before the first event that is promised: a crash may come before the first tick.
    this.#record();
    this.#scheduleTick();
  }

  /** Observes every message of the broker, behind the log. */
  observe(message: Message): void {
    if (message.qos === 0 || !this.interests.has(message.topic)) return;
    this.#broker.events.put(message, true);
    if (message.sequence === this.#keptUntil + 1) this.#keptUntil++;
    else this.#promised.add(message.sequence);
  }

  /** Keeps all of it. */
  close(): void {
    this.#cancelTick?.();
    if (!this.#broker.events.isDurable) return;
    this.#keep(Infinity, Infinity);
    this.#record();
  }

  #scheduleTick(): void {
    this.#cancelTick = this.#broker.clock.after(TICK_MS, () => {
      const now = this.#broker.clock.now();
      this.interests.expire(now);
      this.#log.trim(now);
      this.#tick();
      this.#scheduleTick();
    });
  }

  #tick(): void {
    const isFlood = this.#shareBehind(Math.max(this.#seenUntil, this.#keptUntil)) > 1;
    this.#seenUntil = this.#log.next - 1;
    this.#bytesLeft = Math.min(BYTES_PER_SECOND_MAX, this.#bytesLeft + BYTES_PER_TICK);
    const isDue = ++this.#tickCount % TICKS_PER_KEEP === 0;
    // What the disk does not take now must not pile up before it.
    if (this.#broker.storeRefusal) return;
    const isMuch = !isFlood && this.#shareBehind(this.#keptUntil) >= 1;
    if (!isDue && !isMuch) return;
    this.#skipTo(this.#firstWithin(MESSAGES_PER_SECOND_MAX, BYTES_PER_SECOND_MAX));
    if (!isFlood) this.#keep(MESSAGES_AT_ONCE, this.#bytesLeft);
    this.#record();
  }

  /** What came behind this sequence and is to be kept yet, as a multiple of what a tick may take; all beyond 1 is alike. */
  #shareBehind(sequence: number): number {
    let messages = 0;
    let bytes = 0;
    for (let next = Math.max(sequence + 1, this.#log.oldest); next < this.#log.next; next++) {
      if (this.#promised.has(next)) continue;
      messages++;
      bytes += this.#log.bytesOf(next);
      if (messages > MESSAGES_AT_ONCE || bytes > BYTES_PER_TICK) return Infinity;
    }
    return Math.max(messages / MESSAGES_AT_ONCE, bytes / BYTES_PER_TICK);
  }

  /** Nothing before this sequence is kept any more. */
  #skipTo(first: number): void {
    if (first <= this.#keptUntil + 1) return;
    this.#keptFrom = first;
    this.#keptUntil = first - 1;
    for (const sequence of this.#promised) {
      if (sequence >= first) return;
      this.#promised.delete(sequence);
    }
  }

  /** Keeps the oldest of those that are not, within these bounds. */
  #keep(messagesMax: number, bytesMax: number): void {
    this.#skipTo(this.#log.oldest);
    for (let left = messagesMax, bytes = 0; this.#keptUntil < this.#log.next - 1; this.#keptUntil++) {
      const sequence = this.#keptUntil + 1;
      if (this.#promised.delete(sequence) || !isKept(this.#log.topicOf(sequence))) continue;
      bytes += this.#log.bytesOf(sequence);
      if (left-- === 0 || bytes > bytesMax) return;
      this.#broker.events.put(this.#log.get(sequence)!, false);
      this.#bytesLeft -= this.#log.bytesOf(sequence);
    }
  }

  #record(): void {
    const from = this.#keptFrom = Math.max(this.#keptFrom, this.#log.oldest);
    const { unsureUntil } = this.#log;
    const known = `${from} ${this.#keptUntil} ${unsureUntil}`;
    if (this.#recorded === known) return;
    this.#recorded = known;
    this.#broker.events.deleteBefore(from);
    this.#broker.events.logged(from, this.#keptUntil, unsureUntil);
  }

  /** The first message so that it and all behind it are within the bounds, of those that are not kept. */
  #firstWithin(messagesMax: number, bytesMax: number): number {
    const oldest = Math.max(this.#keptUntil + 1, this.#log.oldest);
    let messages = 0;
    let bytes = 0;
    for (let first = this.#log.next; first > oldest; first--) {
      if (this.#promised.has(first - 1)) continue;
      bytes += this.#log.bytesOf(first - 1);
      if (++messages > messagesMax || bytes > bytesMax) return first;
    }
    return oldest;
  }
}

function isKept(topic: string): boolean {
  return topic !== "" && !topic.startsWith("$");
}
