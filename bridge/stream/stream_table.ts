import { ANONYMOUS_NAME, type Broker, type Identity } from "../../broker/mod.ts";
import type { Interests } from "./interests.ts";
import { JsonItems, JsonLines } from "./json_lines.ts";
import type { ReplayLog } from "./replay_log.ts";
import { resumeFrom, type Since } from "./resume.ts";
import { SseEvents } from "./sse_event.ts";
import { type FormatOptions, LiveEncoder, type StreamFormat, type StreamType } from "./stream_format.ts";
import { type StreamHome, type StreamOptions, StreamSubscriber } from "./stream_subscriber.ts";
import { TextLines } from "./text_lines.ts";

const TICK_MS = 1_000;
/** Reconnects a second that a broker should see after it stopped. */
const RECONNECTS_PER_SECOND = 500;

export type StreamRefusal = "overloaded" | "too-many-streams" | "shutdown" | "denied";

export interface StreamWish {
  readonly identity: Identity;
  readonly type: StreamType;
  readonly format: FormatOptions;
  readonly since: Since;
  readonly options: StreamOptions;
}

/** All open streams of one bridge: their bounds, their shared encoders, and the one timer for all of them. */
export class StreamTable implements StreamHome {
  readonly broker: Broker;
  readonly log: ReplayLog;
  readonly #interests: Interests;
  readonly #random: () => number;
  /** With the filters that something is kept for on their behalf. */
  readonly #streams = new Map<StreamSubscriber, readonly string[]>();
  readonly #countsByName = new Map<string, number>();
  readonly #encoders = new Map<string, LiveEncoder>();
  #cancelTick: (() => void) | undefined;
  #isClosing = false;
  #emptied: () => void = () => {};

  constructor(
    broker: Broker,
    log: ReplayLog,
    { interests, random }: { readonly interests: Interests; readonly random: () => number },
  ) {
    this.broker = broker;
    this.log = log;
    this.#interests = interests;
    this.#random = random;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Why the identity may not open one more stream now. */
  refusal(identity: Identity): Exclude<StreamRefusal, "denied"> | undefined {
    const { streamsMax, streamsPerIdentityMax } = this.broker.limits;
    if (this.#isClosing) return "shutdown";
    if (this.#streams.size >= streamsMax || this.broker.memory.isOverloaded) return "overloaded";
    const count = this.#countsByName.get(identity.name) ?? 0;
    // All who showed no name share one, and so must not share one bound.
    return identity.name !== ANONYMOUS_NAME && count >= streamsPerIdentityMax
      ? "too-many-streams"
      : undefined;
  }

  /** Subscribes, decides where to go on, and writes the first chunk in one step: nothing is missed in between. */
  open(wish: StreamWish): StreamSubscriber | StreamRefusal {
    const { identity, options } = wish;
    const refusal = this.refusal(identity);
    if (refusal) {
      const isFull = refusal === "overloaded" && this.#streams.size >= this.broker.limits.streamsMax;
      this.broker.counters.met(
        isFull ? "streamsMax" : refusal === "too-many-streams" ? "streamsPerIdentityMax" : undefined,
      );
      return this.#refuse(identity, refusal);
    }
    const stream = new StreamSubscriber(this, {
      name: `s_${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`,
      identity,
      live: this.#encoder(wish.type, wish.format),
      resume: resumeFrom(wish.since, this.broker, this.log),
      options,
    });
    for (const filter of options.filters) {
      const outcome = this.broker.subscribe(stream, filter, { qos: options.qos });
      if (outcome.granted) continue;
      for (const other of options.filters) this.broker.unsubscribe(stream, other);
      return this.#refuse(identity, outcome.refusal === "denied" ? "denied" : "overloaded");
    }
    const { counted, isKept } = this.#interests.opened(options.filters);
    this.#streams.set(stream, counted);
    this.#countsByName.set(identity.name, (this.#countsByName.get(identity.name) ?? 0) + 1);
    this.broker.counters.streamsOpened++;
    this.#scheduleTick();
    stream.open(isKept);
    return stream;
  }

  gone(stream: StreamSubscriber): void {
    const counted = this.#streams.get(stream);
    if (!counted) return;
    this.#streams.delete(stream);
    this.#interests.closed(counted, this.broker.clock.now());
    const { name } = stream.identity;
    const count = this.#countsByName.get(name)! - 1;
    if (count > 0) this.#countsByName.set(name, count);
    else this.#countsByName.delete(name);
    if (this.#streams.size > 0) return;
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    this.#emptied();
  }

  /** When a client should come back; spread, lest all come at once. */
  retryMs(): number {
    const { retrySecondsMin, retrySecondsMax } = this.broker.limits;
    return this.#between(retrySecondsMin * 1000, retrySecondsMax * 1000);
  }

  /** Ends every stream with a farewell, and cuts off who has not taken it in time. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#streams.size === 0) return;
    const { retrySecondsMin, retrySecondsMax, lingerSeconds } = this.broker.limits;
    const spread = Math.max(retrySecondsMax, retrySecondsMin + this.#streams.size / RECONNECTS_PER_SECOND);
    const emptied = new Promise<void>((resolve) => this.#emptied = resolve);
    for (const stream of [...this.#streams.keys()]) {
      stream.end("shutdown", this.#between(retrySecondsMin * 1000, spread * 1000));
    }
    const cancel = this.broker.clock.after(lingerSeconds * 1000, () => {
      for (const stream of [...this.#streams.keys()]) {
        this.broker.counters.met("lingerSeconds");
        stream.cut("shutdown");
      }
    });
    await emptied;
    cancel();
  }

  #refuse(identity: Identity, refusal: StreamRefusal): StreamRefusal {
    this.broker.counters.streamsRefused++;
    this.broker.log.info("stream-refused", { identity: identity.name, refusal });
    return refusal;
  }

  /** There are as many as there are ways to combine the options: some dozens. */
  #encoder(type: StreamType, options: FormatOptions): LiveEncoder {
    const { payload, event, retainAsPublished, quiet } = options;
    const key = [type, payload, event, retainAsPublished, quiet].join();
    let encoder = this.#encoders.get(key);
    if (!encoder) this.#encoders.set(key, encoder = new LiveEncoder(this.#format(type, options)));
    return encoder;
  }

  #format(type: StreamType, options: FormatOptions): StreamFormat {
    const { epoch, clock } = this.broker;
    switch (type) {
      case "text/event-stream":
        return new SseEvents(epoch, clock, options);
      case "text/plain":
        return new TextLines(options);
      case "application/json":
        return new JsonItems(type, epoch, clock, options);
      case "application/x-ndjson":
      case "application/jsonl":
        return new JsonLines(type, epoch, clock, options);
    }
  }

  #scheduleTick(): void {
    this.#cancelTick ??= this.broker.clock.after(TICK_MS, () => {
      this.#cancelTick = undefined;
      const now = this.broker.clock.now();
      this.log.trim(now);
      for (const stream of this.#streams.keys()) stream.tick(now);
      if (this.#streams.size > 0) this.#scheduleTick();
    });
  }

  #between(min: number, max: number): number {
    return Math.round(min + this.#random() * (max - min));
  }
}
