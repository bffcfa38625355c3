import { assertEquals } from "@std/assert";
import { ByteBudget } from "../../broker/core/byte_budget.ts";

Deno.test("a budget has room up to its bound and no further", () => {
  const budget = new ByteBudget(100);
  budget.take(90);
  for (const [bytes, hasRoom] of [[9, true], [10, true], [11, false]] as const) {
    assertEquals(budget.hasRoom(bytes), hasRoom);
  }
  budget.give(90);
  assertEquals(budget.bytes, 0);
  assertEquals(budget.hasRoom(100), true);
  assertEquals(budget.hasRoom(101), false);
});
