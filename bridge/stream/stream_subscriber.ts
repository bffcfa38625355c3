import {
  type Broker,
  type Delivery,
  type Flushable,
  type Identity,
  isShared,
  type Message,
  type Readiness,
  type Subscriber,
} from "../../broker/mod.ts";
import { formatId } from "../message_id.ts";
import { Backlog } from "./backlog.ts";
import { joined, lengthOf } from "./chunk.ts";
import type { ReplayLog } from "./replay_log.ts";
import type { Resume } from "./resume.ts";
import type { ByeReason, LiveEncoder, Ready, StreamFormat } from "./stream_format.ts";
import { type Overflow, StreamQueue } from "./stream_queue.ts";

/** Bytes handed to the reader at once: enough that the cost of a chunk does not count. */
const CHUNK_BYTES = 64 * 1024;

const LOSS_WARNING =
  "the broker ended without warning since: messages at QoS 0 of its last second may be missing";

const UNKEPT_WARNING =
  "the broker keeps no more filters: should it end without warning, messages of its last second may be missing";

const encoder = new TextEncoder();

export interface StreamOptions {
  readonly filters: readonly string[];
  readonly qos: 0 | 1 | 2;
  readonly retained: boolean;
  readonly limit: number | undefined;
  readonly timeoutSeconds: number | undefined;
  readonly overflow: Overflow;
  readonly warnings: readonly string[];
}

/** What a stream needs from the table that it is in. */
export interface StreamHome {
  readonly broker: Broker;
  readonly log: ReplayLog;
  retryMs(): number;
  /** Called once, when the stream has nothing more to send. */
  gone(stream: StreamSubscriber): void;
}

/**
 * One open HTTP stream. Its reader pulls: what waits, waits here, bounded, and not in the `ReadableStream`.
 *
 *     deliver ─> backlog.hold ┐ (before it is live)
 *     deliver ─> queue ───────┴─> one chunk whenever the reader asks, or at the end of the turn if it asked before
 *
 * A live message is bytes that all streams of the same format share.
 */
export class StreamSubscriber implements Subscriber, Flushable {
  /** A stream promises nothing about the disk: who loses it resumes, and the broker's epoch tells if that is possible. */
  readonly restsOnBatch = 0;
  readonly id: string;
  readonly identity: Identity;
  readonly name: string;
  readonly body: ReadableStream<Uint8Array>;
  readonly #home: StreamHome;
  readonly #options: StreamOptions;
  readonly #live: LiveEncoder;
  readonly #format: StreamFormat;
  readonly #queue: StreamQueue;
  readonly #resume: Resume;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  /** Undefined once the stream is live. */
  #backlog: Backlog | undefined;
  #leftCount: number;
  #isFirst = true;
  /** Sequence up to which the reader has everything; undefined before the whole snapshot. */
  #cursor: number | undefined;
  #bye: ByeReason | undefined;
  #byeRetryMs: number | undefined;
  #isGone = false;
  /** The reader asked, and there was nothing. */
  #isAwaited = false;
  #isTouched = false;
  #askedAt: number;
  #sentAt: number;
  #cancelTimeout: () => void = () => {};

  constructor(
    home: StreamHome,
    { name, identity, live, resume, options }: {
      readonly name: string;
      readonly identity: Identity;
      readonly live: LiveEncoder;
      readonly resume: Resume;
      readonly options: StreamOptions;
    },
  ) {
    const { broker } = home;
    this.name = name;
    // No client identifier has a U+0000 in it, so no MQTT session can have this id. [MQTT-1.5.3-2]
    this.id = `\0http:${name}`;
    this.identity = identity;
    this.#home = home;
    this.#options = options;
    this.#live = live;
    this.#format = live.format;
    this.#resume = resume;
    this.#queue = new StreamQueue(broker.limits.streamBytesMax, options.overflow);
    this.#leftCount = options.limit ?? Infinity;
    this.#askedAt = this.#sentAt = broker.clock.now();
    // Whose turn a message of the past would be, nobody knows: shared filters have neither snapshot nor replay.
    const filters = options.filters.filter((filter) => !isShared(filter));
    this.#backlog = new Backlog(broker, home.log, { identity, filters, retained: options.retained, resume });
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => this.#leave(),
    }, { highWaterMark: 0, size: (chunk) => chunk.byteLength });
  }

  get filters(): readonly string[] {
    return this.#options.filters;
  }

  /**
   * Sends what can be sent now. Call it once, in the turn in which the stream was subscribed.
   *
   * @param isKept false: what is for it is not kept before its publisher hears of it, as too much is
   */
  open(isKept: boolean): void {
    const { broker } = this.#home;
    const { timeoutSeconds } = this.#options;
    if (timeoutSeconds !== undefined) {
      this.#cancelTimeout = broker.clock.after(timeoutSeconds * 1000, () => this.end("timeout"));
    }
    const parts: Uint8Array[] = [
      encoder.encode(this.#format.opening(this.#ready(isKept), this.#home.retryMs())),
    ];
    if (this.#resume.kind === "reset") {
      const { reason, requested } = this.#resume;
      parts.push(this.#control("reset", { reason, requested, oldest: this.#id(this.#home.log.oldest) }));
    }
    this.#gatherBacklog(parts);
    this.#send(parts);
  }

  deliver(message: Message): Delivery {
    if (this.#bye !== undefined || this.#isGone) return "dropped:offline";
    if (this.#backlog) {
      this.#backlog.hold(message);
      return "queued";
    }
    const event = this.#live.encode(message);
    if (!this.#queue.hasRoom(event) && this.#isAwaited) this.#send(this.#gather([], Infinity));
    const droppedCount = this.#queue.push(event);
    if (droppedCount !== 0) this.#home.broker.counters.met("streamBytesMax");
    if (droppedCount === undefined) {
      this.end("slow-consumer");
      return "dropped:full";
    }
    this.#home.broker.counters.deliveries["dropped:full"] += droppedCount;
    if (--this.#leftCount === 0) this.end("limit");
    else this.#touch();
    return "queued";
  }

  readiness(message: Message): Readiness {
    if (this.#bye !== undefined || this.#isGone || this.#backlog) return "no";
    return this.#isAwaited || this.#queue.hasRoom(this.#live.encode(message)) ? "now" : "no";
  }

  flush(): void {
    this.#isTouched = false;
    if (!this.#isAwaited) return;
    const only = this.#takeOnly();
    return only ? this.#hand(only) : this.#send(this.#gather([]));
  }

  abandon(): void {
    this.flush();
  }

  /** Takes nothing more, and says why after what waits. */
  end(reason: ByeReason, retryMs?: number): void {
    if (this.#bye !== undefined || this.#isGone) return;
    const { broker } = this.#home;
    if (reason === "slow-consumer") {
      broker.counters.streamsSlow++;
      broker.log.info("slow-consumer", {
        stream: this.name,
        identity: this.identity.name,
        bytes: this.#queue.bytes,
      });
    }
    if (reason === "timeout" && !this.#backlog && this.#queue.isEmpty) this.#cursor = broker.sequence;
    this.#bye = reason;
    this.#byeRetryMs = retryMs;
    this.#backlog = undefined;
    this.#unsubscribe();
    this.#touch();
  }

  /** Ends at once, without what waits. A clean end, since Deno prints the stack of every error of a body. */
  cut(reason: ByeReason): void {
    if (this.#isGone) return;
    this.#queue.clear();
    this.end(reason);
    this.#send([]);
  }

  /**
   * Called every second or so: ends what was opened by somebody who may be here no more, cuts off who takes nothing, and
   * sends the heartbeat of a silent stream.
   */
  tick(now: number): void {
    const { limits, sequence, counters } = this.#home.broker;
    const end = this.identity.ended?.(now);
    if (end) this.end(end);
    if (!this.#isAwaited) {
      if (now - this.#askedAt < limits.stallSeconds * 1000) return;
      counters.met("stallSeconds");
      return this.cut("slow-consumer");
    }
    const isSilent = now - this.#sentAt >= limits.heartbeatSeconds * 1000;
    if (!isSilent || this.#backlog || !this.#queue.isEmpty) return;
    this.#cursor = sequence;
    this.#sentAt = now; // Also when the format has no heartbeat.
    this.#send([encoder.encode(this.#format.heartbeat(this.#id(sequence)))]);
  }

  /** Answers a promise only where something is waited for: without one for each event a quarter more of them go. */
  #pull(): Promise<void> | void {
    this.#askedAt = this.#home.broker.turn.now();
    this.#isAwaited = true;
    if (!this.#backlog && this.#bye === undefined && this.#queue.isEmpty) return;
    this.#send(this.#gather([]));
    if (this.#isAwaited && this.#backlog) return this.#search();
  }

  /** The log or the tree may have to be searched for long before something is found. */
  async #search(): Promise<void> {
    while (this.#isAwaited && this.#backlog && !this.#isGone) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (this.#isAwaited) this.#send(this.#gather([]));
    }
  }

  /** The one event that waits, if there is no more to say: as a rule, so it goes a shorter way. */
  #takeOnly(): Uint8Array | undefined {
    if (this.#backlog || this.#bye !== undefined || !this.#queue.hasOne) return undefined;
    const event = this.#queue.shift()!;
    this.#cursor = event.sequence;
    return this.#separated(event.bytes);
  }

  /** Adds what comes next to the parts of a chunk. */
  #gather(parts: Uint8Array[], bytesMax = CHUNK_BYTES): Uint8Array[] {
    if (this.#backlog) this.#gatherBacklog(parts);
    if (this.#backlog) return parts;
    const droppedCount = this.#queue.takeDroppedCount();
    if (droppedCount > 0) parts.push(this.#control("gap", { dropped: droppedCount }));
    for (let bytes = lengthOf(parts); bytes < bytesMax;) {
      const event = this.#queue.shift();
      if (!event) break;
      this.#cursor = event.sequence;
      bytes += event.bytes.length;
      parts.push(this.#separated(event.bytes));
    }
    return parts;
  }

  /** Leaves the backlog in the same step in which it is found to be at its end: nothing comes in between. */
  #gatherBacklog(parts: Uint8Array[]): void {
    let bytes = 0;
    while (this.#backlog && bytes < CHUNK_BYTES) {
      const step = this.#backlog.next();
      if (step.kind === "pause") return;
      if (step.kind === "lost") return this.end("slow-consumer");
      if (step.kind === "done") {
        this.#backlog = undefined;
        return;
      }
      const part = step.kind === "live"
        ? this.#liveMarker(this.#backlog)
        : this.#separated(this.#format.message(step.message, step.origin));
      parts.push(part);
      bytes += part.length;
      if (step.kind === "live") continue;
      if (step.origin !== "retained") this.#cursor = step.message.sequence;
      if (--this.#leftCount === 0) this.end("limit");
    }
  }

  #liveMarker({ startSequence, retainedCount, replayedCount }: Backlog): Uint8Array {
    this.#cursor = startSequence;
    return this.#control(
      "live",
      { retained: retainedCount, replayed: replayedCount },
      this.#id(startSequence),
    );
  }

  /** Hands the parts to the reader as one chunk, and after the last one closes. */
  #send(parts: Uint8Array[]): void {
    if (this.#isGone) return;
    const isLast = this.#bye !== undefined && this.#queue.isEmpty;
    if (isLast) parts.push(encoder.encode(this.#closing(this.#bye!)));
    const chunk = joined(parts);
    if (chunk.length > 0) this.#hand(chunk);
    if (!isLast) return;
    this.#leave();
    this.#controller.close();
  }

  #hand(chunk: Uint8Array): void {
    this.#isAwaited = false;
    this.#sentAt = this.#home.broker.turn.now();
    this.#controller.enqueue(chunk);
  }

  #closing(reason: ByeReason): string {
    return this.#format.closing({
      reason,
      retryMs: this.#byeRetryMs,
      cursor: this.#cursor === undefined ? undefined : this.#id(this.#cursor),
      resume: this.#resume.kind,
      droppedCount: this.#queue.droppedCount,
    });
  }

  #ready(isKept: boolean): Ready {
    const { broker, log } = this.#home;
    const { filters, qos, warnings } = this.#options;
    return {
      stream: this.name,
      resume: this.#resume.kind,
      filters: filters.map((filter) => ({ filter, qos })),
      replay: { oldest: this.#id(log.oldest), max_age_s: broker.limits.replaySeconds },
      warnings: [
        ...warnings,
        ...this.#resume.kind === "resumed" && log.isUnsureAfter(this.#resume.after) ? [LOSS_WARNING] : [],
        ...isKept ? [] : [UNKEPT_WARNING],
      ],
    };
  }

  #control(
    name: "live" | "reset" | "gap",
    fields: Readonly<Record<string, unknown>>,
    id?: string,
  ): Uint8Array {
    return encoder.encode(this.#format.control(name, fields, id));
  }

  #separated(bytes: Uint8Array): Uint8Array {
    if (!this.#isFirst || this.#format.separatorLength === 0) return bytes;
    this.#isFirst = false;
    return bytes.subarray(this.#format.separatorLength);
  }

  #touch(): void {
    if (this.#isTouched || !this.#isAwaited) return;
    this.#isTouched = true;
    this.#home.broker.turn.touch(this);
  }

  /** Nothing of the stream stays behind. */
  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#isAwaited = false;
    this.#backlog = undefined;
    this.#queue.clear();
    this.#unsubscribe();
    this.#home.gone(this);
  }

  #unsubscribe(): void {
    this.#cancelTimeout();
    for (const filter of this.#options.filters) this.#home.broker.unsubscribe(this, filter);
  }

  #id(sequence: number): string {
    return formatId(this.#home.broker.epoch, sequence);
  }
}
