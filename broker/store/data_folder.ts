import { StoreError } from "./store.ts";

/** A folder with the broker's data, and the claim that no other process uses it. */
export interface DataFolder {
  readonly databasePath: string;
  /** Lets another process have it. */
  release(): void;
}

/** What the file with the data is called in its folder. */
export const DATABASE_NAME = "pregon.db";
const LOCK_NAME = "lock";

/**
 * Makes the folder if need be, for its owner only, and claims it. The claim ends with the process, however that ends.
 * Throws `StoreError` when the folder cannot be used or another process has it.
 */
export function claimDataFolder(folder: string): DataFolder {
  let lock: Deno.FsFile | undefined;
  try {
    makeFolder(folder);
    lock = Deno.openSync(`${folder}/${LOCK_NAME}`, { create: true, write: true, mode: 0o600 });
    if (!lock.tryLockSync(true)) {
      throw new StoreError(
        `Cannot use ${folder}: another Pregón is running on it; stop that one, or give another folder with --data`,
      );
    }
    const databasePath = `${folder}/${DATABASE_NAME}`;
    // SQLite gives the files beside it the mode of this one.
    Deno.openSync(databasePath, { create: true, write: true, mode: 0o600 }).close();
    return { databasePath, release: () => release(lock!) };
  } catch (error) {
    lock?.close();
    if (error instanceof StoreError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreError(
      `Cannot use ${folder} for data: ${reason}; give another folder with --data, or keep nothing with --memory`,
    );
  }
}

/** The file with the data, given it or its folder. Throws `StoreError` when there is neither. */
export function findDatabase(path: string): string {
  try {
    return Deno.statSync(path).isDirectory ? `${path}/${DATABASE_NAME}` : path;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new StoreError(`Cannot read ${path}: it does not exist`);
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreError(`Cannot read ${path}: ${reason}`);
  }
}

/** Has the names in a folder on the disk: a file that is synced may be lost with its name. */
export function syncFolder(folder: string): void {
  if (Deno.build.os === "windows") return; // It has no such thing.
  using file = Deno.openSync(folder);
  file.syncSync();
}

/** Closing alone leaves the claim with a child process that is being started at this very moment. */
function release(lock: Deno.FsFile): void {
  lock.unlockSync();
  lock.close();
}

/** Makes what is missing of the path, each for its owner only, and on the disk before anything is promised in it. */
function makeFolder(folder: string): void {
  try {
    Deno.mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists && Deno.statSync(folder).isDirectory) return;
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    makeFolder(parentOf(folder));
    Deno.mkdirSync(folder, { mode: 0o700 });
  }
  syncFolder(parentOf(folder));
}

/** The folder that has this file or folder. */
export function parentOf(path: string): string {
  return path.replace(/\/+$/, "").replace(/[^/]*$/, "") || ".";
}
