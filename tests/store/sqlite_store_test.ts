import { assert, assertEquals, assertRejects } from "@std/assert";
import { SqliteStore } from "../../broker/store/sqlite_store.ts";
import { CommitError } from "../../broker/store/store.ts";
import { testStore } from "../contract/store_contract.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

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

Deno.test("a commit within 2 ms of the last one waits for that, with what comes meanwhile, and no longer if the clock is set back", async () => {
  const folder = await Deno.makeTempDir();
  const clock = new SettableClock();
  const store = new SqliteStore({ folder, clock });
  for await (const _ of store.load());
  store.append({ kind: "state-put", name: "logged", value: "1" });
  await store.commit();
  assertEquals(clock.timerCount, 0, "The first waits for nothing");
  for (const setBackMs of [0, 3_600_000]) {
    clock.setBackMs += setBackMs;
    store.append({ kind: "state-put", name: "logged", value: "2" });
    const committing = store.commit();
    clock.advance(1);
    await endOfTurn();
    assertEquals(clock.timerCount, 1);
    assert(store.pendingBytes > 0);
    store.append({ kind: "state-put", name: "epoch", value: "3" });
    clock.advance(1);
    await committing;
    assertEquals([clock.timerCount, store.pendingBytes], [0, 0]);
  }
  clock.advance(2);
  store.append({ kind: "state-put", name: "logged", value: "4" });
  const committing = store.commit();
  assertEquals(clock.timerCount, 0);
  await committing;
  await store.close();
  await Deno.remove(folder, { recursive: true });
});

/** One that an administrator sets back. */
class SettableClock extends SimulatedClock {
  setBackMs = 0;

  override now(): number {
    return super.now() - this.setBackMs;
  }
}

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
