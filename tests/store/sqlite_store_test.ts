import { assertEquals, assertRejects } from "@std/assert";
import { SqliteStore } from "../../broker/store/sqlite_store.ts";
import { CommitError } from "../../broker/store/store.ts";
import { testStore } from "../contract/store_contract.ts";

testStore({
  name: "sqlite",
  async create() {
    const folder = await Deno.makeTempDir();
    return {
      open: () => new SqliteStore({ folder }),
      [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
    };
  },
});

Deno.test("a store whose thread has ended says so at every commit, and lets go of its folder", async () => {
  const folder = await Deno.makeTempDir();
  const { Worker } = globalThis;
  globalThis.Worker = DyingWorker;
  try {
    const store = new SqliteStore({ folder });
    for (let tries = 0; tries < 2; tries++) {
      store.append({ kind: "state-put", name: "a", value: "1" });
      const error = await assertRejects(async () => await store.commit(), CommitError, "out of memory");
      assertEquals(error.isFull, false);
    }
    await store.close();
  } finally {
    globalThis.Worker = Worker;
  }
  const next = new SqliteStore({ folder });
  await next.close();
  await Deno.remove(folder, { recursive: true });
});

/** One that ends at the first thing that it is asked, and never answers. */
class DyingWorker extends EventTarget implements Worker {
  onerror: ((event: ErrorEvent) => void) | null = null;
  onmessage = null;
  onmessageerror = null;

  postMessage(): void {
    queueMicrotask(() => this.onerror?.(new ErrorEvent("error", { message: "out of memory" })));
  }

  terminate(): void {}
}
