const KiB = 1024;

/** Small enough that mutated input meets every bound. */
export const FUZZ_LIMITS = {
  connectionsMax: 12,
  connectBytesMax: 2 * KiB,
  packetBytesMax: 8 * KiB,
  outboxBytesMax: 64 * KiB,
  topicLevelsMax: 8,
  routeCacheMax: 8,
  sessionsMax: 10,
  sessionExpirySeconds: 600,
  clientIdBytesMax: 64,
  subscriptionsPerSessionMax: 6,
  filterShapesPerSessionMax: 5,
  inflightMax: 3,
  inboundQos2Max: 4,
  queueMessagesMax: 6,
  queueBytesMax: 16 * KiB,
  retainedMax: 20,
  urlBytesMax: 1 * KiB,
  payloadBytesMax: 2 * KiB,
  topicAliasesMax: 2,
  streamsMax: 20,
  streamsPerIdentityMax: 15,
  streamBytesMax: 8 * KiB,
  idempotencyKeysMax: 10,
};
