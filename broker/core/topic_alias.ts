import { ProtocolError } from "./errors.ts";
import { ReasonCode } from "../packet/mod.ts";

/** What the peer calls its topics for short, as long as the connection lasts. [MQTT5-3.3.2-7] */
export class InboundAliases {
  readonly #aliasMax: number;
  readonly #topics = new Map<number, string>();

  constructor(aliasMax: number) {
    this.#aliasMax = aliasMax;
  }

  /**
   * The topic of a PUBLISH, which may have an alias (0: none) and then may be empty.
   *
   * @throws {ProtocolError} 0x94 for an alias over the maximum, 0x82 for one that stands for nothing
   */
  resolve(topic: string, alias: number): string {
    if (alias === 0) return topic;
    if (alias > this.#aliasMax) { // [MQTT5-3.3.2-9] [MQTT5-3.2.2-17] [MQTT5-3.2.2-18]
      const message = `Cannot accept topic alias ${alias}: at most ${this.#aliasMax} is allowed`;
      throw new ProtocolError(ReasonCode.topicAliasInvalid, message);
    }
    if (topic !== "") {
      this.#topics.set(alias, topic); // [MQTT5-3.3.2-12]
      return topic;
    }
    const known = this.#topics.get(alias);
    if (known !== undefined) return known;
    throw new ProtocolError(
      ReasonCode.protocolError,
      `Cannot accept topic alias ${alias}: it stands for no topic yet`,
    );
  }
}

/** How a topic is written for the peer: alias 0 is none, and only a new alias needs the topic beside it. */
export interface AliasedTopic {
  readonly alias: number;
  readonly isNew: boolean;
}

const WITHOUT_ALIAS: AliasedTopic = { alias: 0, isNew: true };

/** Messages between two looks at who deserves an alias: a few for each place, and enough to tell topics apart. */
const PERIOD_MIN = 256;
const PERIOD_PER_ALIAS = 16;

/** A topic and how much it is used. */
interface Usage {
  readonly topic: string;
  /** How it is written next. */
  written: AliasedTopic;
  /** Characters of topic sent lately, or saved by the alias. */
  weight: number;
}

/**
 * What we call topics for short to a client: the topics that save most, as many as it takes. [MQTT5-3.1.2-26] [MQTT5-3.3.2-11]
 *
 *     holders      │ a 1 │ b 2 │ c 3 │    each has an alias; weight grows with use, and is halved each period
 *     candidates   │ x   │ y   │          the first others of this period, as many as there are aliases at most
 *
 * - While aliases are free, the topics that come first take them.
 * - Each period the heaviest candidates take the places of the lightest holders, if they are heavier by more than one
 *   message. In steady use a holder's weight comes to twice that of a period, so a topic has to be used more than twice
 *   as much to overtake one: nothing goes back and forth.
 * - The alias of a holder that has to go stands for its new topic from the next message on, which has both; that is all
 *   that a change costs.
 * - Then all candidates are forgotten. One that is used much is among the first of the next period, or of one after it.
 */
export class OutboundAliases {
  readonly #aliasMax: number;
  readonly #period: number;
  readonly #usages = new Map<string, Usage>();
  #holderCount = 0;
  #untilReview: number;

  constructor(aliasMax: number) {
    this.#aliasMax = aliasMax;
    this.#untilReview = this.#period = Math.max(PERIOD_MIN, PERIOD_PER_ALIAS * aliasMax);
  }

  /** How the topic is written in a message that is sent now. */
  take(topic: string): AliasedTopic {
    if (this.#untilReview-- === 0) this.#review();
    const usage = this.#usages.get(topic) ?? this.#enter(topic);
    if (usage === undefined) return WITHOUT_ALIAS;
    const { written } = usage;
    usage.weight += topic.length;
    if (written.isNew && written.alias > 0) usage.written = { alias: written.alias, isNew: false };
    return written;
  }

  /** Undefined when there is neither an alias for the topic nor a place to count it. */
  #enter(topic: string): Usage | undefined {
    const isHolder = this.#holderCount < this.#aliasMax;
    if (!isHolder && this.#usages.size >= 2 * this.#aliasMax) return undefined;
    const written = isHolder ? { alias: ++this.#holderCount, isNew: true } : WITHOUT_ALIAS;
    const usage = { topic, written, weight: 0 };
    this.#usages.set(topic, usage);
    return usage;
  }

  #review(): void {
    this.#untilReview = this.#period - 1;
    const byWeight = [...this.#usages.values()].sort((one, other) => one.weight - other.weight);
    const holders = byWeight.filter(({ written }) => written.alias > 0);
    const candidates = byWeight.filter(({ written }) => written.alias === 0).reverse();
    for (const [index, candidate] of candidates.entries()) {
      const holder = holders[index];
      if (holder === undefined || candidate.weight <= holder.weight + candidate.topic.length) break;
      candidate.written = { alias: holder.written.alias, isNew: true };
      holder.written = WITHOUT_ALIAS;
    }
    for (const usage of byWeight) {
      if (usage.written.alias === 0) this.#usages.delete(usage.topic);
      else usage.weight /= 2;
    }
  }
}
