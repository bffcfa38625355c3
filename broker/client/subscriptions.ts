import { PacketError, ReasonCode, type Version } from "../packet/mod.ts";
import type { SubscribeOptions, UnsubscribeOptions } from "./call_options.ts";
import { closedByProtocol, RefusedError } from "./client_error.ts";
import { refuseBefore5 } from "./connect_options.ts";
import type { Inbox, Subscription } from "./inbox.ts";
import type { Requests } from "./requests.ts";
import { checkSubscribe, type ServerLimits } from "./server_limits.ts";

export interface SubscriptionsInit {
  readonly requests: Requests;
  readonly inbox: Inbox;
  readonly version: Version;
  /** Called when an answer is not one. */
  readonly onBroken: (error: PacketError) => void;
}

/** What a client asks the broker to send, and no longer to send. */
export class Subscriptions {
  readonly #init: SubscriptionsInit;

  constructor(init: SubscriptionsInit) {
    this.#init = init;
  }

  /** Rejects with `RefusedError` when the broker grants none of the filters. */
  async subscribe(
    filters: readonly string[],
    options: SubscribeOptions,
    limits: ServerLimits,
  ): Promise<Subscription> {
    const { requests, inbox, version } = this.#init;
    const { qos = 0, noLocal, retainAsPublished, retainHandling, subscriptionId, userProperties } = options;
    const words = { noLocal, retainAsPublished, retainHandling };
    refuseBefore5(version, { ...words, subscriptionId, userProperties });
    const draft = {
      type: "subscribe",
      requests: filters.map((filter) => ({ filter, qos, ...words })),
      subscriptionId,
      userProperties,
    } as const;
    checkSubscribe(draft, limits);
    // Open before the request goes out: retained messages may come before its answer.
    const subscription = inbox.open(filters, options.catchAll ?? false);
    try {
      const answer = await requests.send((packetId) => ({ ...draft, packetId }), "suback");
      this.#checkEach(filters, answer); // [MQTT-3.8.4-5] [MQTT5-3.8.4-6]
      refuseIfAll(`Subscription to ${filters.join(", ")}`, answer);
      subscription.granted = answer.reasonCodes;
      subscription.reasonString = answer.reasonString;
      subscription.userProperties = answer.userProperties ?? [];
      return subscription;
    } catch (error) {
      void subscription.return();
      throw error;
    }
  }

  /** Resolves with a reason code a filter. Rejects with `RefusedError` when the broker goes on with all of them. */
  async unsubscribe(filters: readonly string[], options: UnsubscribeOptions): Promise<readonly number[]> {
    const { requests, version } = this.#init;
    const { userProperties } = options;
    refuseBefore5(version, { userProperties });
    const answer = await requests.send(
      (packetId) => ({ type: "unsubscribe", packetId, filters, userProperties }),
      "unsuback",
    );
    if (version !== 5) return filters.map(() => ReasonCode.success); // It says no more than that it is done.
    this.#checkEach(filters, answer);
    refuseIfAll(`Unsubscription from ${filters.join(", ")}`, answer);
    return answer.reasonCodes;
  }

  #checkEach(filters: readonly string[], { type, reasonCodes }: Answer): void {
    if (reasonCodes.length === filters.length) return;
    const error = new PacketError(
      ReasonCode.protocolError,
      `${type.toUpperCase()} does not answer each filter: ${reasonCodes.length} codes for ${filters.length}`,
    );
    this.#init.onBroken(error);
    throw closedByProtocol(error);
  }
}

interface Answer {
  readonly type: string;
  readonly reasonCodes: readonly number[];
  readonly reasonString?: string;
}

function refuseIfAll(what: string, answer: Answer): void {
  const [first] = answer.reasonCodes;
  if (first !== undefined && answer.reasonCodes.every((code) => code >= 0x80)) {
    throw new RefusedError(what, first, answer);
  }
}
