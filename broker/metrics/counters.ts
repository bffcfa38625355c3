import { CLOSE_REASON_CODES, type CloseReason } from "../core/close_reason.ts";
import type { AuthRefusal } from "../core/identity.ts";
import { type LimitsMet, type MeteredLimit, noLimitsMet } from "../core/limits_met.ts";
import { PUBLISH_REFUSALS, type Refusal } from "../core/refusal.ts";
import type { Delivery } from "../core/subscriber.ts";

/** Plain numbers, incremented in line; `$SYS` and the bridge read them. */
export class Counters {
  messagesReceived = 0;
  messagesSent = 0;
  bytesReceived = 0;
  bytesSent = 0;
  connectionsAccepted = 0;
  connectionsMax = 0;
  /** Connections that the system could not give to a listener of ours. */
  acceptsFailed = 0;
  /** Times that the descriptors ran out and their reserve was given up. */
  descriptorShortages = 0;
  acksUnexpected = 0;
  sessionsRefused = 0;
  sessionsExpired = 0;
  /** Wills that were due and never published, whatever refused them. */
  willsFailed = 0;
  commitsFailed = 0;
  subscriptionsRefused = 0;
  webSocketsRefused = 0;
  /** PUBLISH packets that waited for the rate of their connection, and HTTP requests that were refused for it. */
  publishesThrottled = 0;
  /** Times that there was too little memory, and CONNECTs that were refused for it. */
  memoryOverloads = 0;
  connectsOverloaded = 0;
  streamsOpened = 0;
  streamsRefused = 0;
  /** Streams that ended since their reader was too slow. */
  streamsSlow = 0;
  loginsOpened = 0;
  /** Logins that found the table full. */
  loginsRefused = 0;
  /** Logins that ended since whoever has them logged in once more. */
  loginsDisplaced = 0;
  streamTokensIssued = 0;
  streamTokensRefused = 0;
  /** Streams with a filter more than is kept on the disk. */
  streamsUnkept = 0;
  /** Filters of streams that are gone, but could come back, which gave their place to others. */
  interestsEvicted = 0;
  readonly deliveries: Record<Delivery, number> = {
    "queued": 0,
    "dropped:full": 0,
    "dropped:expired": 0,
    "dropped:denied": 0,
    "dropped:offline": 0,
    "dropped:too-large": 0,
  };
  readonly refusals: Record<Refusal, number> = zeros(PUBLISH_REFUSALS);
  /** Who was not let in, by MQTT or HTTP, and why. */
  readonly authenticationsRefused: Record<AuthRefusal, number> = {
    "bad-credentials": 0,
    "not-authorized": 0,
    "unavailable": 0,
    "busy": 0,
    "too-many-failures": 0,
  };
  /** What authenticators did, beside letting in and refusing. */
  readonly authentication = {
    passwordCacheHits: 0,
    hookRequests: 0,
    hookFailures: 0,
    hookCacheHits: 0,
    jwksRequests: 0,
    jwksFailures: 0,
  };
  /** Who came with a client identifier that belongs to another user. */
  clientIdsRefused = 0;
  readonly limitsMet: LimitsMet = noLimitsMet();
  readonly closes: Record<CloseReason, number> = zeros(CLOSE_REASON_CODES);

  /** Counts that the limit was met, and answers whether one was. */
  met(limit: MeteredLimit | undefined): boolean {
    if (limit !== undefined) this.limitsMet[limit]++;
    return limit !== undefined;
  }
}

function zeros<Key extends string>(keys: Readonly<Record<Key, unknown>>): Record<Key, number> {
  return Object.fromEntries(Object.keys(keys).map((key) => [key, 0])) as Record<Key, number>;
}
