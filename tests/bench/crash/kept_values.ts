import type { Random } from "../../topic/random_names.ts";
import type { DurableClient } from "./durable_client.ts";
import { isRequestCut } from "./http_requests.ts";
import type { Ledger } from "./ledger.ts";
import { pause } from "./pause.ts";

const PAUSE_MS_MAX = 25;
/** Every so many-th write clears the topic. */
const CLEAR_EVERY = 7;

/** How a value is written: true when that was acknowledged, false when nobody knows. */
export type Write = (topic: string, value: string | undefined) => Promise<boolean>;

/** One topic with a retained value that only goes up, and those who write and read it. */
export class KeptValue {
  readonly name: string;
  readonly topic: string;
  readonly #write: Write;
  readonly #url: string;
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #running: Promise<unknown>;
  /** Number of the last write that was begun, and of the last that was acknowledged. */
  #attempted = 0;
  #acknowledged = 0;
  #acknowledgedAt = 0;
  #isStopping = false;
  readCount = 0;

  constructor(topic: string, write: Write, options: { url: string; ledger: Ledger; random: Random }) {
    this.name = this.topic = topic;
    this.#write = write;
    this.#url = options.url;
    this.#ledger = options.ledger;
    this.#random = options.random;
    this.#running = Promise.all([this.#writeAll(), this.#readAll()]);
  }

  get writeCount(): number {
    return this.#acknowledged;
  }

  /** Resolves with the last value, which is acknowledged; `undefined` if that is none. */
  async stop(): Promise<string | undefined> {
    this.#isStopping = true;
    await this.#running;
    return this.#valueOf(this.#acknowledged);
  }

  async #writeAll(): Promise<void> {
    while (!this.#isStopping || this.#acknowledged < this.#attempted) {
      const number = ++this.#attempted;
      if (await this.#write(this.topic, this.#valueOf(number))) {
        this.#acknowledged = number;
        this.#acknowledgedAt = this.#ledger.now();
        this.#ledger.acknowledgedCount++;
      }
      await pause(this.#random.below(PAUSE_MS_MAX));
    }
  }

  async #readAll(): Promise<void> {
    while (!this.#isStopping) {
      await pause(this.#random.below(PAUSE_MS_MAX));
      const least = this.#acknowledged;
      const value = await this.#read();
      if (value !== "unknown") this.#check(value.text, least);
    }
  }

  async #read(): Promise<{ text: string | undefined } | "unknown"> {
    try {
      const response = await fetch(`${this.#url}/topics/${this.topic}`);
      const text = await response.text();
      if (response.status === 200) return { text };
      if (response.status === 404) return { text: undefined };
      this.#ledger.violate(`GET of ${this.topic} was answered with ${response.status}: ${text}`);
    } catch (error) {
      if (!isRequestCut(error)) throw error;
    }
    return "unknown";
  }

  /** It is what was acknowledged before it was asked for, or something that was written since. */
  #check(text: string | undefined, least: number): void {
    this.readCount++;
    for (let number = least; number <= this.#attempted; number++) if (this.#valueOf(number) === text) return;
    this.#ledger.violate(
      `${this.topic} is ${JSON.stringify(text)}, and write ${least} (${
        this.#valueOf(least)
      }) was acknowledged by ` +
        `${this.#acknowledgedAt} ms, write ${this.#attempted} begun`,
    );
  }

  #valueOf(number: number): string | undefined {
    return number % CLEAR_EVERY === 0 ? undefined : `value ${number}`;
  }
}

/** Writes with PUBLISH at QoS 1. */
export function mqttWrite(client: DurableClient): Write {
  return async (topic, value = "") =>
    await client.publish(topic, value, { qos: 1, retain: true }) === "acknowledged";
}

/** Writes with PUT at QoS 1, and with DELETE, which is a message of QoS 0. */
export function httpWrite(url: string, ledger: Ledger): Write {
  return async (topic, value) => {
    const request = value === undefined ? { method: "DELETE" } : { method: "PUT", body: value };
    try {
      const query = value === undefined ? "" : "?qos=1";
      const response = await fetch(`${url}/topics/${topic}${query}`, request);
      if (response.ok) ledger.see("200");
      const text = await response.text();
      // A DELETE before may have been committed and not answered.
      if (response.ok || (value === undefined && response.status === 404)) return true;
      ledger.violate(`${request.method} of ${topic} was answered with ${response.status}: ${text}`);
    } catch (error) {
      if (!isRequestCut(error)) throw error;
    }
    return false;
  };
}
