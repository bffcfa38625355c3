import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { decodeRecords, encodeRecords } from "../../broker/store/record_codec.ts";
import type { StoreRecord } from "../../broker/store/records.ts";
import { APPLICATION_ID, MIGRATIONS } from "../../broker/store/schema.ts";
import { SqliteDatabase } from "../../broker/store/sqlite_database.ts";
import { StoreError } from "../../broker/store/store.ts";
import { RandomRecords } from "../support/random_records.ts";
import { inOrder, Tables } from "../support/tables.ts";
import { Random } from "../topic/random_names.ts";

const STATE: StoreRecord = { kind: "state-put", name: "epoch", value: "1" };
const SECOND = "CREATE TABLE second (a TEXT) STRICT; INSERT INTO second VALUES ('x');";

async function inFolder(run: (path: string, folder: string) => Promise<void> | void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(`${folder}/pregon.db`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A file with records, which was closed as it should be. */
function makeFile(path: string, records: readonly StoreRecord[] = [STATE]): void {
  const database = new SqliteDatabase(path);
  database.apply(encodeRecords(records));
  database.close();
}

function read(path: string, migrations?: readonly string[]): StoreRecord[] {
  const database = new SqliteDatabase(path, migrations);
  try {
    return [...database.read()].flatMap((bytes) => decodeRecords(bytes));
  } finally {
    database.close();
  }
}

/** Everything that can be seen of a file from outside. */
function appearance(path: string) {
  const { mtime, size, mode } = Deno.statSync(path);
  return { bytes: Deno.readFileSync(path), mtime: mtime?.getTime(), size, mode };
}

/** Expects that the file is refused with these words, and stays as it is. */
function assertRefused(path: string, words: readonly string[], migrations?: readonly string[]): void {
  const before = appearance(path);
  const error = assertThrows(() => new SqliteDatabase(path, migrations), StoreError);
  for (const word of [path, ...words]) assertStringIncludes(error.message, word);
  assertEquals(error.message.split("\n").length, 1, error.message);
  const after = appearance(path);
  assertEquals({ ...after, bytes: undefined }, { ...before, bytes: undefined });
  assert(after.bytes.every((byte, index) => byte === before.bytes[index]), "Bytes changed");
}

/** What a process leaves that is killed: the file and the log beside it, which was never moved into the file. */
function copyAsKilled(path: string, to: string): void {
  Deno.copyFileSync(path, to);
  Deno.copyFileSync(`${path}-wal`, `${to}-wal`);
}

Deno.test("a new file, and an empty one, become ours", async () => {
  await inFolder((path) => {
    makeFile(path);
    assertEquals(read(path), [STATE]);
    Deno.writeFileSync(path, new Uint8Array(0));
    assertEquals(read(path), []);
    const raw = new DatabaseSync(path, { readOnly: true });
    assertEquals(Object.values(raw.prepare("PRAGMA application_id").get()!), [APPLICATION_ID]);
    assertEquals(Object.values(raw.prepare("PRAGMA user_version").get()!), [MIGRATIONS.length]);
    raw.close();
  });
});

Deno.test("a file that is no database is refused and stays as it is, whatever its length", async () => {
  await inFolder((path) => {
    for (const length of [1, 15, 16, 50, 99, 100, 5_000]) {
      Deno.writeFileSync(path, new Uint8Array(length).fill(0x41));
      assertRefused(path, ["it is not a database", "move it away"]);
    }
    makeFile(path + "x");
    Deno.writeFileSync(path, Deno.readFileSync(path + "x").subarray(0, 60));
    assertRefused(path, ["it is not a database"]);
  });
});

Deno.test("the database of another program is refused and stays as it is", async () => {
  await inFolder((path) => {
    for (const [journal, pragma] of [["DELETE", ""], ["WAL", ""], ["DELETE", "PRAGMA application_id = 7"]]) {
      Deno.writeFileSync(path, new Uint8Array(0));
      const other = new DatabaseSync(path);
      other.exec(`PRAGMA journal_mode = ${journal}; ${pragma}; CREATE TABLE state (name TEXT, value TEXT)`);
      other.close();
      assertRefused(path, ["another program"]);
    }
  });
});

Deno.test("a file of a newer version is refused and stays as it is, though only its log says so", async () => {
  await inFolder((path, folder) => {
    makeFile(path);
    const newer = new SqliteDatabase(path, [...MIGRATIONS, SECOND]);
    copyAsKilled(path, `${folder}/killed.db`);
    newer.close();
    assertRefused(path, [`version ${MIGRATIONS.length + 1}`, `knows ${MIGRATIONS.length}`, "newer Pregón"]);
    assertRefused(`${folder}/killed.db`, [`version ${MIGRATIONS.length + 1}`, `knows ${MIGRATIONS.length}`]);
    assertEquals(read(path, [...MIGRATIONS, SECOND]), [STATE]);
  });
});

Deno.test("an older file goes through the migrations that it lacks, all or none", async () => {
  await inFolder((path) => {
    makeFile(path);
    const before = Deno.readFileSync(path);
    const error = assertThrows(
      () =>
        new SqliteDatabase(path, [...MIGRATIONS, SECOND, "CREATE TABLE third (a); SELECT * FROM nowhere"]),
      StoreError,
    );
    for (const word of [path, "from version 1 to 3", "it is as it was", "nowhere"]) {
      assertStringIncludes(error.message, word);
    }
    assertEquals(Deno.readFileSync(path).every((byte, index) => byte === before[index]), true);
    assertEquals(read(path), [STATE], "The version before still opens it");
    assertEquals(read(path, [...MIGRATIONS, SECOND]), [STATE]);
    assertEquals(read(path, [...MIGRATIONS, SECOND]), [STATE], "Once is enough");
    const raw = new DatabaseSync(path, { readOnly: true });
    assertEquals(raw.prepare("SELECT a FROM second").all().length, 1);
    raw.close();
  });
});

Deno.test("what a killed process committed is there: its log is read, however much of its end is missing", async () => {
  await inFolder((path, folder) => {
    const records = new RandomRecords(new Random(3)).take(40);
    const database = new SqliteDatabase(path);
    const states = [new Tables()];
    for (const record of records) {
      database.apply(encodeRecords([record]));
      states.push(states.at(-1)!.clone().applyAll([record]));
    }
    const killed = `${folder}/killed.db`;
    copyAsKilled(path, killed);
    assertEquals(inOrder(read(killed)), states.at(-1)!.records());
    const wanted = states.map((tables) => JSON.stringify(tables.records()));
    let last = wanted.length;
    for (let cut = 1; cut <= 40; cut++) {
      copyAsKilled(path, killed);
      const log = Deno.readFileSync(`${killed}-wal`);
      Deno.writeFileSync(`${killed}-wal`, log.subarray(0, Math.max(0, log.length - cut * 3_001)));
      if (log.length < cut * 3_001) break;
      const found = wanted.lastIndexOf(JSON.stringify(inOrder(read(killed))), last);
      assert(found >= 0, `A cut of ${cut * 3_001} bytes left something that never was`);
      last = found;
    }
    assert(last < wanted.length - 5, "Cuts that took something away");
    database.close();
  });
});

Deno.test("a damaged file is refused and stays as it is, or what it holds was not touched by the damage", async () => {
  await inFolder((path) => {
    const records = new RandomRecords(new Random(4)).take(3_000);
    makeFile(path, records);
    const whole = Deno.readFileSync(path);
    const random = new Random(5);
    let refused = 0;
    for (let round = 0; round < 60; round++) {
      const damaged = whole.slice();
      const page = random.below(whole.length / 4096) * 4096;
      // A whole page, or a piece of one, which may be of a value; the header of the file has a test of its own.
      const [start, end] = round % 2 === 0
        ? [page, page + 4096]
        : [page + 1_000, page + 1_000 + random.below(300)];
      for (let at = Math.max(100, start); at < end; at++) damaged[at] = random.below(256);
      Deno.writeFileSync(path, damaged);
      try {
        read(path);
      } catch (error) {
        assert(error instanceof StoreError, String(error));
        assertRefused(path, ["damaged", "backup"]);
        refused++;
        continue;
      }
      // SQLite has no checksums: a byte of a value may be any other.
      assert(round % 2 === 1, `Round ${round}: page ${page / 4096} is random and nobody saw it`);
    }
    assert(refused >= 30);
    Deno.writeFileSync(path, whole.subarray(0, whole.length - 4096));
    assertRefused(path, ["damaged"]);
  });
});

Deno.test("a path that cannot be opened is refused in one line", async () => {
  await inFolder((path) => {
    Deno.mkdirSync(path);
    const error = assertThrows(() => new SqliteDatabase(path), StoreError);
    assertStringIncludes(error.message, path);
  });
});

Deno.test("a commit waits for another program that writes to the file for a moment", async () => {
  await inFolder(async (path) => {
    const database = new SqliteDatabase(path);
    const command = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", HOLD_LOCK, path],
      stdin: "piped",
      stdout: "piped",
    });
    const holder = command.spawn();
    const reader = holder.stdout.getReader();
    await reader.read();
    database.apply(encodeRecords([STATE]));
    await holder.stdin.close();
    await reader.cancel();
    await holder.status;
    database.close();
    assertEquals(read(path), [STATE]);
  });
});

/** Locks the file for writing, says so, and lets go of it a moment later. */
const HOLD_LOCK = `
  import { DatabaseSync } from "node:sqlite";
  const database = new DatabaseSync(Deno.args[0]);
  database.exec("BEGIN IMMEDIATE");
  console.log("locked");
  await new Promise((resolve) => setTimeout(resolve, 300));
  database.exec("ROLLBACK");
`;

Deno.test("a file gives room back when most of it is free", async () => {
  await inFolder((path) => {
    const database = new SqliteDatabase(path);
    const message = {
      ...new RandomRecords(new Random(1)).take(20).find(({ kind }) => kind === "event-put")!,
    };
    const events = Array.from({ length: 2_000 }, (_, index): StoreRecord => ({
      ...message as Extract<StoreRecord, { kind: "event-put" }>,
      sequence: index + 1,
      payload: new Uint8Array(2_000),
    }));
    database.apply(encodeRecords(events));
    assertEquals(database.shrink(), false);
    database.apply(encodeRecords([{ kind: "events-deleted", before: 1_990 }]));
    let steps = 0;
    while (database.shrink()) steps++;
    assert(steps > 1, "Little by little");
    assert(
      Deno.statSync(path).size < 1_500_000,
      `While it is open, ${Deno.statSync(path).size} bytes are left`,
    );
    database.close();
    assertEquals(read(path).length, 11);
  });
});
