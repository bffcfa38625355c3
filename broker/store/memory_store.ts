import type { Store } from "./store.ts";

/** Keeps nothing: what the broker holds in memory is all there is. A commit is done at once, so no outbox ever waits. */
export class MemoryStore implements Store {
  readonly durable = false;
  readonly pendingBytes = 0;

  async *load(): AsyncGenerator<never> {}

  append(): void {}

  commit(): undefined {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}
