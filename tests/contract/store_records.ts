import type { RecordOf, StoreRecord } from "../../broker/store/records.ts";

export const SEQUENCE_MAX = Number.MAX_SAFE_INTEGER;
/** As many bytes as a string of MQTT has at most, and every kind of character that is hard on somebody. */
const LONG = "é\u0301😀\uffff\u{10ffff}\ufeff\x01\x7f'\"%_\\;--".padEnd(65_535 - 20, "x");
const TEXTS = ["", "a", "A", " ", LONG, `${"ü".repeat(32_767)}x`, "x".repeat(100_000)];
const BYTES = [new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(0, 255, 0), new Uint8Array(70_000).fill(7)];

const MESSAGE: Omit<RecordOf<"message-put">, "kind"> = {
  sequence: 1,
  time: 0,
  topic: "a",
  payload: BYTES[0]!,
  qos: 0,
  retain: false,
  properties: undefined,
  publisherId: undefined,
};
export const DELIVERY: RecordOf<"delivery-put"> = {
  kind: "delivery-put",
  deliveryId: 1,
  sessionId: 1,
  sequence: 0,
  qos: 1,
  retain: false,
  packetId: 0,
  identifiers: undefined,
  sharedFilter: undefined,
};
export const SUBSCRIPTION: RecordOf<"subscription-put"> = {
  kind: "subscription-put",
  sessionId: 1,
  filter: "a/#",
  qos: 0,
  noLocal: false,
  retainAsPublished: false,
  identifier: 0,
  hasBacklog: false,
};
export const WILL: RecordOf<"will-put"> = {
  kind: "will-put",
  sessionId: 1,
  dueAt: 0,
  topic: "a",
  payload: BYTES[0]!,
  qos: 0,
  retain: false,
  properties: undefined,
};

/** Every kind with each of its fields at every edge. */
export const EDGES: readonly StoreRecord[] = [
  ...TEXTS.map((value): StoreRecord => ({ kind: "state-put", name: `n${value}`, value })),
  ...[0, 1, 4_294_967_295, Infinity].map((expirySeconds, index): StoreRecord => ({
    kind: "session-put",
    sessionId: index === 0 ? SEQUENCE_MAX : index,
    clientId: TEXTS[index]!,
    identity: TEXTS[index + 1]!,
    expirySeconds,
    expiresAt: index % 2 === 0 ? Infinity : 8.64e15,
  })),
  ...TEXTS.map((filter, index): StoreRecord => ({
    ...SUBSCRIPTION,
    filter,
    qos: index % 3,
    noLocal: index % 2 === 0,
    retainAsPublished: index % 2 === 1,
    identifier: index % 2 === 0 ? 268_435_455 : 0,
    hasBacklog: index % 3 === 0,
  })),
  ...[1, 65_535].map((packetId): StoreRecord => ({ kind: "inbound-put", sessionId: SEQUENCE_MAX, packetId })),
  ...BYTES.map((payload, index): StoreRecord => ({
    ...WILL,
    sessionId: index + 1,
    payload,
    topic: TEXTS[index + 1]!,
    dueAt: [0, 1, 2 ** 40, Infinity][index]!,
    qos: index % 3,
    retain: index % 2 === 0,
    properties: [undefined, ...BYTES][index],
  })),
  ...(["message-put", "event-put"] as const).flatMap((kind) =>
    [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, SEQUENCE_MAX].map((sequence, index): StoreRecord => ({
      ...MESSAGE,
      kind,
      sequence,
      time: [0, 1, 1.7e12, 2 ** 53 - 1, Infinity, 5][index]!,
      topic: TEXTS[index + 1]!,
      payload: BYTES[index % BYTES.length]!,
      qos: index % 3,
      retain: index % 2 === 1,
      properties: [undefined, ...BYTES][index % 5],
      publisherId: [undefined, ...TEXTS][index],
    }))
  ),
  ...TEXTS.map((topic, index): StoreRecord => ({
    kind: "retained-put",
    topic,
    sequence: index === 0 ? SEQUENCE_MAX : index,
  })),
  DELIVERY,
  ...[0, 65_535].map((packetId, index): StoreRecord => ({
    ...DELIVERY,
    deliveryId: index === 0 ? 2 ** 32 : SEQUENCE_MAX,
    sessionId: SEQUENCE_MAX,
    sequence: SEQUENCE_MAX,
    qos: 2,
    retain: true,
    packetId,
    identifiers: index === 0 ? "" : "268435455,".repeat(20_000).slice(0, -1),
    sharedFilter: index === 0 ? "" : `$share/g/${LONG}`,
  })),
  ...TEXTS.map((filter, index): StoreRecord => ({
    kind: "interest-put",
    filter,
    until: index === 0 ? Infinity : index,
  })),
];

/** What each kind that is no `…-put` does. */
export const REMOVALS: readonly (readonly [before: readonly StoreRecord[], removal: StoreRecord])[] = [
  [[{ kind: "message-put", ...MESSAGE }], { kind: "message-deleted", sequence: 1 }],
  [[{ kind: "retained-put", topic: "a", sequence: 1 }], { kind: "retained-deleted", topic: "a" }],
  [[SUBSCRIPTION], { kind: "subscription-deleted", sessionId: 1, filter: "a/#" }],
  [[DELIVERY], { kind: "delivery-sent", deliveryId: 1, packetId: 65_535 }],
  [[DELIVERY], { kind: "delivery-deleted", deliveryId: 1 }],
  [[{ kind: "inbound-put", sessionId: 1, packetId: 9 }], {
    kind: "inbound-deleted",
    sessionId: 1,
    packetId: 9,
  }],
  [[WILL], { kind: "will-deleted", sessionId: 1 }],
  [
    [1, 2, 3].map((sequence): StoreRecord => ({ kind: "event-put", ...MESSAGE, sequence })),
    { kind: "events-deleted", before: 3 },
  ],
  [[{ kind: "interest-put", filter: "a", until: 1 }], { kind: "interest-deleted", filter: "a" }],
];

/** Another record with the same key: every other field changed. */
export function sameKey(record: StoreRecord): StoreRecord {
  switch (record.kind) {
    case "state-put":
      return { ...record, value: `${record.value}!` };
    case "session-put":
      return { ...record, clientId: "other", identity: "other", expirySeconds: 7, expiresAt: 7 };
    case "subscription-put":
      return { ...SUBSCRIPTION, sessionId: record.sessionId, filter: record.filter, qos: 1, identifier: 7 };
    case "will-put":
      return { ...record, payload: Uint8Array.of(9), dueAt: 9, properties: undefined };
    case "message-put":
    case "event-put":
      return {
        ...record,
        payload: Uint8Array.of(9),
        topic: "other",
        properties: BYTES[2]!,
        publisherId: "p",
      };
    case "retained-put":
      return { ...record, sequence: 77 };
    case "delivery-put":
      return {
        ...DELIVERY,
        deliveryId: record.deliveryId,
        packetId: 77,
        sharedFilter: "s",
        identifiers: "1,2",
      };
    case "interest-put":
      return { ...record, until: 77 };
    default:
      return record;
  }
}
