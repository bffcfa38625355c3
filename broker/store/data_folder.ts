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
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    lock = Deno.openSync(`${folder}/${LOCK_NAME}`, { create: true, write: true, mode: 0o600 });
    if (!lock.tryLockSync(true)) {
      throw new StoreError(
        `Cannot use ${folder}: another Pregón is running on it; stop that one, or give another folder with --data`,
      );
    }
    const databasePath = `${folder}/${DATABASE_NAME}`;
    // SQLite gives the files beside it the mode of this one.
    Deno.openSync(databasePath, { create: true, write: true, mode: 0o600 }).close();
    return { databasePath, release: lock.close.bind(lock) };
  } catch (error) {
    lock?.close();
    if (error instanceof StoreError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreError(
      `Cannot use ${folder} for data: ${reason}; give another folder with --data, or keep nothing with --memory`,
    );
  }
}
