import type { Random } from "../../topic/random_names.ts";
import type { DurableClient } from "./durable_client.ts";
import { isRequestCut } from "./http_requests.ts";
import type { Ledger } from "./ledger.ts";
import { pause } from "./pause.ts";

/** Every publisher has so many topics. */
const TOPICS = 3;
const PAUSE_MS_MAX = 12;
/** One payload in so many is too large to be copied into an outbox. */
const LARGE_ONE_IN = 100;
const LARGE_BYTES = 20_000;

export interface PublisherOptions {
  readonly name: string;
  readonly ledger: Ledger;
  readonly random: Random;
}

/** Someone who publishes numbered messages until it is told to stop. */
export interface Publisher {
  readonly name: string;
  /** Publishes nothing new, and resolves when nothing is left open. */
  stop(): Promise<void>;
}

/** Publishes by MQTT, several at a time, at one QoS. */
export class MqttPublisher implements Publisher {
  readonly #client: DurableClient;
  readonly #options: PublisherOptions & { readonly qos: 1 | 2; readonly window: number };
  readonly #open = new Set<Promise<void>>();
  readonly #running: Promise<void>;
  #number = 0;
  #isStopping = false;

  constructor(client: DurableClient, options: PublisherOptions & { qos: 1 | 2; window: number }) {
    this.#client = client;
    this.#options = options;
    this.#running = this.#run();
  }

  get name(): string {
    return this.#options.name;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
    await Promise.all(this.#open);
  }

  async #run(): Promise<void> {
    const { window, random } = this.#options;
    while (!this.#isStopping) {
      while (this.#open.size >= window) await Promise.race(this.#open);
      const open = this.#publish().then(() => void this.#open.delete(open));
      this.#open.add(open);
      if (random.below(3) > 0) await pause(random.below(PAUSE_MS_MAX));
    }
  }

  async #publish(): Promise<void> {
    const { name, ledger, random, qos } = this.#options;
    const { topic, payload, key, number } = nextMessage(name, ++this.#number, random);
    const publication = ledger.publish(key, { topic, qos, number });
    const onResent = () => void publication.resentCount++;
    const end = await this.#client.publish(topic, payload, { qos, onResent });
    if (end === "acknowledged") ledger.acknowledge(publication);
  }
}

/** Publishes by HTTP, one after the other and each only once: what was not answered may have happened or not. */
export class HttpPublisher implements Publisher {
  readonly #url: string;
  readonly #options: PublisherOptions;
  readonly #running: Promise<void>;
  #isStopping = false;

  constructor(url: string, options: PublisherOptions) {
    this.#url = url;
    this.#options = options;
    this.#running = this.#run();
  }

  get name(): string {
    return this.#options.name;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const { random } = this.#options;
    for (let number = 1; !this.#isStopping; number++) {
      await this.#publish(number);
      await pause(random.below(PAUSE_MS_MAX));
    }
  }

  async #publish(number: number): Promise<void> {
    const { name, ledger, random } = this.#options;
    const { topic, payload, key } = nextMessage(name, number, random);
    const qos = random.pick([1, 2] as const);
    const publication = ledger.publish(key, { topic, qos, number });
    try {
      const response = await fetch(`${this.#url}/topics/${topic}?qos=${qos}`, {
        method: "POST",
        body: payload,
      });
      ledger.see("200");
      const answer = await response.text();
      if (response.status === 200) ledger.acknowledge(publication);
      else ledger.violate(`POST of "${key}" was answered with ${response.status}: ${answer}`);
    } catch (error) {
      if (!isRequestCut(error)) throw error;
    }
  }
}

function nextMessage(name: string, number: number, random: Random) {
  const key = `${name} ${number}`;
  const filling = random.below(LARGE_ONE_IN) === 0 ? ` ${"x".repeat(LARGE_BYTES)}` : "";
  return { topic: `flow/${name}/${random.below(TOPICS)}`, payload: key + filling, key, number };
}
