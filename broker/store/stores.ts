import { MemoryStore } from "./memory_store.ts";
import { SqliteStore, type SqliteStoreOptions } from "./sqlite_store.ts";
import type { Store } from "./store.ts";

/** Every store, by what the option `durability` calls it. */
export const STORES = {
  disk: (options) => new SqliteStore(options),
  memory: () => new MemoryStore(),
} as const satisfies Readonly<Record<string, (options: SqliteStoreOptions) => Store>>;

export type Durability = keyof typeof STORES;
