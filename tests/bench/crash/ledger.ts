import type { QoS } from "../../../broker/packet/mod.ts";

/** One message as its publisher knows it. The first two words of the payload tell it from all others. */
export interface Publication {
  readonly key: string;
  readonly topic: string;
  readonly qos: QoS;
  /** Of its publisher, from 1: on every topic they go up. */
  readonly number: number;
  readonly sentAt: number;
  /** When its PUBACK, PUBCOMP or 200 came. */
  acknowledgedAt: number | undefined;
  /** How often its publisher sent it again, because a connection was lost. */
  resentCount: number;
}

/** What somebody sees of the broker, so that it can be killed for it. */
export const SIGHTS = [
  "connack",
  "suback",
  "unsuback",
  "publish",
  "puback",
  "pubrec",
  "pubrel",
  "pubcomp",
  "200",
] as const;
export type Sight = typeof SIGHTS[number];

/** Everything that was published, and what was promised of it when. */
export class Ledger {
  readonly #startedAt = performance.now();
  readonly #publications = new Map<string, Publication>();
  readonly #violations: string[] = [];
  #trap: { readonly sight: Sight; readonly spring: () => void } | undefined;
  acknowledgedCount = 0;

  /** Milliseconds since the run began. */
  now(): number {
    return Math.round(performance.now() - this.#startedAt);
  }

  get publications(): ReadonlyMap<string, Publication> {
    return this.#publications;
  }

  /** What is wrong already, whatever comes at the end. */
  get violations(): readonly string[] {
    return this.#violations;
  }

  /** Calls back at once when somebody sees this next. */
  setTrap(sight: Sight, spring: () => void): void {
    this.#trap = { sight, spring };
  }

  clearTrap(): void {
    this.#trap = undefined;
  }

  see(sight: Sight): void {
    if (this.#trap?.sight !== sight) return;
    const { spring } = this.#trap;
    this.clearTrap();
    spring();
  }

  violate(what: string): void {
    this.#violations.push(`${what} (at ${this.now()} ms)`);
  }

  publish(key: string, fields: Pick<Publication, "topic" | "qos" | "number">): Publication {
    const publication: Publication = {
      ...fields,
      key,
      sentAt: this.now(),
      acknowledgedAt: undefined,
      resentCount: 0,
    };
    this.#publications.set(key, publication);
    return publication;
  }

  acknowledge(publication: Publication): void {
    publication.acknowledgedAt = this.now();
    this.acknowledgedCount++;
  }
}

/** What tells one message from all others: its payload without what only makes it large. */
export function keyOf(payload: string): string {
  return payload.split(" ", 2).join(" ");
}
