import type { Random } from "../../topic/random_names.ts";
import type { DurableClient } from "./durable_client.ts";
import { keyOf, type Ledger } from "./ledger.ts";
import { pause } from "./pause.ts";

const TOPICS = 6;
const PAUSE_MS_MAX = 20;

/** What is known of one filter of the client; each request makes it open and each answer settles it. */
interface Standing {
  isSubscribed: boolean;
  isOpen: boolean;
  /** Goes up with each request, so that who looks twice knows whether all was quiet between. */
  requestCount: number;
}

/** A message sent while a filter stood, from before its PUBLISH to its PUBACK, as it did. */
interface Probe {
  readonly key: string;
  readonly isSubscribed: boolean;
  readonly sentAt: number;
}

/** A client that subscribes and unsubscribes, and one that publishes to find out whether that holds. */
export class Churn {
  readonly name: string;
  readonly #client: DurableClient;
  readonly #prober: DurableClient;
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #standings: Standing[];
  readonly #probes: Probe[] = [];
  readonly #received = new Set<string>();
  readonly #running: Promise<unknown>;
  #isStopping = false;
  requestCount = 0;

  constructor(
    name: string,
    clients: { client: DurableClient; prober: DurableClient },
    { ledger, random }: { ledger: Ledger; random: Random },
  ) {
    this.name = name;
    this.#client = clients.client;
    this.#prober = clients.prober;
    this.#ledger = ledger;
    this.#random = random;
    this.#standings = Array.from(
      { length: TOPICS },
      () => ({ isSubscribed: false, isOpen: false, requestCount: 0 }),
    );
    this.#running = Promise.all([this.#requestAll(), this.#probeAll()]);
  }

  get probeCount(): number {
    return this.#probes.length;
  }

  /** To be called with what the client receives. */
  take(payload: string): void {
    this.#received.add(keyOf(payload));
  }

  /** Resolves when every request is answered, and every probe acknowledged. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  /** Probes that should have come and have not. */
  get missing(): readonly Probe[] {
    return this.#probes.filter(({ key, isSubscribed }) => isSubscribed && !this.#received.has(key));
  }

  /** Says what came or did not come against SUBACK or UNSUBACK. */
  verify(): void {
    const unwanted = this.#probes.filter(({ key, isSubscribed }) => !isSubscribed && this.#received.has(key));
    for (const { key, sentAt } of unwanted) {
      this.#ledger.violate(`${this.name} received probe "${key}", sent at ${sentAt} ms after its UNSUBACK`);
    }
    for (const { key, sentAt } of this.missing) {
      this.#ledger.violate(
        `${this.name} did not receive probe "${key}", sent at ${sentAt} ms after its SUBACK`,
      );
    }
  }

  async #requestAll(): Promise<void> {
    while (!this.#isStopping) {
      const index = this.#random.below(TOPICS);
      await this.#toggle(this.#filter(index), this.#standings[index]!);
      await pause(this.#random.below(PAUSE_MS_MAX));
    }
  }

  /** Asks again, whatever that takes: without an answer nobody knows. */
  async #toggle(filter: string, standing: Standing): Promise<void> {
    const isWanted = !standing.isSubscribed;
    standing.isOpen = true;
    standing.requestCount++;
    const ask = () => isWanted ? this.#client.subscribe(filter, 1) : this.#client.unsubscribe(filter);
    while (!await ask());
    standing.isSubscribed = isWanted;
    standing.isOpen = false;
    this.requestCount++;
    this.#ledger.acknowledgedCount++;
  }

  async #probeAll(): Promise<void> {
    for (let number = 1; !this.#isStopping; number++) {
      const index = this.#random.below(TOPICS);
      const standing = this.#standings[index]!;
      const { isOpen, requestCount, isSubscribed } = standing;
      const key = `${this.name}-probe ${number}`;
      const sentAt = this.#ledger.now();
      await this.#prober.publish(this.#filter(index), key, { qos: 1 });
      if (!isOpen && standing.requestCount === requestCount) this.#probes.push({ key, isSubscribed, sentAt });
      await pause(this.#random.below(PAUSE_MS_MAX));
    }
  }

  #filter(index: number): string {
    return `churn/${this.name}/${index}`;
  }
}
