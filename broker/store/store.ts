import type { StoreRecord } from "./records.ts";

/** Where what must survive is kept. Storage only: no routing, no packet identifiers. */
export interface Store {
  /** False for a store that keeps nothing beyond the process; then nobody makes records for it. */
  readonly durable: boolean;
  /** Takes the record into the batch that the next `commit` keeps, all of it or none. */
  append(record: StoreRecord): void;
  /**
   * Keeps the batch. `undefined`: done. A promise: it resolves when the batch is safe and rejects when it is not; until
   * then no acknowledgement that rests on the batch leaves, and no second commit is asked for.
   */
  commit(): Promise<void> | undefined;
  close(): Promise<void>;
}
