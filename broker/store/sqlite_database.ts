import { DatabaseSync, type StatementSync } from "node:sqlite";
import { Writer } from "../packet/mod.ts";
import { type ColumnValue, encodeColumns, readColumns } from "./record_codec.ts";
import { type PutKind, RECORD_KEYS, type RecordKind } from "./records.ts";
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

/**
 * The SQLite file, in the thread that may wait for the disk. WAL, and a sync at each commit: what `apply` returned from is
 * on the disk, as far as that keeps its word.
 */
export class SqliteDatabase {
  readonly #path: string;
  #database: DatabaseSync;
  #changes = new Map<RecordKind, readonly StatementSync[]>();

  /** Throws `StoreError`, with nothing changed, for a file that is not ours, too new, or damaged. */
  constructor(path: string, migrations: readonly string[] = MIGRATIONS) {
    this.#path = path;
    if (checkHeader(path, migrations.length)) checkContent(path);
    this.#database = this.#open();
    this.#migrate(migrations);
  }

  /** Commits the records as one transaction; throws, with nothing changed, when that cannot be done now. */
  apply(bytes: Uint8Array): void {
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      for (const { kind, values } of readColumns(bytes)) {
        for (const statement of this.#statements(kind)) statement.run(...values);
      }
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#reopen();
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
    if (free < FREE_PAGES_MIN || free * 4 < pages) return false;
    // Each step of the statement frees one page, so it must be stepped to its end.
    this.#database.prepare(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`).all();
    return true;
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #open(): DatabaseSync {
    const database = new DatabaseSync(this.#path);
    database.exec(`
      PRAGMA auto_vacuum = INCREMENTAL;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA journal_size_limit = 16777216;
      PRAGMA temp_store = MEMORY;
      PRAGMA trusted_schema = OFF;
    `);
    return database;
  }

  /** After an I/O error SQLite may hold a view of the file that is no longer true. */
  #reopen(): void {
    this.#changes.clear();
    try {
      this.close();
      this.#database = this.#open();
    } catch {
      // The next commit finds it closed, and says why.
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

  #statements(kind: RecordKind): readonly StatementSync[] {
    let statements = this.#changes.get(kind);
    if (!statements) {
      statements = CHANGES[kind].map((sql) => this.#database.prepare(sql));
      this.#changes.set(kind, statements);
    }
    return statements;
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
      this.#database.exec("ROLLBACK");
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

/** False if there is no file yet. Reads it as bytes: SQLite would already write beside it. */
function checkHeader(path: string, versionMax: number): boolean {
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
  if (version > versionMax) {
    throw new StoreError(
      `Cannot use ${path}: its schema has version ${version} and this Pregón knows ${versionMax}; start the newer Pregón that wrote it`,
    );
  }
  return true;
}

const MOVE_IT = "move it away, or give another folder with --data";

function readHeader(path: string): Uint8Array<ArrayBuffer> | undefined {
  let file;
  try {
    file = Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new StoreError(`Cannot read ${path}: ${messageOf(error)}`);
  }
  try {
    const header = new Uint8Array(HEADER_BYTES);
    return header.subarray(0, file.readSync(header) ?? 0);
  } finally {
    file.close();
  }
}

/** Reads every page once, and writes none. */
function checkContent(path: string): void {
  let found: unknown;
  let tables: unknown;
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    found = firstValue(database, "PRAGMA quick_check(1)");
    tables = firstValue(database, "PRAGMA application_id") === 0
      ? firstValue(database, "SELECT count(*) FROM sqlite_schema")
      : 0;
    database.close();
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
  if (tables !== 0) throw foreign(path);
}

function foreign(path: string): StoreError {
  return new StoreError(`Cannot use ${path}: it is the database of another program; ${MOVE_IT}`);
}

/** Rows as arrays, which is twice as fast as objects; Deno has it and its types do not. */
function arraysOf(statement: StatementSync): (...parameters: ColumnValue[]) => ColumnValue[][] {
  (statement as unknown as { setReturnArrays(isOn: boolean): void }).setReturnArrays(true);
  return (...parameters) => statement.all(...parameters) as unknown as ColumnValue[][];
}

function firstValue(database: DatabaseSync, sql: string): unknown {
  return Object.values(database.prepare(sql).get() ?? {})[0];
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
