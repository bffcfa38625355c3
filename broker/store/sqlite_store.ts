import { type Clock, systemClock } from "../core/clock.ts";
import { claimDataFolder, type DataFolder } from "./data_folder.ts";
import { decodeRecords, encodeRecords } from "./record_codec.ts";
import { RecordBatch } from "./record_batch.ts";
import type { StoreRecord } from "./records.ts";
import type { WorkerReply, WorkerRequest } from "./sqlite_worker.ts";
import { CommitError, type Store, StoreError } from "./store.ts";

/**
 * Between two commits. A disk that syncs in a fifth of a millisecond would otherwise be asked 2,000 times a second, which
 * takes a third of a core from those who never wait for it.
 */
const COMMIT_INTERVAL_MS = 2;

export interface SqliteStoreOptions {
  /** The folder with the data; made if it is not there. */
  readonly folder: string;
  /** Time as the broker sees it. */
  readonly clock?: Clock;
  /** Called while the file is read: records so far, and in all. */
  readonly onProgress?: (done: number, all: number) => void;
}

/**
 * Keeps everything in one SQLite file, by a thread of its own: the event loop never waits for the disk.
 *
 *     append append append │ commit ──bytes──> thread: one transaction, one sync ──> resolved
 *                   append append (the next batch gathers meanwhile)
 */
export class SqliteStore implements Store {
  readonly durable = true;
  readonly #options: SqliteStoreOptions;
  readonly #clock: Clock;
  readonly #folder: DataFolder;
  readonly #worker: Worker;
  #batch = new RecordBatch();
  /** Handed to the thread, and not known to be on the disk. */
  #committing: RecordBatch | undefined;
  #waiting: PromiseWithResolvers<WorkerReply> | undefined;
  /** Why the thread answers nothing any more. */
  #death: CommitError | undefined;
  #isClosed = false;
  /** When the last commit ended. */
  #committedAt = -Infinity;

  /** Throws `StoreError` when the folder cannot be used or another process has it. */
  constructor(options: SqliteStoreOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#folder = claimDataFolder(options.folder);
    this.#worker = new Worker(new URL("./sqlite_worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<WorkerReply>) => this.#waiting?.resolve(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#death = new CommitError(`The thread that has the disk ended: ${event.message}`, false);
      this.#waiting?.reject(this.#death);
    };
  }

  get pendingBytes(): number {
    return this.#batch.bytes + (this.#committing?.bytes ?? 0);
  }

  async *load(): AsyncGenerator<readonly StoreRecord[]> {
    const opened = await this.#ask({ type: "open", path: this.#folder.databasePath });
    const all = opened.type === "opened" ? opened.recordCount : 0;
    let reading = this.#ask({ type: "read" });
    for (let done = 0;;) {
      const reply = await reading;
      if (reply.type !== "slice" || reply.bytes.length === 0) return;
      // The thread reads on while what it has read is put in its place.
      reading = this.#ask({ type: "read" });
      const records = decodeRecords(reply.bytes);
      yield records;
      this.#options.onProgress?.(done += records.length, all);
    }
  }

  append(record: StoreRecord): void {
    this.#batch.add(record);
  }

  commit(): Promise<void> | undefined {
    return this.#batch.size === 0 ? undefined : this.#commit();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#waiting?.promise.catch(() => {});
    await this.#ask({ type: "close" }).catch(() => {});
    this.#worker.terminate();
    this.#folder.release();
  }

  /** What comes while it waits for its turn is part of it too: earlier than anybody was promised, but never later. */
  async #commit(): Promise<void> {
    // Where the clock was set back meanwhile, no longer than that all the same.
    const wait = Math.min(this.#committedAt + COMMIT_INTERVAL_MS - this.#clock.now(), COMMIT_INTERVAL_MS);
    if (wait > 0) await new Promise<void>((resolve) => this.#clock.after(wait, resolve));
    const batch = this.#committing = this.#batch;
    this.#batch = new RecordBatch();
    try {
      await this.#ask({ type: "commit", bytes: encodeRecords(batch) });
    } catch (error) {
      // Later records may undo those that are not kept.
      batch.doubt();
      batch.addAll(this.#batch);
      this.#batch = batch;
      if (error instanceof CommitError) throw error;
      throw new CommitError(error instanceof Error ? error.message : String(error), false);
    } finally {
      this.#committing = undefined;
      this.#committedAt = this.#clock.now();
    }
  }

  async #ask(request: WorkerRequest): Promise<WorkerReply> {
    if (this.#death) throw this.#death;
    this.#waiting = Promise.withResolvers();
    this.#worker.postMessage(request, request.type === "commit" ? [request.bytes.buffer] : []);
    const reply = await this.#waiting.promise;
    this.#waiting = undefined;
    if (reply.type !== "failed") return reply;
    const { message, isStoreError, isFull } = reply;
    throw isStoreError ? new StoreError(message) : new CommitError(message, isFull);
  }
}
