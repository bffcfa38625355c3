import type { Broker } from "../broker.ts";
import { BROKER_IDENTITY } from "../core/identity.ts";
import { kebabCase } from "../core/kebab_case.ts";

export interface SysTopicsInit {
  /** 0: never. */
  readonly intervalSeconds: number;
  readonly version: string;
  readonly connectionCount: () => number;
}

const encoder = new TextEncoder();

/** Publishes the broker's figures as retained messages below `$SYS/broker/`, under the names that mosquitto gave them. */
export class SysTopics {
  readonly #broker: Broker;
  readonly #init: SysTopicsInit;
  readonly #published = new Map<string, string>();
  #cancel: () => void = () => {};

  constructor(broker: Broker, init: SysTopicsInit) {
    this.#broker = broker;
    this.#init = init;
    if (init.intervalSeconds > 0) this.#tick();
  }

  close(): void {
    this.#cancel();
  }

  #tick(): void {
    for (const [name, value] of Object.entries(this.#figures())) this.#publish(name, String(value));
    this.#cancel = this.#broker.clock.after(this.#init.intervalSeconds * 1000, () => this.#tick());
  }

  /** A figure that did not change is already there, unless nothing is retained. */
  #publish(name: string, value: string): void {
    const { retainAvailable: retain } = this.#broker.features;
    if (retain && this.#published.get(name) === value) return;
    this.#published.set(name, value);
    const payload = encoder.encode(value);
    const draft = { topic: `$SYS/broker/${name}`, payload, qos: 0, retain } as const;
    // Our own figures were received from nobody.
    if (this.#broker.publish(BROKER_IDENTITY, draft).accepted) this.#broker.counters.messagesReceived--;
  }

  #figures(): Record<string, string | number> {
    const { counters, sessions, clock, startedAt } = this.#broker;
    const connected = sessions.size - sessions.offlineCount;
    const figures: Record<string, string | number> = {
      "version": `pregon ${this.#init.version}`.trim(),
      "uptime": `${Math.floor((clock.now() - startedAt) / 1000)} seconds`,
      "clients/connected": connected,
      "clients/disconnected": sessions.offlineCount,
      "clients/total": sessions.size,
      "clients/maximum": counters.connectionsMax,
      "clients/expired": counters.sessionsExpired,
      "clients/refused": counters.sessionsRefused,
      "connections/open": this.#init.connectionCount(),
      "connections/accepted": counters.connectionsAccepted,
      "connections/accepts failed": counters.acceptsFailed,
      "descriptors/shortages": counters.descriptorShortages,
      "messages/received": counters.messagesReceived,
      "messages/sent": counters.messagesSent,
      "bytes/received": counters.bytesReceived,
      "bytes/sent": counters.bytesSent,
      "subscriptions/count": this.#broker.subscriptionCount,
      "clients/identifiers refused": counters.clientIdsRefused,
      "authentications/passwords remembered": counters.authentication.passwordCacheHits,
      "authentications/hook/asked": counters.authentication.hookRequests,
      "authentications/hook/failed": counters.authentication.hookFailures,
      "authentications/hook/remembered": counters.authentication.hookCacheHits,
      "authentications/keys/asked": counters.authentication.jwksRequests,
      "authentications/keys/failed": counters.authentication.jwksFailures,
      "messages/throttled": counters.publishesThrottled,
      "memory/overloads": counters.memoryOverloads,
      "connections/refused/overloaded": counters.connectsOverloaded,
      "logins/opened": counters.loginsOpened,
      "logins/refused": counters.loginsRefused,
      "logins/displaced": counters.loginsDisplaced,
      "streams/opened": counters.streamsOpened,
      "streams/refused": counters.streamsRefused,
      "streams/too slow": counters.streamsSlow,
      "streams/unkept": counters.streamsUnkept,
      "streams/filters evicted": counters.interestsEvicted,
      "websockets/refused": counters.webSocketsRefused,
      "stream tokens/issued": counters.streamTokensIssued,
      "stream tokens/refused": counters.streamTokensRefused,
      "subscriptions/refused": counters.subscriptionsRefused,
      "retained messages/count": this.#broker.retained.size,
      "retained messages/bytes": this.#broker.retained.bytes,
    };
    for (const [delivery, count] of Object.entries(counters.deliveries)) {
      if (delivery !== "queued") figures[delivery.replace("dropped:", "messages/dropped/")] = count;
    }
    for (const [refusal, count] of Object.entries(counters.refusals)) {
      figures[`messages/refused/${refusal}`] = count;
    }
    for (const [reason, count] of Object.entries(counters.authenticationsRefused)) {
      figures[`authentications/refused/${reason}`] = count;
    }
    for (const [reason, count] of Object.entries(counters.closes)) {
      figures[`connections/closed/${reason}`] = count;
    }
    for (const [limit, count] of Object.entries(counters.limitsMet)) {
      figures[`limits/met/${kebabCase(limit)}`] = count;
    }
    return figures;
  }
}
