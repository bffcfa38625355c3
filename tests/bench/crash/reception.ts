import type { QoS } from "../../../broker/packet/mod.ts";
import { keyOf, type Ledger, type Publication } from "./ledger.ts";

export interface Expectation {
  readonly name: string;
  readonly wants: (topic: string) => boolean;
  readonly qos: QoS;
  /** Others have what it has not: then, of what was sent again, the order is open. */
  readonly isPartial?: boolean;
}

/** What one application was handed by its client, in order. */
export class Reception {
  readonly #expectation: Expectation;
  readonly #ledger: Ledger;
  readonly #counts = new Map<string, number>();
  readonly #lastNumbers = new Map<string, number>();
  /** Times that a message came again, as QoS 1 allows. */
  repeatedCount = 0;
  count = 0;

  constructor(expectation: Expectation, ledger: Ledger) {
    this.#expectation = expectation;
    this.#ledger = ledger;
  }

  countOf(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  take(topic: string, payload: string): void {
    const key = keyOf(payload);
    const publication = this.#ledger.publications.get(key);
    const { name, qos, wants } = this.#expectation;
    this.count++;
    if (publication?.topic !== topic || !wants(topic)) {
      return this.#ledger.violate(`${name} received ${key} on ${topic}, which nobody sent there for it`);
    }
    const times = this.countOf(key) + 1;
    this.#counts.set(key, times);
    if (times === 1) return this.#checkOrder(publication);
    this.repeatedCount++;
    if (Math.min(qos, publication.qos) < 2) return;
    this.#ledger.violate(`${name} received ${describe(publication)} ${times} times at QoS 2`);
  }

  /** Whoever repeats begins with what was first, so whatever comes for the first time comes in order. */
  #checkOrder(publication: Publication): void {
    const { name, isPartial } = this.#expectation;
    if (isPartial && publication.resentCount > 0) return;
    const { topic, number } = publication;
    const last = this.#lastNumbers.get(topic) ?? 0;
    if (number < last) {
      this.#ledger.violate(`${name} received ${describe(publication)} behind number ${last}`);
    } else this.#lastNumbers.set(topic, number);
  }
}

/** What was acknowledged and came to none of the receptions that should have it. */
export function missingOf(
  expectation: Expectation,
  receptions: readonly Reception[],
  ledger: Ledger,
): Publication[] {
  return [...ledger.publications.values()].filter(({ key, topic, acknowledgedAt }) =>
    acknowledgedAt !== undefined && expectation.wants(topic) &&
    receptions.every((reception) => reception.countOf(key) === 0)
  );
}

/** Only one of those who share a subscription may have a message of QoS 2. */
export function checkShared(name: string, receptions: readonly Reception[], ledger: Ledger): void {
  for (const publication of ledger.publications.values()) {
    if (publication.qos < 2) continue;
    const count = receptions.reduce((sum, reception) => sum + reception.countOf(publication.key), 0);
    if (count > 1) ledger.violate(`${name} received ${describe(publication)} ${count} times at QoS 2`);
  }
}

export function describe({ key, topic, qos, sentAt, acknowledgedAt, resentCount }: Publication): string {
  const acknowledged = acknowledgedAt === undefined
    ? "not acknowledged"
    : `acknowledged at ${acknowledgedAt} ms`;
  return `"${key}" on ${topic} (QoS ${qos}, sent at ${sentAt} ms, ${resentCount} times again, ${acknowledged})`;
}
