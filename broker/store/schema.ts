import { type PutKind, RECORD_KEYS, type RecordKind } from "./records.ts";

/**
 * Rows that are read at once. A page and then the next is three times as fast as one statement that is stepped through, and
 * a page of the largest messages is still no more than the memory can take.
 */
const PAGE_RECORDS = 500;

/** "Preg", where SQLite keeps the kind of program that a file belongs to. */
export const APPLICATION_ID = 0x50726567;

/**
 * What brings a file from one version of the schema to the next; its own is the number of those that it has been through.
 * One that was released is never changed: a new one is put behind it.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE message (
    sequence INTEGER PRIMARY KEY, time REAL NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL,
    qos INTEGER NOT NULL, retain INTEGER NOT NULL, properties BLOB, publisher_id TEXT
  ) STRICT;
  CREATE TABLE retained (topic TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE session (
    session_id INTEGER PRIMARY KEY, client_id TEXT NOT NULL, identity TEXT NOT NULL,
    expiry_seconds REAL NOT NULL, expires_at REAL NOT NULL
  ) STRICT;
  CREATE TABLE subscription (
    session_id INTEGER NOT NULL, filter TEXT NOT NULL, qos INTEGER NOT NULL, no_local INTEGER NOT NULL,
    retain_as_published INTEGER NOT NULL, identifier INTEGER NOT NULL, has_backlog INTEGER NOT NULL,
    PRIMARY KEY (session_id, filter)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE delivery (
    delivery_id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL, sequence INTEGER NOT NULL,
    qos INTEGER NOT NULL, retain INTEGER NOT NULL, packet_id INTEGER NOT NULL,
    identifiers TEXT, shared_filter TEXT
  ) STRICT;
  CREATE TABLE inbound (
    session_id INTEGER NOT NULL, packet_id INTEGER NOT NULL, PRIMARY KEY (session_id, packet_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE will (
    session_id INTEGER PRIMARY KEY, due_at REAL NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL,
    qos INTEGER NOT NULL, retain INTEGER NOT NULL, properties BLOB
  ) STRICT;
  CREATE TABLE event (
    sequence INTEGER PRIMARY KEY, time REAL NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL,
    qos INTEGER NOT NULL, retain INTEGER NOT NULL, properties BLOB, publisher_id TEXT
  ) STRICT;
  CREATE TABLE interest (filter TEXT PRIMARY KEY, until REAL NOT NULL) STRICT, WITHOUT ROWID;
  `,
];

const MESSAGE_COLUMNS = "sequence, time, topic, payload, qos, retain, properties, publisher_id";

/** The columns of each table, those of its key first; in the order in which they are told: who is pointed to comes first. */
export const COLUMNS: Readonly<Record<PutKind, string>> = {
  "state-put": "name, value",
  "session-put": "session_id, client_id, identity, expiry_seconds, expires_at",
  "subscription-put": "session_id, filter, qos, no_local, retain_as_published, identifier, has_backlog",
  "inbound-put": "session_id, packet_id",
  "will-put": "session_id, due_at, topic, payload, qos, retain, properties",
  "message-put": MESSAGE_COLUMNS,
  "retained-put": "topic, sequence",
  "delivery-put": "delivery_id, session_id, sequence, qos, retain, packet_id, identifiers, shared_filter",
  "event-put": MESSAGE_COLUMNS,
  "interest-put": "filter, until",
};

export function tableOf(kind: PutKind): string {
  return kind.slice(0, -"-put".length);
}

/** Reads a page of a table in the order of its key, from the beginning or behind the key that is given as parameters. */
export function selectPage(kind: PutKind, isFirst: boolean): string {
  const columns = COLUMNS[kind].split(", ");
  const keys = columns.slice(0, RECORD_KEYS[kind]);
  const behind = isFirst ? "" : `WHERE (${keys}) > (${keys.map(() => "?")})`;
  return `SELECT ${columns} FROM ${tableOf(kind)} ${behind} ORDER BY ${keys} LIMIT ${PAGE_RECORDS}`;
}

const SESSION_TABLES = ["session", "subscription", "inbound", "will"] as const;

/** What each record does, with its fields as parameters. */
export const CHANGES: Readonly<Record<RecordKind, readonly string[]>> = {
  "state-put": ["INSERT OR REPLACE INTO state VALUES (?1, ?2)"],
  "message-put": ["INSERT OR REPLACE INTO message VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"],
  "message-deleted": ["DELETE FROM message WHERE sequence = ?1"],
  "retained-put": ["INSERT OR REPLACE INTO retained VALUES (?1, ?2)"],
  "retained-deleted": ["DELETE FROM retained WHERE topic = ?1"],
  "session-put": ["INSERT OR REPLACE INTO session VALUES (?1, ?2, ?3, ?4, ?5)"],
  "session-deleted": SESSION_TABLES.map((table) => `DELETE FROM ${table} WHERE session_id = ?1`),
  "subscription-put": ["INSERT OR REPLACE INTO subscription VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"],
  "subscription-deleted": ["DELETE FROM subscription WHERE session_id = ?1 AND filter = ?2"],
  "delivery-put": ["INSERT OR REPLACE INTO delivery VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"],
  "delivery-sent": ["UPDATE delivery SET packet_id = ?2 WHERE delivery_id = ?1"],
  "delivery-deleted": ["DELETE FROM delivery WHERE delivery_id = ?1"],
  "inbound-put": ["INSERT OR REPLACE INTO inbound VALUES (?1, ?2)"],
  "inbound-deleted": ["DELETE FROM inbound WHERE session_id = ?1 AND packet_id = ?2"],
  "will-put": ["INSERT OR REPLACE INTO will VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"],
  "will-deleted": ["DELETE FROM will WHERE session_id = ?1"],
  "event-put": ["INSERT OR REPLACE INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"],
  "events-deleted": ["DELETE FROM event WHERE sequence < ?1"],
  "interest-put": ["INSERT OR REPLACE INTO interest VALUES (?1, ?2)"],
  "interest-deleted": ["DELETE FROM interest WHERE filter = ?1"],
};
