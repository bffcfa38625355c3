import { assertEquals } from "@std/assert";
import { IdempotencyTable } from "../../bridge/idempotency_table.ts";
import { DEFAULT_LIMITS } from "../../broker/mod.ts";
import { startBridge } from "./support.ts";

Deno.test("idempotencyKeysMax 3: the table remembers as many keys, and forgets the oldest first", () => {
  const limits = { ...DEFAULT_LIMITS, idempotencyKeysMax: 3, idempotencySeconds: 10 };
  const table = new IdempotencyTable(limits, () => 0);
  for (let count = 1; count <= 4; count++) {
    table.begin(`k${count}`, "f");
    assertEquals([count, table.size], [count, Math.min(count, 3)]);
  }
  assertEquals(["k1", "k2", "k4"].map((key) => table.find(key) !== undefined), [false, true, true]);
});

Deno.test("idempotencySeconds 10: a key is forgotten after its time, whether or not anybody asks for it", () => {
  const limits = { ...DEFAULT_LIMITS, idempotencySeconds: 10 };
  let now = 0;
  const table = new IdempotencyTable(limits, () => now);
  table.begin("a", "f");
  table.begin("b", "f");
  now = 9_999;
  assertEquals(table.find("a") !== undefined, true);
  now = 10_000;
  assertEquals(table.find("a"), undefined);
  table.begin("c", "f");
  assertEquals(table.size, 1);
});

Deno.test("an attempt that failed is forgotten, unless another took its place", () => {
  const table = new IdempotencyTable(DEFAULT_LIMITS, () => 0);
  const first = table.begin("a", "f");
  table.abandon("a", first);
  const second = table.begin("a", "f");
  table.abandon("a", first);
  assertEquals(table.find("a"), second);
});

Deno.test("idempotencyKeysMax 2: a key that is forgotten before its time is counted", async () => {
  const { request, broker, clock } = startBridge({
    limits: { idempotencyKeysMax: 2, idempotencySeconds: 10 },
  });
  const publish = async (key: string) => {
    await request("/topics/t", { method: "POST", body: "x", headers: { "idempotency-key": key } });
    return [broker.sequence, broker.counters.limitsMet.idempotencyKeysMax];
  };
  const found = [];
  for (const key of ["1", "2", "1", "3", "1"]) found.push(await publish(key));
  assertEquals(found, [[1, 0], [2, 0], [2, 0], [3, 1], [4, 2]]);
  clock.advance(10_000);
  assertEquals(await publish("4"), [5, 2]);
});
