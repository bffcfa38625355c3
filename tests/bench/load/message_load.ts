import { openClient, subscribe } from "./handshake.ts";
import type { LoadOptions, MessageResult, MessageShape } from "./options.ts";
import { UseMeter } from "./process_use.ts";
import type { PeerOwner } from "./peer.ts";
import { Publisher } from "./publisher.ts";
import { Subscriber } from "./subscriber.ts";
import { Expectation, microseconds, Tally } from "./tally.ts";

/** After so long without any delivery, what is still due counts as lost. */
const PATIENCE_MS = 1000;
const TICK_MS = 1;

type MessageOptions = LoadOptions & { readonly shape: MessageShape };

/**
 * Publishers and subscribers in one event loop. Once per turn, what the window has room for (or what the pace makes due)
 * is shared out among the publishers that are not writing: one write each.
 */
export class MessageLoad implements PeerOwner {
  readonly #options: MessageOptions;
  readonly #tally = new Tally();
  readonly #publishers: Publisher[] = [];
  readonly #subscribers: Subscriber[] = [];
  readonly #failure = Promise.withResolvers<never>();
  /** Who begins next time: nobody is always first. */
  #nextPublisher = 0;
  #sent = 0;
  #isSending = false;
  #isScheduled = false;
  /** When the pace began, and since when messages wait that it has made due. */
  #pacedFrom = 0;
  #overdueSince: number | undefined;

  constructor(options: MessageOptions) {
    this.#options = options;
  }

  async run(): Promise<MessageResult> {
    try {
      return await Promise.race([this.#run(), this.#failure.promise]);
    } finally {
      for (const peer of [...this.#publishers, ...this.#subscribers]) peer.close();
    }
  }

  peerGotOn(): void {
    if (this.#isScheduled || !this.#isSending) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#send());
  }

  peerFailed(error: unknown): void {
    this.#failure.reject(error);
  }

  async #run(): Promise<MessageResult> {
    const { warmSeconds, seconds, brokerPid } = this.#options;
    await this.#open();
    this.#isSending = true;
    this.#pacedFrom = performance.now();
    this.peerGotOn();
    if (this.#options.shape.ratePerSecond > 0) void this.#tick();
    await sleep(warmSeconds * 1000);
    const meter = new UseMeter(brokerPid);
    const receivedBefore = this.#tally.received;
    this.#tally.isMeasuring = true;
    await sleep(seconds * 1000);
    this.#tally.isMeasuring = false;
    const received = this.#tally.received - receivedBefore;
    const { seconds: measuredSeconds, ...use } = meter.stop();
    this.#isSending = false;
    await this.#settle();
    const { latency, lost, repeated } = this.#tally;
    return {
      kind: "messages",
      deliveriesPerSecond: received / measuredSeconds,
      p50: latency.quantile(0.5),
      p99: latency.quantile(0.99),
      p999: latency.quantile(0.999),
      due: this.#due,
      lost: lost + this.#due - this.#tally.settled,
      repeated,
      ...use,
    };
  }

  async #open(): Promise<void> {
    const { port, version, shape: { publishers, subscribers, qos, isPaired, payloadBytes } } = this.#options;
    const topicOf = (index: number) =>
      isPaired ? `bench/${index % publishers}/temperature` : "bench/temperature";
    for (let index = 0; index < subscribers; index++) {
      const client = await openClient(port, version, `subscriber-${index}`);
      await subscribe(client, topicOf(index), qos);
      const expectation = new Expectation(this.#tally, publishers);
      this.#subscribers.push(new Subscriber(client, this, this.#tally, expectation));
    }
    for (let index = 0; index < publishers; index++) {
      const client = await openClient(port, version, `publisher-${index}`);
      const topic = topicOf(index);
      this.#publishers.push(new Publisher({ client, owner: this, index, topic, qos, payloadBytes }));
    }
    for (const peer of [...this.#publishers, ...this.#subscribers]) void peer.run();
  }

  /** Deliveries of one message. */
  get #fan(): number {
    const { publishers, subscribers, isPaired } = this.#options.shape;
    return isPaired ? subscribers / publishers : subscribers;
  }

  get #due(): number {
    return this.#sent * this.#fan;
  }

  #send(): void {
    this.#isScheduled = false;
    if (!this.#isSending) return;
    const { ratePerSecond } = this.#options.shape;
    if (ratePerSecond > 0) this.#sendDue(ratePerSecond);
    else this.#shareOut(this.#windowRoom(), microseconds());
  }

  /** Messages that may be sent on top of those under way. */
  #windowRoom(): number {
    const { window, qos } = this.#options.shape;
    const room = Math.ceil((window - (this.#due - this.#tally.settled)) / this.#fan);
    if (qos === 0) return room;
    let acknowledged = 0;
    for (const publisher of this.#publishers) acknowledged += publisher.acknowledged;
    return Math.min(room, window - (this.#sent - acknowledged));
  }

  /**
   * A message that could not leave when it was due is as late as the tick that first found no room: the load must not
   * wait for a slow broker and then call it fast.
   */
  #sendDue(ratePerSecond: number): void {
    const due = Math.floor((performance.now() - this.#pacedFrom) / 1000 * ratePerSecond);
    const now = microseconds();
    const left = this.#shareOut(due - this.#sent, this.#overdueSince ?? now);
    if (left <= 0) this.#overdueSince = undefined;
    else this.#overdueSince ??= now;
  }

  /** Answers how many found no room. */
  #shareOut(count: number, sentAt: number): number {
    const publishers = this.#publishers;
    if (count <= 0) return count;
    const share = Math.ceil(count / publishers.length);
    let left = count;
    for (let turn = 0; turn < publishers.length && left > 0; turn++) {
      const publisher = publishers[this.#nextPublisher]!;
      this.#nextPublisher = (this.#nextPublisher + 1) % publishers.length;
      const messages = Math.min(share, left, publisher.room);
      if (messages <= 0) continue;
      publisher.publish(messages, sentAt);
      left -= messages;
    }
    this.#sent += count - left;
    return left;
  }

  async #tick(): Promise<void> {
    while (this.#isSending) {
      await sleep(TICK_MS);
      this.peerGotOn();
    }
  }

  async #settle(): Promise<void> {
    for (let settled = -1; this.#tally.settled < this.#due && settled !== this.#tally.settled;) {
      settled = this.#tally.settled;
      await sleep(PATIENCE_MS);
    }
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
