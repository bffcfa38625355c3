import type { Identity } from "../core/identity.ts";
import type { MessageDraft } from "../core/message.ts";
import type { Publication } from "../core/outcome.ts";
import { isStoreRefusal } from "../core/refusal.ts";
import type { WillFields } from "../packet/types.ts";

export type PublishWill = (identity: Identity, draft: MessageDraft, publisherId?: string) => Publication;

/**
 * What a connection leaves behind when it ends without DISCONNECT. Rights are asked when it is accepted and, since it
 * is published like any message, again when it fires.
 */
export class Will {
  /** After the connection ended, unless the session ends first. [MQTT5-3.1.3-9] */
  readonly delaySeconds: number;
  #identity: Identity;
  readonly #publisherId: string | undefined;
  #draft: MessageDraft | undefined;

  /** @param publisherId of the session that leaves it, for No Local [MQTT5-3.8.3-3] */
  constructor(fields: WillFields, identity: Identity, publisherId?: string) {
    this.#identity = identity;
    this.#publisherId = publisherId;
    const { topic, qos, retain, properties } = fields;
    this.delaySeconds = fields.delaySeconds;
    this.#draft = { topic, payload: fields.payload.slice(), qos, retain, properties }; // [MQTT-3.1.2-16] [MQTT-3.1.2-17] [MQTT5-3.1.2-14] [MQTT5-3.1.2-15]
  }

  /** The client goes on with other rights, and so does what it leaves. */
  changeIdentity(identity: Identity): void {
    this.#identity = identity;
  }

  /** What it will publish; undefined when that is done or called off. */
  get draft(): MessageDraft | undefined {
    return this.#draft;
  }

  /** DISCONNECT came: nothing will be published. [MQTT-3.14.4-3] */
  cancel(): void {
    this.#draft = undefined;
  }

  /**
   * Publishes it, once; undefined if there is nothing to publish. While the store can take nothing it stays whole, to be
   * fired again. [MQTT-3.1.2-8] [MQTT-3.1.2-10] [MQTT5-3.1.2-10]
   */
  fire(publish: PublishWill): Publication | undefined {
    const draft = this.#draft;
    this.#draft = undefined;
    if (!draft) return undefined;
    const publication = publish(this.#identity, draft, this.#publisherId);
    if (!publication.accepted && isStoreRefusal(publication.refusal)) this.#draft = draft;
    return publication;
  }
}
