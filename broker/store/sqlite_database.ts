import { DatabaseSync, type StatementSync } from "node:sqlite";
import { Writer } from "../packet/mod.ts";
import { type ColumnValue, encodeColumns, readColumns } from "./record_codec.ts";
import { type PutKind, RECORD_KEYS } from "./records.ts";
import { APPLICATION_ID, CHANGES, COLUMNS, MIGRATIONS, selectPage, tableOf } from "./schema.ts";
import { StoreError } from "./store.ts";

/** In the order in which they are told. */
const KINDS = Object.keys(COLUMNS) as PutKind[];

/** Where in a file SQLite says whose it is and of which version. */
const MAGIC = "SQLite format 3\0";
const USER_VERSION_OFFSET = 60;
const APPLICATION_ID_OFFSET = 68;
const HEADER_BYTES = 100;

/** Bytes of one slice when a file is read, about. */
const SLICE_BYTES = 1024 * 1024;

/** Free pages that are not worth giving back, and how many are given back at a time: that takes about a millisecond. */
const FREE_PAGES_MIN = 256;
const VACUUM_PAGES = 256;

/** How long a commit waits for another program that has the file locked, such as SQLite's shell. */
const LOCKED_MS_MAX = 2_000;

const SETTINGS = [
  "journal_mode = WAL",
  "synchronous = FULL",
  "journal_size_limit = 16777216",
  "temp_store = MEMORY",
  "trusted_schema = OFF",
];

/** What SQLite says when there is no room: for the file, or for the index that its processes share. */
const SQLITE_FULL = 13;
const SQLITE_IOERR_SHMSIZE = 4874;

/**
 * The SQLite file, in the thread that may wait for the disk. WAL, and a sync at each commit: what `apply` returned from is
 * on the disk, as far as that keeps its word.
 */
export class SqliteDatabase {
  readonly #path: string;
  #database: DatabaseSync;
  /** By their SQL. */
  readonly #statements = new Map<string, StatementSync>();
  #mustTruncate = false;

  /** Throws `StoreError`, with nothing changed, for a file that is not ours, too new, or damaged. */
  constructor(path: string, migrations: readonly string[] = MIGRATIONS) {
    this.#path = path;
    if (checkHeader(path, migrations.length)) checkContent(path, migrations.length);
    try {
      this.#database = this.#open();
    } catch (error) {
      throw new StoreError(`Cannot open ${path}: ${messageOf(error)}`);
    }
    this.#migrate(migrations);
  }

  /** Commits the records as one transaction; throws, with nothing changed, when that cannot be done now. */
  apply(bytes: Uint8Array): void {
    try {
      if (!this.#database.isOpen) this.#database = this.#open();
      // Only the errors of statements, not those of `exec`, come with SQLite's number.
      this.#statement("BEGIN IMMEDIATE").run();
      for (const { kind, values } of readColumns(bytes)) {
        for (const sql of CHANGES[kind]) this.#statement(sql).run(...values);
      }
      this.#statement("COMMIT").run();
    } catch (error) {
      if (!isFullError(error) || !this.#rollBack()) this.#reopen();
      throw error;
    }
  }

  /** Everything that is there, a slice of encoded records at a time. */
  *read(): Generator<Uint8Array> {
    let writer = new Writer(SLICE_BYTES);
    for (const kind of KINDS) {
      for (const rows of this.#pages(kind)) {
        for (const row of rows) encodeColumns(writer, kind, row);
        if (writer.length < SLICE_BYTES) continue;
        yield writer.finish();
        writer = new Writer(SLICE_BYTES);
      }
    }
    yield writer.finish();
  }

  /** Records that `read` tells, for who wants to see how far it is. */
  count(): number {
    return KINDS.reduce((sum, kind) => sum + Number(this.#value(`SELECT count(*) FROM ${tableOf(kind)}`)), 0);
  }

  /** Gives room back to the file system, a little at a time; true if there is more to give. */
  shrink(): boolean {
    const free = Number(this.#value("PRAGMA freelist_count"));
    const pages = Number(this.#value("PRAGMA page_count"));
    if (free < FREE_PAGES_MIN || free * 4 < pages) {
      // What was freed is so far only said in the log; the file itself becomes shorter as the log is applied to it.
      if (this.#mustTruncate) this.#database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
      this.#mustTruncate = false;
      return false;
    }
    this.#mustTruncate = true;
    // Each step of the statement frees one page, so it must be stepped to its end.
    this.#database.prepare(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`).all();
    return true;
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #open(): DatabaseSync {
    const database = new DatabaseSync(this.#path);
    try {
      database.prepare(`PRAGMA busy_timeout = ${LOCKED_MS_MAX}`).all();
      // Of a file that has something in it this would write the header.
      const isNew = firstValue(database, "PRAGMA page_count") === 0;
      if (isNew) database.prepare("PRAGMA auto_vacuum = INCREMENTAL").all();
      for (const setting of SETTINGS) database.prepare(`PRAGMA ${setting}`).all();
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  }

  /** Where room is all that lacks the file is as it was, and to open it again might take some. */
  #rollBack(): boolean {
    if (!this.#database.isOpen) return false;
    try {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      return true;
    } catch {
      return false;
    }
  }

  /** After an I/O error SQLite may hold a view of the file that is no longer true. */
  #reopen(): void {
    this.#statements.clear();
    try {
      this.close();
      this.#database = this.#open();
    } catch {
      // The next commit finds it closed, tries again, and says why.
    }
  }

  *#pages(kind: PutKind): Generator<readonly ColumnValue[][]> {
    const first = arraysOf(this.#database.prepare(selectPage(kind, true)));
    const next = arraysOf(this.#database.prepare(selectPage(kind, false)));
    for (let rows = first(); rows.length > 0;) {
      yield rows;
      rows = next(...rows.at(-1)!.slice(0, RECORD_KEYS[kind]));
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, statement = this.#database.prepare(sql));
    return statement;
  }

  #migrate(migrations: readonly string[]): void {
    const version = Number(this.#value("PRAGMA user_version"));
    if (version === migrations.length) return;
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const migration of migrations.slice(version)) this.#database.exec(migration);
      this.#database.exec(
        `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}`,
      );
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#rollBack();
      this.close();
      throw new StoreError(
        `Cannot bring ${this.#path} from version ${version} to ${migrations.length}, it is as it was: ${
          messageOf(error)
        }`,
      );
    }
  }

  #value(sql: string): unknown {
    return firstValue(this.#database, sql);
  }
}

/**
 * Throws `StoreError` for a file that is none of ours, or too new; false if there is none, or an empty one. Reads it as
 * bytes: SQLite would already write beside it.
 */
export function checkHeader(path: string, versionMax: number): boolean {
  const header = readHeader(path);
  if (!header || header.length === 0) return false;
  const view = new DataView(header.buffer);
  if (header.length < HEADER_BYTES || new TextDecoder().decode(header.subarray(0, 16)) !== MAGIC) {
    throw new StoreError(`Cannot use ${path}: it is not a database; ${MOVE_IT}`);
  }
  const version = view.getUint32(USER_VERSION_OFFSET);
  const applicationId = view.getUint32(APPLICATION_ID_OFFSET);
  // The first transaction writes them; a process that ended before left a file without tables, or has them in the log.
  if (applicationId !== 0 && applicationId !== APPLICATION_ID) throw foreign(path);
  checkVersion(path, version, versionMax);
  return true;
}

const MOVE_IT = "move it away, or give another folder with --data";

function readHeader(path: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    using file = Deno.openSync(path);
    const header = new Uint8Array(HEADER_BYTES);
    return header.subarray(0, file.readSync(header) ?? 0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new StoreError(`Cannot read ${path}: ${messageOf(error)}`);
  }
}

/** Reads every page once, and writes none. What is in the log beside the file counts here. */
function checkContent(path: string, versionMax: number): void {
  let found: unknown;
  let isForeign = false;
  let version = 0;
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      found = firstValue(database, "PRAGMA quick_check(1)");
      version = Number(firstValue(database, "PRAGMA user_version"));
      isForeign = firstValue(database, "PRAGMA application_id") === 0 &&
        firstValue(database, "SELECT count(*) FROM sqlite_schema") !== 0;
    } finally {
      database.close();
    }
  } catch (error) {
    found = messageOf(error);
  }
  if (found !== "ok") {
    throw new StoreError(
      `Cannot use ${path}: it is damaged (${
        String(found).replace(/\s+/g, " ")
      }); put a backup in its place, or ${MOVE_IT}`,
    );
  }
  if (isForeign) throw foreign(path);
  checkVersion(path, version, versionMax);
}

function checkVersion(path: string, version: number, versionMax: number): void {
  if (version <= versionMax) return;
  throw new StoreError(
    `Cannot use ${path}: its schema has version ${version} and this Pregón knows ${versionMax}; start the newer Pregón that wrote it`,
  );
}

function foreign(path: string): StoreError {
  return new StoreError(`Cannot use ${path}: it is the database of another program; ${MOVE_IT}`);
}

/** Rows as arrays, which is twice as fast as objects; Deno has it and its types do not. */
function arraysOf(statement: StatementSync): (...parameters: ColumnValue[]) => ColumnValue[][] {
  (statement as unknown as { setReturnArrays(isOn: boolean): void }).setReturnArrays(true);
  return (...parameters) => statement.all(...parameters) as unknown as ColumnValue[][];
}

/** The first column of the first row. */
export function firstValue(database: DatabaseSync, sql: string): unknown {
  return Object.values(database.prepare(sql).get() ?? {})[0];
}

/** Whether room is all that lacks, which somebody may make. */
export function isFullError(error: unknown): boolean {
  const { errcode = 0 } = error as { errcode?: number };
  return (errcode & 0xff) === SQLITE_FULL || errcode === SQLITE_IOERR_SHMSIZE;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
