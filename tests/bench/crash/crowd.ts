import type { Version } from "../../../broker/packet/mod.ts";
import { Random } from "../../topic/random_names.ts";
import type { Place } from "./broker_process.ts";
import { Churn } from "./churn.ts";
import { DurableClient, type DurableClientOptions } from "./durable_client.ts";
import { ResumingEventSource } from "./event_source.ts";
import { httpWrite, KeptValue, mqttWrite } from "./kept_values.ts";
import type { Ledger, Sight } from "./ledger.ts";
import { HttpPublisher, MqttPublisher, type Publisher } from "./publishers.ts";
import { checkShared, describe, type Expectation, missingOf, Reception } from "./reception.ts";

/** Filter of a subscriber, and which topics it means. */
interface Wish extends Expectation {
  readonly filter: string;
  readonly version: Version;
  readonly receiveMaximum?: number;
}

const WISHES: readonly Wish[] = [
  { name: "all", filter: "flow/#", wants: () => true, qos: 2, version: 5, receiveMaximum: 60 },
  { name: "first", filter: "flow/+/0", wants: (topic) => topic.endsWith("/0"), qos: 1, version: 4 },
  { name: "one", filter: "flow/pub-2/1", wants: (topic) => topic === "flow/pub-2/1", qos: 2, version: 4 },
  { name: "sleeper", filter: "flow/#", wants: () => true, qos: 2, version: 4 },
];
const SHARED: readonly Wish[] = ["a", "b"].map((name, index) => ({
  name: `shared-${name}`,
  filter: "$share/pair/flow/#",
  wants: () => true,
  qos: 2,
  version: index === 0 ? 4 : 5,
  isPartial: true,
}));
/** Without a replay log that outlives the process it misses what comes before it is back. */
function streamExpectation(resumesStreams: boolean): Expectation {
  return { name: "stream", wants: () => true, qos: 1, isPartial: !resumesStreams };
}

const PUBLISHERS: readonly { version: Version; qos: 1 | 2; isPersistent: boolean; window: number }[] = [
  { version: 4, qos: 1, isPersistent: true, window: 1 },
  { version: 5, qos: 1, isPersistent: true, window: 8 },
  { version: 4, qos: 2, isPersistent: true, window: 8 },
  { version: 5, qos: 2, isPersistent: true, window: 3 },
  { version: 4, qos: 1, isPersistent: false, window: 4 },
  { version: 5, qos: 2, isPersistent: false, window: 4 },
];

const CUT_ONE_IN = 5;

interface Subscriber {
  readonly wish: Wish;
  readonly client: DurableClient;
  readonly reception: Reception;
}

export interface CrowdOptions {
  readonly place: Place;
  readonly ledger: Ledger;
  readonly seed: number;
  /** A stream resumes across starts of the broker; otherwise only what it sees is checked. */
  readonly resumesStreams: boolean;
}

/** Everybody who uses the broker while it dies again and again, each with what was promised to it. */
export class Crowd {
  readonly #options: CrowdOptions;
  readonly #url: string;
  readonly #clients: DurableClient[] = [];
  readonly #subscribers: readonly Subscriber[];
  readonly #watcher: DurableClient;
  readonly #streamExpectation: Expectation;
  readonly #stream: Reception;
  #publishers: readonly Publisher[] = [];
  #kept: readonly KeptValue[] = [];
  #churns: readonly Churn[] = [];
  #eventSource: ResumingEventSource | undefined;
  #finalValues = new Map<string, string | undefined>();
  /** By topic, what the watcher saw last; undefined for an empty message. */
  readonly #seenValues = new Map<string, string>();
  #clientCount = 0;
  /** Who has not got its last answers yet. */
  readonly waiting = new Set<string>();
  resetCount = 0;

  constructor(options: CrowdOptions) {
    this.#options = options;
    this.#url = `http://127.0.0.1:${options.place.httpPort}`;
    this.#subscribers = [...WISHES, ...SHARED].map((wish) => this.#subscriber(wish));
    this.#watcher = this.#client("watcher", {
      version: 5,
      onMessage: (topic, payload) => void this.#seenValues.set(topic, payload),
    });
    this.#streamExpectation = streamExpectation(options.resumesStreams);
    this.#stream = new Reception(this.#streamExpectation, options.ledger);
  }

  get receptions(): readonly Reception[] {
    return [...this.#subscribers.map(({ reception }) => reception), this.#stream];
  }

  get probeCount(): number {
    return this.#churns.reduce((sum, { probeCount }) => sum + probeCount, 0);
  }

  get requestCount(): number {
    return this.#churns.reduce((sum, { requestCount }) => sum + requestCount, 0);
  }

  get readCount(): number {
    return this.#kept.reduce((sum, { readCount }) => sum + readCount, 0);
  }

  /** Everybody subscribes; then everybody begins. */
  async begin(): Promise<void> {
    for (const { wish, client } of this.#subscribers) while (!await client.subscribe(wish.filter, wish.qos));
    while (!await this.#watcher.subscribe("kept/#", 1));
    await this.#openStream();
    this.#publishers = this.#makePublishers();
    this.#kept = this.#makeKept();
    this.#churns = [4, 5].map((version) => this.#makeChurn(`churn-${version}`, version as Version));
  }

  /** One subscriber goes away, with or without a word, or comes back. */
  async setAsleep(isAsleep: boolean, saysGoodBye: boolean): Promise<void> {
    const { client } = this.#subscribers.find(({ wish }) => wish.name === "sleeper")!;
    if (isAsleep) await client.stop(saysGoodBye);
    else client.start();
  }

  /** Some lose their connection while the broker lives. */
  cutSome(random: Random): void {
    for (const client of this.#clients) if (random.below(CUT_ONE_IN) === 0) client.cut();
  }

  /** Nobody begins anything new; resolves when everything is answered. */
  async end(): Promise<void> {
    await this.setAsleep(false, true);
    const values = this.#kept.map(async (kept) => void this.#finalValues.set(kept.topic, await kept.stop()));
    const ends = [...[...this.#publishers, ...this.#churns].map((one) => one.stop()), ...values];
    const names = [...this.#publishers, ...this.#churns, ...this.#kept].map(({ name }) => name);
    for (const name of names) this.waiting.add(name);
    await Promise.all(ends.map((end, index) => end.then(() => this.waiting.delete(names[index]!))));
  }

  /** Publishes something that comes behind all else, and tells when it came. */
  async publishLast(): Promise<() => boolean> {
    const { ledger } = this.#options;
    const publication = ledger.publish("last 1", { topic: "flow/last/0", qos: 2, number: 1 });
    await this.#client("last", { version: 4 }).publish("flow/last/0", "last 1", { qos: 2 });
    ledger.acknowledge(publication);
    return () => this.#missing().length === 0;
  }

  /** What was acknowledged and has not come yet, in words. */
  missing(): string[] {
    // Who is away, if only for the moment in which the broker starts, gets no DELETE.
    const unseen = [...this.#finalValues].filter(([topic, value]) =>
      (this.#seenValues.get(topic) ?? "") !== (value ?? "") && (value !== undefined || !isByHttp(topic))
    );
    return [
      ...this.#missing(),
      ...this.#churns.flatMap(({ missing }) => missing.map(({ key }) => `a probe is missing: ${key}`)),
      ...unseen.map(([topic, value]) =>
        `watcher saw ${this.#seenValues.get(topic)} last on ${topic}, and ${value} was acknowledged`
      ),
    ];
  }

  /** Writes into the ledger whatever is not as it was promised. */
  async verify(): Promise<void> {
    const { ledger } = this.#options;
    for (const what of this.missing()) ledger.violate(what);
    const shared = this.#subscribers.filter(({ wish }) => wish.isPartial).map(({ reception }) => reception);
    checkShared("The shared subscription", shared, ledger);
    for (const churn of this.#churns) churn.verify();
    await this.#verifyRetained();
  }

  async leave(): Promise<void> {
    await this.#eventSource?.stop();
    await Promise.all(this.#clients.map((client) => client.stop()));
  }

  /** Resolves when every client has a connection to this life of the broker. */
  get connectCounts(): readonly number[] {
    return this.#clients.map(({ connectCount }) => connectCount);
  }

  #missing(): string[] {
    const { ledger, resumesStreams } = this.#options;
    const shared = this.#subscribers.filter(({ wish }) => wish.isPartial).map(({ reception }) => reception);
    const wishes: [Expectation, readonly Reception[]][] = [
      ...this.#subscribers.filter(({ wish }) => !wish.isPartial)
        .map(({ wish, reception }): [Expectation, Reception[]] => [wish, [reception]]),
      [{ ...SHARED[0]!, name: "The shared subscription" }, shared],
    ];
    if (resumesStreams) wishes.push([this.#streamExpectation, [this.#stream]]);
    return wishes.flatMap(([expectation, receptions]) =>
      missingOf(expectation, receptions, ledger)
        .map((publication) => `${expectation.name} did not receive ${describe(publication)}`)
    );
  }

  /** A new client asks for all retained messages, as the broker has them after its last start. */
  async #verifyRetained(): Promise<void> {
    const { ledger } = this.#options;
    const values = new Map<string, string>();
    const reader = this.#client("reader", {
      version: 4,
      isPersistent: false,
      onMessage: (topic, payload) => void values.set(topic, payload),
    });
    while (!await reader.subscribe("kept/#", 0));
    // Everything retained was handed over before this is answered.
    while (!await reader.unsubscribe("kept/#"));
    for (const [topic, value] of this.#finalValues) {
      if (values.get(topic) === value) continue;
      ledger.violate(`${topic} has ${values.get(topic)} retained, and ${value} was acknowledged last`);
    }
  }

  #subscriber(wish: Wish): Subscriber {
    const reception = new Reception(wish, this.#options.ledger);
    const { version, receiveMaximum } = wish;
    const client = this.#client(wish.name, {
      version,
      ...(receiveMaximum !== undefined && { receiveMaximum }),
      onMessage: (topic, payload) => reception.take(topic, payload),
    });
    return { wish, client, reception };
  }

  async #openStream(): Promise<void> {
    const { ledger, resumesStreams } = this.#options;
    const live = Promise.withResolvers<void>();
    this.#eventSource = new ResumingEventSource({
      url: `${this.#url}/stream/flow/%23?qos=1`,
      onMessage: (topic, payload) => this.#stream.take(topic, payload),
      onControl: (name, data) => {
        if (name === "live") live.resolve();
        if (name !== "reset" && name !== "gap") return;
        this.resetCount++;
        if (resumesStreams) ledger.violate(`The stream had a ${name}: ${data}`);
      },
      onViolation: (what) => ledger.violate(what),
    });
    await live.promise;
  }

  #makePublishers(): Publisher[] {
    const { ledger } = this.#options;
    const byMqtt = PUBLISHERS.map(({ version, qos, isPersistent, window }, index) => {
      const name = `pub-${index}`;
      const client = this.#client(name, { version, isPersistent });
      return new MqttPublisher(client, { name, ledger, random: this.#random(), qos, window });
    });
    return [...byMqtt, new HttpPublisher(this.#url, { name: "http", ledger, random: this.#random() })];
  }

  #makeKept(): KeptValue[] {
    const { ledger } = this.#options;
    const keeper = this.#client("keeper", { version: 5 });
    return [0, 1, 2, 3, 4, 5].map((index) => {
      const topic = `kept/${index}`;
      const write = isByHttp(topic) ? httpWrite(this.#url, ledger) : mqttWrite(keeper);
      return new KeptValue(topic, write, { url: this.#url, ledger, random: this.#random() });
    });
  }

  #makeChurn(name: string, version: Version): Churn {
    const client = this.#client(name, { version, onMessage: (_, payload) => churn.take(payload) });
    const prober = this.#client(`${name}-prober`, { version });
    const churn: Churn = new Churn(name, { client, prober }, {
      ledger: this.#options.ledger,
      random: this.#random(),
    });
    return churn;
  }

  #client(clientId: string, options: Partial<DurableClientOptions> & { version: Version }): DurableClient {
    const { place, ledger } = this.#options;
    const client = new DurableClient({
      clientId,
      isPersistent: true,
      port: place.mqttPort,
      random: this.#random(),
      onPacket: (type) => ledger.see(type as Sight),
      onViolation: (what) => ledger.violate(what),
      ...options,
    });
    client.start();
    this.#clients.push(client);
    return client;
  }

  #random(): Random {
    return new Random(this.#options.seed + ++this.#clientCount * 0x9e3779b1);
  }
}

/** Whether the kept topic is written over HTTP. */
function isByHttp(topic: string): boolean {
  return Number(topic.slice(-1)) % 2 === 1;
}
