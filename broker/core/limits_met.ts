import type { Limits } from "./limits.ts";

/**
 * Limits that count for themselves how often they were met: `$SYS/broker/limits/met/` has each under the name of its
 * option. The other limits have a counter of their own, or nothing in them ever is full.
 */
export const METERED_LIMITS = [
  "connectBytesMax",
  "packetBytesMax",
  "payloadBytesMax",
  "stallSeconds",
  "httpIdleSeconds",
  "lingerSeconds",
  "authenticationRoundsMax",
  "passwordChecksMax",
  "passwordChecksWaitingMax",
  "passwordCacheMax",
  "authFailurePeersMax",
  "tokenBytesMax",
  "jwksSeconds",
  "authAnswerBytesMax",
  "hookSeconds",
  "hookRequestsMax",
  "hookRequestsWaitingMax",
  "hookCacheMax",
  "outboxBytesMax",
  "outboxTotalBytesMax",
  "publishRatePeersMax",
  "topicLevelsMax",
  "routeCacheMax",
  "routeCacheTargetsMax",
  "clientIdBytesMax",
  "subscriptionsPerSessionMax",
  "subscriptionsMax",
  "filterNodesMax",
  "filterShapesMax",
  "filterShapesPerSessionMax",
  "inflightMax",
  "inflightBytesMax",
  "queueMessagesMax",
  "queueBytesMax",
  "queueTotalBytesMax",
  "retainedMax",
  "retainedBytesMax",
  "urlBytesMax",
  "listMax",
  "filtersPerStreamMax",
  "streamsMax",
  "streamsPerIdentityMax",
  "streamBytesMax",
  "waitSecondsMax",
  "userPropertiesMax",
  "userPropertiesBytesMax",
  "idempotencyKeysMax",
  "accessBodyBytesMax",
  "streamTokensMax",
  "streamTokensPerIdentityMax",
  "streamTokenSecondsMax",
] as const satisfies readonly (keyof Limits)[];

export type MeteredLimit = (typeof METERED_LIMITS)[number];

/** How often each was met. */
export type LimitsMet = Record<MeteredLimit, number>;

export function noLimitsMet(): LimitsMet {
  return Object.fromEntries(METERED_LIMITS.map((limit) => [limit, 0])) as LimitsMet;
}
