import type { StoreRecord } from "../../broker/store/records.ts";
import { CommitError, type Store, StoreError } from "../../broker/store/store.ts";

/** Which calls fail, counted from 1 over `load` and `commit`. */
export interface Fault {
  readonly at: number;
  /** How many fail one after the other. */
  readonly count?: number;
  /** Whether a commit that fails is on the disk all the same, as it may be where the sync fails. */
  readonly isKept?: boolean;
}

/** A store whose disk fails when a test says so. `append` never does. */
export class FaultyStore implements Store {
  readonly durable = true;
  readonly #store: Store;
  readonly #fault: Fault;
  #calls = 0;

  constructor(store: Store, fault: Fault) {
    this.#store = store;
    this.#fault = fault;
  }

  /** Whether the call that fails was ever made. */
  get wasMet(): boolean {
    return this.#calls >= this.#fault.at;
  }

  get pendingBytes(): number {
    return this.#store.pendingBytes;
  }

  async *load(): AsyncGenerator<readonly StoreRecord[]> {
    if (this.#fails()) throw new StoreError("Cannot read the disk");
    yield* this.#store.load();
  }

  append(record: StoreRecord): void {
    this.#store.append(record);
  }

  commit(): Promise<void> | undefined {
    if (!this.#fails()) return this.#store.commit();
    const failure = new CommitError("disk I/O error", false);
    // What could not be kept is part of the next batch: the store behind has it still, unless it took it now.
    if (!this.#fault.isKept) return Promise.reject(failure);
    return Promise.resolve(this.#store.commit()).then(() => Promise.reject(failure));
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #fails(): boolean {
    const { at, count = 1 } = this.#fault;
    this.#calls++;
    return this.#calls >= at && this.#calls < at + count;
  }
}
