import type { Limits } from "../../broker/core/limits.ts";
import { kebabCase } from "../../broker/core/kebab_case.ts";
import { METERED_LIMITS } from "../../broker/core/limits_met.ts";

/** A limit that counts for itself. */
const ITSELF = { figures: [] } as const;

/** What moves when a limit is met: figures of `$SYS`, beside the limit's own if it counts for itself; or why nothing does. */
export type Counted = { readonly figures: readonly string[] } | { readonly nothing: string };

const REMEMBERED = "What was remembered for so long is asked for anew: the counters of asking move";
const IN_TIME = "It is a time after which something is done, and nobody is refused for it";
const RULES_FILE = "The file is refused: the broker does not start, or goes on with the rules that it has";
const REPLAY = "A log that is full takes each message in the place of another, as it should";
const READ_BUFFER = "Whatever its size, more bytes take more reads and nothing is lost";

/** Every limit. A new one does not pass the type check before it has a line here. */
export const COUNTED: Readonly<Record<keyof Limits, Counted>> = {
  connectionsMax: { figures: ["connections/closed/too-many-connections"] },
  connectionsPerAddressMax: { figures: ["connections/closed/too-many-from-address"] },
  connectionsPerIdentityMax: { figures: ["connections/closed/too-many-of-identity"] },
  descriptorsReserve: { figures: ["descriptors/shortages", "connections/closed/too-few-descriptors"] },
  connectTimeoutSeconds: { figures: ["connections/closed/not-connected-in-time"] },
  connectBytesMax: ITSELF,
  packetBytesMax: ITSELF,
  propertiesMax: { figures: ["connections/closed/too-many-properties"] },
  propertiesBytesMax: { figures: ["connections/closed/too-many-properties"] },
  payloadBytesMax: ITSELF,
  stallSeconds: ITSELF,
  httpIdleSeconds: ITSELF,
  lingerSeconds: ITSELF,
  authenticationRoundsMax: ITSELF,
  passwordChecksMax: ITSELF,
  passwordChecksWaitingMax: ITSELF,
  passwordCacheSeconds: { nothing: REMEMBERED },
  passwordCacheMax: ITSELF,
  authFailuresMax: { figures: ["authentications/refused/too-many-failures"] },
  authFailureSeconds: { nothing: IN_TIME },
  authFailurePeersMax: ITSELF,
  tokenBytesMax: ITSELF,
  jwksSeconds: ITSELF,
  jwksMaxAgeSeconds: { nothing: REMEMBERED },
  jwksCooldownSeconds: {
    nothing: "Who comes in between is answered by the keys that are there, or refused as ever",
  },
  authAnswerBytesMax: ITSELF,
  hookSeconds: ITSELF,
  hookRequestsMax: ITSELF,
  hookRequestsWaitingMax: ITSELF,
  hookCacheSeconds: { nothing: REMEMBERED },
  hookRefusalCacheSeconds: { nothing: REMEMBERED },
  hookCacheMax: ITSELF,
  aclFileBytesMax: { nothing: RULES_FILE },
  aclRulesMax: { nothing: RULES_FILE },
  aclPatternsMax: { nothing: RULES_FILE },
  aclAnswersMax: {
    nothing: "An answer that is not remembered is found again by the rules: it costs time and no more",
  },
  outboxBytesMax: ITSELF,
  outboxTotalBytesMax: ITSELF,
  readBufferBytesMin: { nothing: READ_BUFFER },
  readBufferBytesMax: { nothing: READ_BUFFER },
  publishRateMax: { figures: ["messages/throttled"] },
  publishBytesRateMax: { figures: ["messages/throttled"] },
  publishRatePeersMax: ITSELF,
  topicLevelsMax: ITSELF,
  topicAliasesMax: { figures: ["connections/closed/protocol-error"] },
  routeCacheMax: ITSELF,
  routeCacheTargetsMax: ITSELF,
  sessionsMax: { figures: ["clients/refused"] },
  sessionExpirySeconds: { figures: ["clients/expired"] },
  clientIdBytesMax: ITSELF,
  subscriptionsPerSessionMax: ITSELF,
  subscriptionsMax: ITSELF,
  filterNodesMax: ITSELF,
  filterShapesMax: ITSELF,
  filterShapesPerSessionMax: ITSELF,
  inflightMax: ITSELF,
  inflightBytesMax: ITSELF,
  inboundQos2Max: { figures: ["connections/closed/inbound-qos2-full"] },
  queueMessagesMax: ITSELF,
  queueBytesMax: ITSELF,
  queueTotalBytesMax: ITSELF,
  retainedMax: ITSELF,
  retainedBytesMax: ITSELF,
  memoryBytesMax: {
    figures: ["memory/overloads", "connections/refused/overloaded", "messages/refused/overloaded"],
  },
  storePendingBytesMax: { figures: ["messages/refused/store-busy"] },
  urlBytesMax: ITSELF,
  listMax: ITSELF,
  filtersPerStreamMax: ITSELF,
  streamsMax: ITSELF,
  webSocketsMax: { figures: ["websockets/refused"] },
  streamsPerIdentityMax: ITSELF,
  streamBytesMax: ITSELF,
  heartbeatSeconds: { nothing: IN_TIME },
  retrySecondsMin: { nothing: IN_TIME },
  retrySecondsMax: { nothing: IN_TIME },
  replaySeconds: { nothing: REPLAY },
  replayMessagesMax: { nothing: REPLAY },
  replayBytesMax: { nothing: REPLAY },
  replayFiltersMax: { figures: ["streams/filters evicted", "streams/unkept"] },
  waitSecondsMax: ITSELF,
  userPropertiesMax: ITSELF,
  userPropertiesBytesMax: ITSELF,
  idempotencyKeysMax: ITSELF,
  idempotencySeconds: { nothing: IN_TIME },
  accessBodyBytesMax: ITSELF,
  loginsMax: { figures: ["logins/refused"] },
  loginsPerIdentityMax: { figures: ["logins/displaced"] },
  loginIdleSeconds: { nothing: IN_TIME },
  loginSeconds: { nothing: IN_TIME },
  streamTokensMax: ITSELF,
  streamTokensPerIdentityMax: ITSELF,
  streamTokenSecondsMax: ITSELF,
};

/** The figures of `$SYS` that move when the limit is met. */
export function figuresOf(limit: keyof Limits): readonly string[] {
  const counted = COUNTED[limit];
  const own = METERED_LIMITS.some((metered) => metered === limit) ? [`limits/met/${kebabCase(limit)}`] : [];
  return "nothing" in counted ? own : [...own, ...counted.figures];
}
