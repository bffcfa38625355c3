import { backup, DatabaseSync } from "node:sqlite";
import { findDatabase, parentOf, syncFolder } from "./data_folder.ts";
import { MIGRATIONS } from "./schema.ts";
import { newEpoch } from "./sequence.ts";
import { checkHeader, firstValue, messageOf } from "./sqlite_database.ts";
import { StoreError } from "./store.ts";

/** More pages than a file has: in one step nothing that is written meanwhile makes the copy begin anew. */
const ALL_PAGES = 2 ** 31 - 1;

/** What a copy is called until it is whole. */
const PART_SUFFIX = ".part";

/**
 * Copies data that a broker may be using, as they were at one moment, into a file for its owner only. Under its name
 * there is never half a copy, and none that the disk does not have. Rejects with `StoreError` when that cannot be done.
 *
 * The copy has an epoch of its own: what the original numbers from now on has other ids than what a broker on the copy
 * will number. QoS 2 messages that clients were in the middle of publishing are forgotten: clients will have ended those
 * flows long since, and a new one under the same identifier must not be taken for a repetition.
 *
 * @param place the folder with the data, or the file itself
 */
export async function backUp(place: string, file: string): Promise<{ bytes: number }> {
  const path = findDatabase(place);
  if (!checkHeader(path, MIGRATIONS.length)) {
    throw new StoreError(`Cannot back up ${path}: there is nothing in it`);
  }
  const part = `${file}${PART_SUFFIX}`;
  create(file, part);
  try {
    await copy(path, part);
    makeAnother(part);
    sync(part);
    // Unlike a rename it fails if somebody else has taken the name meanwhile.
    Deno.linkSync(part, file);
    syncFolder(parentOf(file));
    return { bytes: Deno.statSync(file).size };
  } catch (error) {
    throw new StoreError(`Cannot back up ${path} to ${file}: ${messageOf(error)}`);
  } finally {
    Deno.removeSync(part);
  }
}

function create(file: string, part: string): void {
  try {
    Deno.lstatSync(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      throw new StoreError(`Cannot write ${file}: ${messageOf(error)}`);
    }
    try {
      return Deno.openSync(part, { createNew: true, write: true, mode: 0o600 }).close();
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) {
        throw new StoreError(`Cannot write ${part}: ${messageOf(error)}`);
      }
      throw new StoreError(
        `Cannot write ${file}: another backup is under way, or was cut off; then remove ${part}`,
      );
    }
  }
  throw new StoreError(`Cannot write ${file}: it is there already, and a backup overwrites nothing`);
}

/** By SQLite's own means; not by `VACUUM INTO`, which Deno allows only to a program that may do everything. */
async function copy(path: string, part: string): Promise<void> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    await backup(database, part, { rate: ALL_PAGES });
  } finally {
    database.close();
  }
}

function makeAnother(part: string): void {
  const database = new DatabaseSync(part);
  try {
    // A copy is one file, without a log beside it.
    database.exec("PRAGMA journal_mode = DELETE");
    database.prepare("UPDATE state SET value = ? WHERE name = 'epoch'").run(newEpoch());
    database.exec("DELETE FROM inbound");
    const found = firstValue(database, "PRAGMA quick_check(1)");
    if (found !== "ok") throw new Error(`the copy is damaged (${found})`);
  } finally {
    database.close();
  }
}

function sync(path: string): void {
  using file = Deno.openSync(path);
  file.syncSync();
}
