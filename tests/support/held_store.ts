import type { Store } from "../../broker/store/store.ts";
import type { StoreRecord } from "../../broker/store/records.ts";
import { eventually } from "./eventually.ts";

/** A store that takes a test's word for every commit. */
export class HeldStore implements Store {
  readonly durable = true;
  /** Of every record, in order. */
  readonly kinds: StoreRecord["kind"][] = [];
  #commitCount = 0;
  #pending: PromiseWithResolvers<void> | undefined;

  append(record: StoreRecord): void {
    this.kinds.push(record.kind);
  }

  commit(): Promise<void> {
    if (this.#pending) throw new Error("A second commit was asked for before the first was done");
    this.#commitCount++;
    this.#pending = Promise.withResolvers();
    return this.#pending.promise;
  }

  close(): Promise<void> {
    return Promise.resolve();
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

  reject(): void {
    this.#take().reject(new Error("The disk is full"));
  }

  #take(): PromiseWithResolvers<void> {
    const pending = this.#pending;
    if (!pending) throw new Error("No commit waits");
    this.#pending = undefined;
    return pending;
  }
}
