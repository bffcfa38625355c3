import { DatabaseSync } from "node:sqlite";
import { findDatabase } from "./data_folder.ts";
import { MIGRATIONS } from "./schema.ts";
import { checkHeader, firstValue, messageOf } from "./sqlite_database.ts";
import { StoreError } from "./store.ts";

/** What is found in data. */
export interface DataReport {
  readonly path: string;
  readonly version: number;
  /** Of the file, of what is free in it, and of the log beside it. */
  readonly bytes: number;
  readonly freeBytes: number;
  readonly logBytes: number;
  /** Rows by table. */
  readonly counts: Readonly<Record<string, number>>;
  /** Deliveries of sessions that ended, and messages that nobody has: the broker tidies them up. */
  readonly leftovers: number;
  /** In words, none if the data are sound. */
  readonly problems: readonly string[];
}

/** Problems that SQLite tells of one file, at most. */
const PROBLEMS_MAX = 20;

const TABLES = [
  "session",
  "subscription",
  "delivery",
  "inbound",
  "will",
  "retained",
  "message",
  "event",
  "interest",
  "state",
];

const LEFTOVERS = [
  "SELECT count(*) FROM delivery WHERE session_id NOT IN (SELECT session_id FROM session)",
  `SELECT count(*) FROM message WHERE sequence NOT IN
     (SELECT sequence FROM retained UNION ALL SELECT sequence FROM delivery)`,
];

/** What must never be, and would be left out at the next start. */
const LOSSES: readonly (readonly [what: string, query: string])[] = [
  [
    "retained topics have no message",
    "SELECT count(*) FROM retained WHERE sequence NOT IN (SELECT sequence FROM message)",
  ],
  [
    "deliveries have no message",
    `SELECT count(*) FROM delivery WHERE sequence != 0 AND sequence NOT IN (SELECT sequence FROM message)
       AND session_id IN (SELECT session_id FROM session)`,
  ],
  ...["subscription", "inbound", "will"].map((table) =>
    [
      `rows of ${table} have no session`,
      `SELECT count(*) FROM ${table} WHERE session_id NOT IN (SELECT session_id FROM session)`,
    ] as const
  ),
];

/**
 * Looks at data that a broker may be using, and changes nothing. Throws `StoreError` when there are none of ours.
 *
 * @param place the folder, or the file itself, such as a backup
 */
export function checkData(place: string): DataReport {
  const path = findDatabase(place);
  if (!checkHeader(path, MIGRATIONS.length)) {
    throw new StoreError(`Cannot check ${path}: there is nothing in it`);
  }
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    // One moment for all that is asked.
    database.exec("BEGIN");
    return report(path, database);
  } catch (error) {
    throw new StoreError(`Cannot check ${path}: ${messageOf(error)}`);
  } finally {
    database?.close();
  }
}

function report(path: string, database: DatabaseSync): DataReport {
  const number = (sql: string) => Number(firstValue(database, sql));
  const pageBytes = number("PRAGMA page_size");
  const damages = database.prepare(`PRAGMA integrity_check(${PROBLEMS_MAX})`).all()
    .map((row) => String(Object.values(row)[0]).replace(/\s+/g, " "))
    .filter((message) => message !== "ok");
  const losses = LOSSES.map(([what, query]) => [number(query), what] as const)
    .filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return {
    path,
    version: number("PRAGMA user_version"),
    bytes: number("PRAGMA page_count") * pageBytes,
    freeBytes: number("PRAGMA freelist_count") * pageBytes,
    logBytes: sizeOf(`${path}-wal`),
    counts: Object.fromEntries(TABLES.map((table) => [table, number(`SELECT count(*) FROM ${table}`)])),
    leftovers: LEFTOVERS.reduce((sum, query) => sum + number(query), 0),
    problems: [...damages, ...losses],
  };
}

/** 0 for a file that is not there. */
function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
