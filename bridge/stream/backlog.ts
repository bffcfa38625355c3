import { type Broker, type Identity, matches, type Message } from "../../broker/mod.ts";
import type { ReplayLog } from "./replay_log.ts";
import type { Resume } from "./resume.ts";
import type { Origin } from "./stream_format.ts";

/** Messages looked at without a match before others get their turn. */
const SCANNED_MAX = 2_000;
/** Topics whose match is remembered while the log is read. */
const REMEMBERED_TOPICS_MAX = 10_000;

/** What comes next on the way to the present. */
export type Step =
  | { readonly kind: "message"; readonly message: Message; readonly origin: Origin }
  /** All that was before the stream has been sent. */
  | { readonly kind: "live" }
  /** Nothing found yet, others should have their turn. */
  | { readonly kind: "pause" }
  /** The log no longer has what the reader was too slow to take. */
  | { readonly kind: "lost" }
  /** The reader has everything up to now. */
  | { readonly kind: "done" };

const LIVE: Step = { kind: "live" };
const PAUSE: Step = { kind: "pause" };
const LOST: Step = { kind: "lost" };
const DONE: Step = { kind: "done" };

/**
 * What a stream sends before it is live, taken piece by piece as its reader has room.
 *
 *     snapshot of the retained messages ─┐
 *                                        ├─> live marker ─> what came since the start ─> done
 *     replay from the log ───────────────┘                  (held, else from the log)
 *
 * - It holds a place in the retained tree and in the log. What came since the start is held up to a bound; beyond, the
 *   log has it, and if not even that, the stream ends. So a hundred thousand retained messages cost a slow reader nothing.
 * - A message belongs to the part before the start or to the one after by its sequence, and so is sent once.
 */
export class Backlog {
  retainedCount = 0;
  replayedCount = 0;
  /** Sequence of the newest message before the stream began. */
  readonly startSequence: number;
  readonly #broker: Broker;
  readonly #log: ReplayLog;
  readonly #identity: Identity;
  readonly #filters: readonly string[];
  readonly #heldBytesMax: number;
  #stage: "snapshot" | "replay" | "since";
  readonly #snapshot: Iterator<Message | undefined>;
  /** Sequence of the next message to read from the log. */
  #position: number;
  /** What came since the start; undefined when it was more than may be held. */
  #held: Message[] | undefined = [];
  #heldHead = 0;
  #heldBytes = 0;
  readonly #matched = new Map<string, boolean>();

  constructor(
    broker: Broker,
    log: ReplayLog,
    options: {
      readonly identity: Identity;
      readonly filters: readonly string[];
      readonly resume: Resume;
      readonly retained: boolean;
    },
  ) {
    this.#broker = broker;
    this.#log = log;
    this.#identity = options.identity;
    this.#filters = options.filters;
    this.#heldBytesMax = broker.limits.streamBytesMax;
    this.startSequence = broker.sequence;
    const { resume } = options;
    this.#stage = resume.kind === "resumed" ? "replay" : "snapshot";
    this.#position = resume.kind === "resumed" ? resume.after + 1 : this.startSequence + 1;
    this.#snapshot = options.retained ? this.#takeSnapshot() : [][Symbol.iterator]();
  }

  /** Takes a live message that came too early. */
  hold(message: Message): void {
    if (!this.#held) return;
    this.#heldBytes += message.size;
    if (this.#heldBytes > this.#heldBytesMax) {
      this.#held = undefined;
      return;
    }
    message.keep();
    this.#held.push(message);
  }

  next(): Step {
    switch (this.#stage) {
      case "snapshot":
        return this.#nextRetained();
      case "replay":
        return this.#nextReplayed();
      case "since":
        return this.#held ? this.#nextHeld(this.#held) : this.#nextLogged(this.#log.next, "live") ?? DONE;
    }
  }

  #nextRetained(): Step {
    const { done, value: message } = this.#snapshot.next();
    if (done) return this.#endStage();
    if (!message) return PAUSE;
    this.retainedCount++;
    return { kind: "message", message, origin: "retained" };
  }

  #nextReplayed(): Step {
    const step = this.#nextLogged(this.startSequence + 1, "replay");
    if (!step) return this.#endStage();
    if (step.kind === "message") this.replayedCount++;
    return step;
  }

  #endStage(): Step {
    this.#stage = "since";
    this.#position = this.startSequence + 1;
    return LIVE;
  }

  #nextHeld(held: Message[]): Step {
    while (this.#heldHead < held.length) {
      const message = held[this.#heldHead++]!;
      this.#heldBytes -= message.size;
      this.#position = message.sequence + 1;
      if (this.#mayHave(message)) return { kind: "message", message, origin: "live" };
    }
    this.#emptyHeld();
    return DONE;
  }

  #emptyHeld(): void {
    this.#held = [];
    this.#heldHead = 0;
  }

  /** The next message of the log before `end` that this stream may have; undefined if there is none. */
  #nextLogged(end: number, origin: Origin): Step | undefined {
    if (this.#position < this.#log.oldest && this.#position < end) return LOST;
    for (let scannedCount = 0; this.#position < end; scannedCount++) {
      if (scannedCount === SCANNED_MAX) return PAUSE;
      const sequence = this.#position;
      this.#position = this.#log.after(sequence);
      if (!this.#matches(this.#log.topicOf(sequence))) continue;
      const message = this.#log.get(sequence)!;
      if (this.#mayHave(message)) return { kind: "message", message, origin };
    }
    return undefined;
  }

  /** Rights are asked at this moment: they may have been taken away since. */
  #mayHave(message: Message): boolean {
    return message.expiresAt > this.#broker.clock.now() && this.#identity.can("receive", message.topic) &&
      this.#filters.some((filter) => this.#isGranted(filter) && matches(filter, message.topic));
  }

  #isGranted(filter: string): boolean {
    return this.#identity.can("subscribe", filter);
  }

  #matches(topic: string): boolean {
    if (topic === "") return false;
    const known = this.#matched.get(topic);
    if (known !== undefined) return known;
    if (this.#matched.size >= REMEMBERED_TOPICS_MAX) this.#matched.clear();
    const isMatch = this.#filters.some((filter) => matches(filter, topic));
    this.#matched.set(topic, isMatch);
    return isMatch;
  }

  /** Each message once, by the first of the filters that matches it; undefined where others may have a turn. */
  *#takeSnapshot(): Generator<Message | undefined> {
    let skippedCount = 0;
    for (const [index, filter] of this.#filters.entries()) {
      const earlier = this.#filters.slice(0, index);
      for (const message of this.#broker.retained.matching(this.#identity, filter)) {
        if (!message) {
          yield undefined;
          continue;
        }
        // A later filter is begun later and would also find what is not of the snapshot.
        const isNew = message.sequence > this.startSequence;
        if (isNew || !this.#isGranted(filter) || earlier.some((other) => matches(other, message.topic))) {
          if (++skippedCount % SCANNED_MAX === 0) yield undefined;
        } else {
          yield message;
        }
      }
    }
  }
}
