import { MemoryStore } from "./memory_store.ts";
import type { Store } from "./store.ts";

/** Every store, by the name that the options know it under. */
export const STORES: Readonly<Record<string, () => Store>> = { memory: () => new MemoryStore() };
