/** How values of one type stand in a record: as JavaScript has them, and as SQLite and `record_codec.ts` write them. */
interface FieldTypes {
  /** A whole number up to 2^53 - 1. */
  integer: number;
  /** Milliseconds since 1970, or seconds; Infinity for never. */
  time: number;
  flag: boolean;
  /** Of any length, without U+0000: MQTT has none, and what is behind one SQLite's C strings do not tell. */
  text: string;
  bytes: Uint8Array;
  "text?": string | undefined;
  "bytes?": Uint8Array | undefined;
}

export type FieldType = keyof FieldTypes;

const MESSAGE = [
  ["sequence", "integer"],
  ["time", "time"],
  ["topic", "text"],
  ["payload", "bytes"],
  ["qos", "integer"],
  ["retain", "flag"],
  /** A property block of MQTT 5.0 without its length. */
  ["properties", "bytes?"],
  ["publisherId", "text?"],
] as const;

/**
 * Everything that the store is told and that it tells when it is opened, with its fields in the order of their columns.
 * A `…-put` takes the place of an earlier one with the same key, which are its first fields (`RECORD_KEYS`).
 *
 *     message ◄── retained (by topic)
 *        ▲──── delivery (one a message and session; waits without, is under way with a packet identifier)
 *                  │
 *     subscription, inbound, will ──► session
 *
 *     event: what streams catch up from, with a payload of its own, since it goes by age and not by who has it
 */
export const RECORD_FIELDS = {
  "message-put": MESSAGE,
  "message-deleted": [["sequence", "integer"]],
  "retained-put": [["topic", "text"], ["sequence", "integer"]],
  "retained-deleted": [["topic", "text"]],
  /** `expiresAt`: when it ends if nobody comes back; Infinity while somebody is connected. */
  "session-put": [
    ["sessionId", "integer"],
    ["clientId", "text"],
    ["identity", "text"],
    ["expirySeconds", "time"],
    ["expiresAt", "time"],
  ],
  /** With its subscriptions, inbound flows and will; its deliveries are deleted one by one. */
  "session-deleted": [["sessionId", "integer"]],
  "subscription-put": [
    ["sessionId", "integer"],
    ["filter", "text"],
    ["qos", "integer"],
    ["noLocal", "flag"],
    ["retainAsPublished", "flag"],
    ["identifier", "integer"],
    /** Retained messages are still to be sent for it. */
    ["hasBacklog", "flag"],
  ],
  "subscription-deleted": [["sessionId", "integer"], ["filter", "text"]],
  /** In the order of `deliveryId`. A released one (PUBREC came) has no message any more: `sequence` 0. */
  "delivery-put": [
    ["deliveryId", "integer"],
    ["sessionId", "integer"],
    ["sequence", "integer"],
    ["qos", "integer"],
    ["retain", "flag"],
    /** 0: it waits. */
    ["packetId", "integer"],
    /** Subscription identifiers, in decimal and with commas between them. */
    ["identifiers", "text?"],
    ["sharedFilter", "text?"],
  ],
  "delivery-sent": [["deliveryId", "integer"], ["packetId", "integer"]],
  "delivery-deleted": [["deliveryId", "integer"]],
  /** A QoS 2 message of the client that is not released yet. */
  "inbound-put": [["sessionId", "integer"], ["packetId", "integer"]],
  "inbound-deleted": [["sessionId", "integer"], ["packetId", "integer"]],
  /** A will whose session has no connection any more, and that waits for its delay. */
  "will-put": [
    ["sessionId", "integer"],
    ["dueAt", "time"],
    ["topic", "text"],
    ["payload", "bytes"],
    ["qos", "integer"],
    ["retain", "flag"],
    ["properties", "bytes?"],
  ],
  "will-deleted": [["sessionId", "integer"]],
  "event-put": MESSAGE,
  /** All events before this sequence. */
  "events-deleted": [["before", "integer"]],
  /** A filter of a stream: events that match it are kept as safely as what is acknowledged. */
  "interest-put": [["filter", "text"], ["until", "time"]],
  "interest-deleted": [["filter", "text"]],
  /** A few named values, see `STATE_NAMES`. */
  "state-put": [["name", "text"], ["value", "text"]],
} as const satisfies Record<string, readonly (readonly [name: string, type: FieldType])[]>;

export type RecordKind = keyof typeof RECORD_FIELDS;

type Fields<Kind extends RecordKind> = {
  readonly [Field in (typeof RECORD_FIELDS)[Kind][number] as Field[0]]: FieldTypes[Field[1]];
};

export type RecordOf<Kind extends RecordKind> = { readonly kind: Kind } & Fields<Kind>;

/** What happened, as far as it must survive the process. */
export type StoreRecord = { [Kind in RecordKind]: RecordOf<Kind> }[RecordKind];

/** Records that say what is there; the others say what is not there any more, or change one that is. */
export type PutKind = Extract<RecordKind, `${string}-put`>;

/** How many of its first fields tell a record from others of its kind. */
export const RECORD_KEYS = {
  "message-put": 1,
  "retained-put": 1,
  "session-put": 1,
  "subscription-put": 2,
  "delivery-put": 1,
  "inbound-put": 2,
  "will-put": 1,
  "event-put": 1,
  "interest-put": 1,
  "state-put": 1,
} as const satisfies Record<PutKind, number>;

/** The names that `state-put` has. */
export const STATE_NAMES = [
  /** First half of every message id. */
  "epoch",
  /** No message had a higher sequence. */
  "sequence",
  /** `RestoredEvents`: loggedFrom, loggedUntil and unsureUntil, with spaces between. */
  "logged",
] as const;
export type StateName = (typeof STATE_NAMES)[number];
