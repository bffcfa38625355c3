/**
 * Why a connection ended: the word is what the log says and what the counter is called, the number the reason code
 * with which MQTT 5.0 tells the peer (3.14.2.1).
 */
export const CLOSE_REASON_CODES = {
  /** The client sent DISCONNECT: the one end that publishes no will. */
  "client-disconnect": 0x00,
  /** The client sent DISCONNECT and asked for its will (MQTT 5.0). */
  "client-disconnect-with-will": 0x04,
  /** The client's side ended without DISCONNECT. */
  "link-closed": 0x80,
  "link-failed": 0x80,
  "not-connected-in-time": 0x80,
  /** What comes before MQTT did not succeed: TLS, or the opening of a WebSocket. */
  "handshake-failed": 0x80,
  /** Somebody spoke for another without being a proxy, or a proxy did not say for whom. */
  "proxy-header-refused": 0x80,
  /** Not a frame of a WebSocket, or one that MQTT does not have. */
  "frame-refused": 0x82,
  "refused": 0x87,
  /** The time that its token gave it is over: Maximum connect time, the time that the connection was authorized for. */
  "token-expired": 0xa0,
  /** Who the client is holds no more: the user is gone, has another password, or nobody vouches for the certificate. */
  "revoked": 0x87,
  "malformed-packet": 0x81,
  "protocol-error": 0x82,
  "packet-too-large": 0x95,
  /** An answer would be larger than the client said that it takes. */
  "answer-too-large": 0x95,
  "too-many-properties": 0x97,
  "keep-alive-timeout": 0x8d,
  "session-taken-over": 0x8e,
  "inbound-qos2-full": 0x93,
  "slow-consumer": 0x97,
  /** It sent a packet that at its rate would hold it up for longer than one may stall. */
  "publish-rate-exceeded": 0x97,
  /** There is too little memory for what it published, and its version has no other answer. */
  "overloaded": 0x97,
  "too-many-connections": 0x9f,
  "too-many-from-address": 0x9f,
  "too-many-of-identity": 0x97,
  /** What is left of the descriptors is kept for the store and the like. */
  "too-few-descriptors": 0x97,
  "server-shutdown": 0x8b,
  /** What the connection was promised could not be kept. */
  "store-failed": 0x83,
  /** A defect of ours; the log has its stack. */
  "internal-error": 0x83,
} as const satisfies Record<string, number>;

export type CloseReason = keyof typeof CLOSE_REASON_CODES;

/** Ends of which the client knows, or will never hear. */
export const SILENT_REASONS: ReadonlySet<CloseReason> = new Set([
  "client-disconnect",
  "client-disconnect-with-will",
  "link-closed",
  "link-failed",
]);

/** Ends that are part of everyday life. */
export const QUIET_REASONS: ReadonlySet<CloseReason> = new Set([
  ...SILENT_REASONS,
  "server-shutdown",
  "token-expired",
]);
