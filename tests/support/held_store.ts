import { CommitError, type Store } from "../../broker/store/store.ts";
import type { StoreRecord } from "../../broker/store/records.ts";
import { eventually } from "./eventually.ts";

/** A store that, from `hold` to `release`, takes a test's word for every commit. */
export class HeldStore implements Store {
  readonly durable = true;
  pendingBytes = 0;
  /** Of every record since `hold`, in order. */
  readonly kinds: StoreRecord["kind"][] = [];
  #isHolding = false;
  #commitCount = 0;
  #pending: PromiseWithResolvers<void> | undefined;

  async *load(): AsyncGenerator<readonly StoreRecord[]> {}

  append(record: StoreRecord): void {
    this.kinds.push(record.kind);
  }

  commit(): Promise<void> | undefined {
    if (!this.#isHolding) return undefined;
    if (this.#pending) throw new Error("A second commit was asked for before the first was done");
    this.#commitCount++;
    this.#pending = Promise.withResolvers();
    return this.#pending.promise;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** From now on no commit is done before the test says so. */
  hold(): void {
    this.#isHolding = true;
    this.kinds.length = 0;
  }

  /** From now on every commit is done at once. */
  release(): void {
    this.#isHolding = false;
    this.#pending?.resolve();
    this.#pending = undefined;
  }

  /** Returns once so many commits were asked for, and that one waits. */
  async commitCalled(count: number): Promise<void> {
    await eventually(() => {
      if (this.#commitCount < count || !this.#pending) throw new Error(`${this.#commitCount} commits so far`);
    });
  }

  /** Returns once there were so many records. */
  async recorded(count: number): Promise<void> {
    await eventually(() => {
      if (this.kinds.length < count) throw new Error(`${this.kinds.length} records so far`);
    });
  }

  resolve(): void {
    this.#take().resolve();
  }

  reject(error = new CommitError("The disk is full", true)): void {
    this.#take().reject(error);
  }

  #take(): PromiseWithResolvers<void> {
    const pending = this.#pending;
    if (!pending) throw new Error("No commit waits");
    this.#pending = undefined;
    return pending;
  }
}
