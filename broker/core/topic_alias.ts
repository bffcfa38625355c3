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
    if (alias > this.#aliasMax) { // [MQTT5-3.3.2-9]
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

/** What the broker calls topics for short to a client: those that came first, as many as it takes. [MQTT5-3.1.2-26] */
export class OutboundAliases {
  readonly #aliasMax: number;
  readonly #aliases = new Map<string, number>();

  constructor(aliasMax: number) {
    this.#aliasMax = aliasMax;
  }

  take(topic: string): AliasedTopic {
    const known = this.#aliases.get(topic);
    if (known !== undefined) return { alias: known, isNew: false };
    if (this.#aliases.size >= this.#aliasMax) return WITHOUT_ALIAS;
    const alias = this.#aliases.size + 1;
    this.#aliases.set(topic, alias);
    return { alias, isNew: true };
  }
}
