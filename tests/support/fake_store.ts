import { assert } from "@std/assert";
import type { StoreRecord } from "../../broker/store/records.ts";
import { CommitError, type Store } from "../../broker/store/store.ts";
import { endOfTurn } from "./end_of_turn.ts";
import { Tables } from "./tables.ts";

/** Few, so that what is kept comes in many slices. */
const SLICE_RECORDS = 3;
const RECORD_BYTES = 100;

/** What outlives a broker: give it to the next one's `FakeStore`. */
export class FakeDisk {
  /** Each commit's records, as they were appended. */
  readonly commits: (readonly StoreRecord[])[] = [];
  /** Stores up to this one belong to brokers that have ended. */
  storeCount = 0;

  tables(): Tables {
    return new Tables().applyAll(this.commits.flat());
  }
}

/**
 * A durable store whose disk is in memory: fast, and strict about what a store may expect of the broker. One whose
 * `FakeDisk` was given to another store is that of a process which was killed: nothing that it does is kept any more.
 */
export class FakeStore implements Store {
  readonly durable = true;
  readonly #disk: FakeDisk;
  readonly #number: number;
  #state: "new" | "loading" | "open" | "committing" | "closed" = "new";
  #batch: StoreRecord[] = [];
  #committing: readonly StoreRecord[] = [];

  constructor(disk: FakeDisk = new FakeDisk()) {
    this.#disk = disk;
    this.#number = ++disk.storeCount;
  }

  get pendingBytes(): number {
    return (this.#batch.length + this.#committing.length) * RECORD_BYTES;
  }

  async *load(): AsyncGenerator<readonly StoreRecord[]> {
    assert(this.#state === "new", "A store is loaded once");
    this.#state = "loading";
    const records = this.#disk.tables().records();
    for (let start = 0; start < records.length; start += SLICE_RECORDS) {
      await endOfTurn();
      yield records.slice(start, start + SLICE_RECORDS);
    }
    this.#state = "open";
  }

  append(record: StoreRecord): void {
    assert(this.#state !== "new" && this.#state !== "loading", `${record.kind} came before all was loaded`);
    this.#batch.push(record);
  }

  commit(): Promise<void> | undefined {
    assert(this.#state === "open", `A commit was asked for while the store was ${this.#state}`);
    if (this.#batch.length === 0) return undefined;
    this.#state = "committing";
    this.#committing = this.#batch;
    this.#batch = [];
    return this.#commit(this.#committing);
  }

  close(): Promise<void> {
    this.#state = "closed";
    return Promise.resolve();
  }

  async #commit(records: readonly StoreRecord[]): Promise<void> {
    await endOfTurn();
    if (this.#disk.storeCount > this.#number) return await new Promise(() => {});
    if (this.#state === "committing") this.#state = "open";
    this.#committing = [];
    if (isRefused(records)) {
      this.#batch = [...records, ...this.#batch];
      throw new CommitError("Cannot store a packet identifier that is no number", false);
    }
    this.#disk.commits.push(records);
  }
}

/** As a real one refuses what its schema has no place for. */
function isRefused(records: readonly StoreRecord[]): boolean {
  return new Tables().applyAll(records).records()
    .some((record) => record.kind === "inbound-put" && !Number.isFinite(record.packetId));
}
