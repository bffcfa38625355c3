import type { StoreRecord } from "./records.ts";

/** Where what must survive is kept. Storage only: no routing, no packet identifiers. */
export interface Store {
  /** False for a store that keeps nothing beyond the process; then nobody makes records for it. */
  readonly durable: boolean;
  /**
   * Tells everything that is kept, as `…-put` records, a slice at a time: what a record points to comes before it. Once;
   * no commit is asked for before its end. Rejects with `StoreError` when the store cannot be used.
   */
  load(): AsyncIterable<readonly StoreRecord[]>;
  /** Takes the record into the batch that the next `commit` keeps, all of it or none. */
  append(record: StoreRecord): void;
  /** Bytes of records, about, that no commit has kept yet. */
  readonly pendingBytes: number;
  /**
   * Keeps the batch. `undefined`: done. A promise: it resolves when the batch is safe and rejects with `CommitError` when
   * it is not; until then no acknowledgement that rests on the batch leaves, and no second commit is asked for. What
   * could not be kept is part of the next batch.
   */
  commit(): Promise<void> | undefined;
  /** Lets go of the store; what was not committed is lost. Idempotent. */
  close(): Promise<void>;
}

/** The store cannot be used, and nothing of it was changed; the message says why and what to do, in one line. */
export class StoreError extends Error {
  override readonly name = "StoreError";
}

/** A batch could not be kept now. */
export class CommitError extends Error {
  override readonly name = "CommitError";

  /** @param isFull for want of room, which somebody may make */
  constructor(message: string, readonly isFull: boolean) {
    super(message);
  }
}
