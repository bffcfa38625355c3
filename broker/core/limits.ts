import { PROPERTY_LIMITS } from "../packet/mod.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

/**
 * Every bound of the broker and the bridge, with the unit in its name. The defaults suit a Raspberry Pi as well as a
 * server: each is the least that an ordinary user does not meet. What "full" does stands beside the bound, with what the
 * default comes from. Each full has a counter: a reason's, or `limits/met/<option>` below `$SYS/broker` (limits_met.ts).
 */
export interface Limits {
  // Connections
  /**
   * Open connections of MQTT and HTTP (but not of `http.direct`); one more is closed at once. Idle ones take some KiB each,
   * so 20,000 are what a small machine can hold. Where there are fewer descriptors, these are the bound.
   */
  readonly connectionsMax: number;
  /**
   * Of these, from one IPv4 address or one IPv6 network of 64 bits; one more is closed at once. 0 for no such bound, since
   * whole sites come from one address where they share a router, or a proxy stands before the broker.
   */
  readonly connectionsPerAddressMax: number;
  /**
   * MQTT connections of one user, by whatever way they come; one more is refused at CONNECT (0x97; 3 before MQTT 5.0). 0
   * for no such bound, since a whole fleet of devices may share one user. Who showed no name is not bounded by it.
   */
  readonly connectionsPerIdentityMax: number;
  /**
   * Descriptors kept for what the broker itself may have to open: files that are read again, questions to a hook, the
   * store. When the system refuses one these are given up, and new connections are closed at once
   * (`too-few-descriptors`). Twice what it opens at a time, and a small part of 256, the least that systems have.
   */
  readonly descriptorsReserve: number;
  /**
   * A link that has not sent a valid CONNECT by then is closed, or if many are late 100 a second while a quarter of the
   * places is free; a handshake of TLS or WebSocket has as long before. Time for a slow radio, and too little to hold many.
   */
  readonly connectTimeoutSeconds: number;
  /** Largest packet before CONNECT is accepted: nobody unknown makes us hold more. It has room for a token and a small will. */
  readonly connectBytesMax: number;
  /**
   * Largest packet after CONNECT, fixed header included; a larger one closes the connection before it is buffered. A
   * picture fits, and some of them fit in an outbox.
   */
  readonly packetBytesMax: number;
  /** Properties in one block of an MQTT 5.0 packet, each repetition counted; more close the connection. See `PROPERTY_LIMITS`. */
  readonly propertiesMax: number;
  /** Bytes of one such block; a longer one closes it too. Room for the three long fields of a PUBLISH at their longest. */
  readonly propertiesBytesMax: number;
  /** Largest payload that HTTP may publish; 413 for more. Less than a packet, since HTTP holds all of it beside the message. */
  readonly payloadBytesMax: number;
  /**
   * A peer that takes none of its waiting bytes, or sends none of its body, for so long is closed; sooner while all outboxes
   * are more than half full. A minute outlasts a bad spell of a radio.
   */
  readonly stallSeconds: number;
  /** A link of HTTP with no whole request under way for so long is closed, but not of `http.direct`. Most clients are quicker. */
  readonly httpIdleSeconds: number;
  /** Grace for the last bytes of a closing connection, then they are lost. More than a round trip, and a stop must not wait. */
  readonly lingerSeconds: number;

  /** Challenges of one authentication by AUTH; a method that has not decided by then refuses. SCRAM takes one, others few. */
  readonly authenticationRoundsMax: number;
  /**
   * Passwords checked at once, each on a thread of its own; others wait. Half of a small board's cores: more take time
   * from the messages.
   */
  readonly passwordChecksMax: number;
  /**
   * Passwords that wait to be checked; one more is refused as `busy`. As many as a small machine can check before
   * their clients are overdue (`connectTimeoutSeconds`).
   */
  readonly passwordChecksWaitingMax: number;
  /**
   * How long a password that was right is taken without the work of checking it again: HTTP shows it with each request.
   * No longer than somebody waits who changed it and expects that to count; a reload counts at once.
   */
  readonly passwordCacheSeconds: number;
  /** Passwords remembered so, by a keyed hash; the oldest goes. For as many users of HTTP in a minute. */
  readonly passwordCacheMax: number;
  /**
   * Wrong credentials from one address within `authFailureSeconds`; then it is refused as `too-many-failures` until
   * those are over. High enough that one device that tries every second does not lock out all behind its router, low
   * enough that guessing is in vain.
   */
  readonly authFailuresMax: number;
  /** How long wrong credentials count, and so who is refused for them waits: no longer than somebody who mistyped would. */
  readonly authFailureSeconds: number;
  /** Addresses whose failures are counted; the oldest is forgotten. Some MB at most, and many networks to guess from. */
  readonly authFailurePeersMax: number;
  /** Largest token; a longer one is refused unread. HTTP headers have room for about as much. */
  readonly tokenBytesMax: number;
  /** Longest that the keys of tokens may take to come from their URL; then there are none. Half of `connectTimeoutSeconds`. */
  readonly jwksSeconds: number;
  /**
   * Keys from a URL are fetched anew when they are that old, and for a key that is not among them. So long may a key be
   * good that was taken back.
   */
  readonly jwksMaxAgeSeconds: number;
  /** Between two fetches, whatever keys tokens name and whether it succeeded: making up key ids makes us fetch no more. */
  readonly jwksCooldownSeconds: number;
  /** Largest answer with keys, or of the hook; a longer one counts as none. A hundred keys fit, or thousands of topics. */
  readonly authAnswerBytesMax: number;
  /** Longest that the hook may take; then nobody is let in. Less than a client waits for its CONNACK. */
  readonly hookSeconds: number;
  /** Questions to the hook at once, others wait: few enough for a service of one process, and descriptors for them. */
  readonly hookRequestsMax: number;
  /** Questions that wait for that; one more is refused as `busy`. At 300 ms each they come in time for their CONNACK. */
  readonly hookRequestsWaitingMax: number;
  /** How long the hook's yes counts: as long may somebody come in after it would say no. */
  readonly hookCacheSeconds: number;
  /** How long its no does: shortly, since somebody may just be making the user. */
  readonly hookRefusalCacheSeconds: number;
  /** Answers remembered, by a keyed hash of what was asked; the oldest goes. As many as passwords. */
  readonly hookCacheMax: number;

  // Rights
  /** Bytes of the file of rules; a longer one is refused as a whole. Room for the rules below. */
  readonly aclFileBytesMax: number;
  /** Rules of the file; more refuse it. One for each device of a large site. */
  readonly aclRulesMax: number;
  /** Topics of all rules together; more refuse the file. Ten for each rule. */
  readonly aclPatternsMax: number;
  /**
   * Topics and filters whose answer is remembered for one identity, and as many from before; the oldest go. What a device
   * uses in a row, at 100 bytes each: an identity takes 25 KB at most.
   */
  readonly aclAnswersMax: number;

  // Per connection
  /**
   * Bytes waiting for one peer. Beyond, QoS 0 is dropped (`dropped:full`) and QoS 1 and 2 wait in the queue. Answers to
   * what the peer sends may take as much again; beyond that it is closed (`slow-consumer`). Four of the largest packets.
   */
  readonly outboxBytesMax: number;
  /** Bytes waiting in all outboxes together; beyond, every outbox counts as full. A quarter of a small board's memory. */
  readonly outboxTotalBytesMax: number;
  /** First read buffer. A pending read pins its buffer, so idle connections must have small ones: most packets fit. */
  readonly readBufferBytesMin: number;
  /** Largest read buffer, for who sends much at once: about what one read has of a socket. What is more takes another read. */
  readonly readBufferBytesMax: number;

  /**
   * PUBLISH packets a second of one connection, and messages a second over HTTP of one identity or, without one, of one
   * address; the next waits until it may be taken, over HTTP it is refused. As many as that may come at once. 0: no such
   * bound, since what a message costs is up to who it goes to, and back pressure slows the publisher already.
   */
  readonly publishRateMax: number;
  /** As `publishRateMax`, in bytes of these packets; over HTTP of topic and payload. */
  readonly publishBytesRateMax: number;
  /**
   * Identities and addresses whose rate over HTTP is known; the one that was quiet for longest is forgotten. And those
   * that the log has mentioned for theirs, over MQTT and over HTTP. As many as `authFailurePeersMax`.
   */
  readonly publishRatePeersMax: number;

  // Topics
  /** Levels of a topic or filter; more are refused. The same bound as mosquitto's. */
  readonly topicLevelsMax: number;
  /**
   * Topic aliases of one MQTT 5.0 connection, in each direction; each may hold a topic of 64 KiB, and towards the client
   * as many topics more are counted that may get one. As many as mosquitto's.
   */
  readonly topicAliasesMax: number;
  /** Topics whose matches are remembered; the oldest goes. More than are busy at a time. */
  readonly routeCacheMax: number;
  /** Receivers in all remembered matches together, at 8 bytes; the oldest match goes, and a wider one is not remembered. */
  readonly routeCacheTargetsMax: number;

  // Sessions
  /** Sessions, connected or not; a CONNECT that needs one more is refused as unavailable. Five for each connection. */
  readonly sessionsMax: number;
  /** A disconnected persistent session ends after so long: who was away over a holiday of a week finds what waited. */
  readonly sessionExpirySeconds: number;
  /** Bytes of a client identifier; a longer one is refused. Many times what a certificate or URL makes for one. */
  readonly clientIdBytesMax: number;
  /** Filters of one session; one more is refused in SUBACK. A gateway has hundreds. */
  readonly subscriptionsPerSessionMax: number;
  /** Subscriptions of all sessions and streams; one more is refused in SUBACK. Ten for each session. */
  readonly subscriptionsMax: number;
  /**
   * Levels that filters with wildcards take up in the tree, about 110 bytes each; while it is full no new filter of
   * whatever kind is taken, and the last one may go over by its levels. Four for each subscription.
   */
  readonly filterNodesMax: number;
  /**
   * Levels of the shapes of those filters: a/+/c and b/+/c have one shape, and what shapes begin with alike counts once. As
   * many nodes a new topic visits at most, in about a millisecond. A filter with + whose shape has no room is refused in
   * SUBACK. Five thousand shapes of ten levels; a site uses some dozens.
   */
  readonly filterShapesMax: number;
  /**
   * Of these, what the filters of one session or stream have, each shape counted though others have it too; one with + that
   * has no room is refused in SUBACK. All shapes of eight levels or less are 510, and it takes fifty to fill what there is.
   */
  readonly filterShapesPerSessionMax: number;
  /** QoS 1 and 2 messages on their way to one client; more wait in the queue. 2,560 a second at a round trip of 100 ms. */
  readonly inflightMax: number;
  /** Bytes of those messages, more wait; a client that never acknowledges holds no more. Sixteen of the largest packets. */
  readonly inflightBytesMax: number;
  /** QoS 2 messages that one client began and did not release; one more closes it. As many as its queue may have. */
  readonly inboundQos2Max: number;
  /** QoS 1 and 2 messages that wait for one session; one more is dropped (`dropped:full`). One in ten seconds, for a day. */
  readonly queueMessagesMax: number;
  /** Bytes of those; what has no room is dropped. 800 for each of them. */
  readonly queueBytesMax: number;
  /**
   * Bytes in the queues of all sessions together, and of wills that wait for the store; one more is dropped, or lost. As
   * for all outboxes.
   */
  readonly queueTotalBytesMax: number;

  // Retained
  /** Retained messages; a publish that would add one more is refused whole (`retained-full`). Of 256 bytes, as below. */
  readonly retainedMax: number;
  /** Bytes of those with their levels in the tree; a publish for which there is no room is refused. As for all queues. */
  readonly retainedBytesMax: number;

  /**
   * Memory of the process (RSS). Above it nothing is begun that would hold more: see `MemoryWatch`. 0: no such bound,
   * since to ask for the memory of the machine or container takes more permissions than a broker should have; each
   * table and queue has its own bound anyway.
   */
  readonly memoryBytesMax: number;

  // Storage
  /**
   * Bytes of records that wait for the disk; beyond, a publish that would add more is refused (`store-busy`). Some seconds
   * of a slow disk.
   */
  readonly storePendingBytesMax: number;

  // The bridge
  /** Characters of a URL; a longer one is refused (414). As much as most proxies let pass. */
  readonly urlBytesMax: number;
  /** Most that `limit` of a list may be, a page that one turn can make; more is refused (400), the rest is on further pages. */
  readonly listMax: number;
  /** Filters of one stream; more are refused (400). As many as fit in a URL. */
  readonly filtersPerStreamMax: number;
  /** Open streams; one more is refused as `overloaded`. Half of the connections. */
  readonly streamsMax: number;
  /**
   * WebSockets on the ports of HTTP, which Deno buffers without a bound where `http.direct`; one more is refused. Those of
   * the listener of their own count as connections only.
   */
  readonly webSocketsMax: number;
  /** Open streams of one name; one more is refused as `too-many-streams`. Some browsers with some pages each. */
  readonly streamsPerIdentityMax: number;
  /** Bytes waiting for one HTTP stream, a few seconds of a busy one; what full does is the stream's `overflow`. */
  readonly streamBytesMax: number;
  /** Silence after which a stream gets a heartbeat: some proxies cut who is silent for half a minute. */
  readonly heartbeatSeconds: number;
  /** Soonest that a client comes back which lost its stream: no page should ask more often. */
  readonly retrySecondsMin: number;
  /** Latest; between these it is at random, lest all come at once. Nobody misses much meanwhile. */
  readonly retrySecondsMax: number;
  /** Age, count and bytes of the replay log: whatever comes first evicts its oldest message. Longer than a router starts. */
  readonly replaySeconds: number;
  /** So many in that time are 160 a second. */
  readonly replayMessagesMax: number;
  /** 670 bytes for each of them. */
  readonly replayBytesMax: number;
  /**
   * Filters of streams, open or gone for less than `replaySeconds`, whose messages are kept on the disk before their
   * publisher hears of it. One more takes the place of the one that is gone for longest; when all are open, `ready` warns
   * its stream (`streamsUnkept`).
   */
  readonly replayFiltersMax: number;
  /** Longest `timeout` that a request may ask for; 400 for more. Proxies wait no longer for an answer. */
  readonly waitSecondsMax: number;
  /** User properties of one message over HTTP; 400 for more. A URL or header has no room for many more. */
  readonly userPropertiesMax: number;
  /** Their names and values together; 400 for more. As much as one of them may have in MQTT. */
  readonly userPropertiesBytesMax: number;
  /** Idempotency keys remembered, some MB with their answers; the oldest goes. */
  readonly idempotencyKeysMax: number;
  /** A key is forgotten then: whoever tries again does so within minutes. */
  readonly idempotencySeconds: number;
  /** Bytes of what is asked of `/session` and `/tokens`; a larger body is refused. Some dozens of filters fit. */
  readonly accessBodyBytesMax: number;
  /** Cookies that are good, about 1 KiB each; one more is refused as `overloaded`. */
  readonly loginsMax: number;
  /** Cookies of one identity, one for each browser; one more ends the one that was not used for longest. */
  readonly loginsPerIdentityMax: number;
  /** A login that nothing uses, not even a stream, ends then: a night and a little more. */
  readonly loginIdleSeconds: number;
  /** Then a login ends in any case: a cookie that was stolen is no good for ever. */
  readonly loginSeconds: number;
  /** Stream tokens that are good, each with filters of up to `accessBodyBytesMax`; one more is refused as `overloaded`. */
  readonly streamTokensMax: number;
  /** As many may be a service's that asks for one for each of its visitors; one more is refused as `too-many-tokens`. */
  readonly streamTokensPerIdentityMax: number;
  /** Longest `ttl` of a stream token: it stands in a URL, so it must not be worth keeping. */
  readonly streamTokenSecondsMax: number;
}

export const DEFAULT_LIMITS: Limits = {
  connectionsMax: 20_000,
  connectionsPerAddressMax: 0,
  connectionsPerIdentityMax: 0,
  descriptorsReserve: 32,
  connectTimeoutSeconds: 10,
  connectBytesMax: 64 * KiB,
  packetBytesMax: 1 * MiB,
  propertiesMax: PROPERTY_LIMITS.countMax,
  propertiesBytesMax: PROPERTY_LIMITS.bytesMax,
  payloadBytesMax: 256 * KiB,
  stallSeconds: 60,
  httpIdleSeconds: 75,
  lingerSeconds: 1,
  authenticationRoundsMax: 10,
  passwordChecksMax: 2,
  passwordChecksWaitingMax: 128,
  passwordCacheSeconds: 60,
  passwordCacheMax: 1_000,
  authFailuresMax: 100,
  authFailureSeconds: 60,
  authFailurePeersMax: 10_000,
  tokenBytesMax: 8 * KiB,
  jwksSeconds: 5,
  jwksMaxAgeSeconds: 600,
  jwksCooldownSeconds: 10,
  authAnswerBytesMax: 256 * KiB,
  hookSeconds: 5,
  hookRequestsMax: 8,
  hookRequestsWaitingMax: 128,
  hookCacheSeconds: 30,
  hookRefusalCacheSeconds: 3,
  hookCacheMax: 1_000,

  aclFileBytesMax: 8 * MiB,
  aclRulesMax: 10_000,
  aclPatternsMax: 100_000,
  aclAnswersMax: 128,

  outboxBytesMax: 4 * MiB,
  outboxTotalBytesMax: 256 * MiB,
  readBufferBytesMin: 256,
  readBufferBytesMax: 64 * KiB,
  publishRateMax: 0,
  publishBytesRateMax: 0,
  publishRatePeersMax: 10_000,

  topicLevelsMax: 200,
  topicAliasesMax: 10,
  routeCacheMax: 10_000,
  routeCacheTargetsMax: 1_000_000,

  sessionsMax: 100_000,
  sessionExpirySeconds: 7 * 24 * 3600,
  clientIdBytesMax: 1024,
  subscriptionsPerSessionMax: 1_000,
  subscriptionsMax: 1_000_000,
  filterNodesMax: 4_000_000,
  filterShapesMax: 50_000,
  filterShapesPerSessionMax: 1_000,
  inflightMax: 256,
  inflightBytesMax: 16 * MiB,
  inboundQos2Max: 10_000,
  queueMessagesMax: 10_000,
  queueBytesMax: 8 * MiB,
  queueTotalBytesMax: 256 * MiB,

  retainedMax: 1_000_000,
  retainedBytesMax: 256 * MiB,

  memoryBytesMax: 0,

  storePendingBytesMax: 64 * MiB,

  urlBytesMax: 8 * KiB,
  listMax: 1_000,
  filtersPerStreamMax: 100,
  streamsMax: 10_000,
  webSocketsMax: 2_000,
  streamsPerIdentityMax: 50,
  streamBytesMax: 1 * MiB,
  heartbeatSeconds: 15,
  retrySecondsMin: 2,
  retrySecondsMax: 4,
  replaySeconds: 300,
  replayMessagesMax: 50_000,
  replayBytesMax: 32 * MiB,
  replayFiltersMax: 1_000,
  waitSecondsMax: 60,
  userPropertiesMax: 100,
  userPropertiesBytesMax: 64 * KiB,
  idempotencyKeysMax: 10_000,
  idempotencySeconds: 300,
  accessBodyBytesMax: 8 * KiB,
  loginsMax: 10_000,
  loginsPerIdentityMax: 20,
  loginIdleSeconds: 12 * 3600,
  loginSeconds: 7 * 24 * 3600,
  streamTokensMax: 10_000,
  streamTokensPerIdentityMax: 1_000,
  streamTokenSecondsMax: 24 * 3600,
};
