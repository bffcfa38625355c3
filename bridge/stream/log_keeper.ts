import type { Broker, Message } from "../../broker/mod.ts";
import { Interests } from "./interests.ts";
import type { ReplayLog } from "./replay_log.ts";

/** A second, for the sake of a disk that wears out. */
const TICKS_PER_KEEP = 10;
const TICK_MS = 1_000 / TICKS_PER_KEEP;
/** What is kept in a second of what nobody was promised: about a hundredth of what the disk can take. */
const MESSAGES_PER_SECOND_MAX = 5_000;
const BYTES_PER_SECOND_MAX = 1024 * 1024;
/** So many do not wait for the end of the second: to write down 5,000 in one go took 13 ms, and everybody waited. */
const MESSAGES_AT_ONCE = MESSAGES_PER_SECOND_MAX / TICKS_PER_KEEP;

/**
 * Keeps the replay log on the disk, so that streams go on across starts of the process.
 *
 *     QoS 1 and 2, and a stream is open or may come back ──> with the commit that the publisher waits for
 *     everything else ──> once a second, or in tenths where it is much, as far as the disk has time for it; and all of it
 *                         at an orderly end
 *
 * What did not fit into a second leaves a hole, and nothing before a hole is of use: a stream that needs it is told to
 * start anew. What the broker says of itself (`$…`) is not kept: it says it again.
 */
export class LogKeeper {
  readonly interests: Interests;
  readonly #broker: Broker;
  readonly #log: ReplayLog;
  /** Kept since the last tick, ahead of the others. */
  readonly #promised = new Set<number>();
  /** All up to this sequence are kept, as far back as `#keptFrom`. */
  #keptUntil: number;
  #keptFrom: number;
  #cancelTick: (() => void) | undefined;
  #tickCount = 0;
  /** What is left of a second's. */
  #messagesLeft = MESSAGES_PER_SECOND_MAX;
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
    this.#keptUntil = log.next - 1;
    if (!broker.events.isDurable) return;
    // Before the first event that is promised: a crash may come before the first tick.
    this.#record();
    this.#scheduleTick();
  }

  /** Observes every message of the broker, behind the log. */
  observe(message: Message): void {
    if (message.qos === 0 || !this.interests.has(message.topic)) return;
    this.#broker.events.put(message, true);
    this.#promised.add(message.sequence);
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
    this.#messagesLeft = Math.min(
      MESSAGES_PER_SECOND_MAX,
      this.#messagesLeft + MESSAGES_PER_SECOND_MAX / TICKS_PER_KEEP,
    );
    this.#bytesLeft = Math.min(
      BYTES_PER_SECOND_MAX,
      this.#bytesLeft + BYTES_PER_SECOND_MAX / TICKS_PER_KEEP,
    );
    const isDue = ++this.#tickCount % TICKS_PER_KEEP === 0;
    const waitingCount = this.#log.next - 1 - this.#keptUntil;
    // What the disk does not take now must not pile up before it.
    if ((isDue || waitingCount >= MESSAGES_AT_ONCE) && !this.#broker.storeRefusal) {
      this.#keep(this.#messagesLeft, this.#bytesLeft);
    }
  }

  /** Keeps the newest messages within these bounds, those already kept left out. */
  #keep(messagesMax: number, bytesMax: number): void {
    const last = this.#log.next - 1;
    const first = this.#firstWithin(last, messagesMax, bytesMax);
    let keptCount = 0;
    for (let sequence = first; sequence <= last; sequence++) {
      if (this.#promised.has(sequence) || !isKept(this.#log.topicOf(sequence))) continue;
      this.#broker.events.put(this.#log.get(sequence)!, false);
      this.#messagesLeft--;
      this.#bytesLeft -= this.#log.bytesOf(sequence);
      keptCount++;
    }
    const from = Math.max(first > this.#keptUntil + 1 ? first : this.#keptFrom, this.#log.oldest);
    const hasMoved = keptCount > 0 || this.#promised.size > 0 || from > this.#keptFrom;
    if (from > this.#keptFrom) this.#broker.events.deleteBefore(from);
    this.#keptFrom = from;
    this.#keptUntil = last;
    this.#promised.clear();
    if (hasMoved) this.#record();
  }

  #record(): void {
    this.#broker.events.logged(this.#keptFrom, this.#keptUntil, this.#log.unsureUntil);
  }

  /** The first message to keep so that it and all behind it are within the bounds. */
  #firstWithin(last: number, messagesMax: number, bytesMax: number): number {
    const oldest = Math.max(this.#keptUntil + 1, this.#log.oldest);
    let first = last + 1;
    for (let bytes = 0; first > oldest && last - first + 1 < messagesMax; first--) {
      bytes += this.#log.bytesOf(first - 1);
      if (bytes > bytesMax) break;
    }
    return first;
  }
}

function isKept(topic: string): boolean {
  return topic !== "" && !topic.startsWith("$");
}
