import { assertEquals } from "@std/assert";
import { StallTable } from "../../bridge/stall_table.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

Deno.test("each wait is over time by itself, and one timer does for all of them", () => {
  const clock = new SimulatedClock();
  const table = new StallTable(clock, 60);
  const stalled: string[] = [];
  table.begin(() => stalled.push("first"));
  clock.advance(10_000);
  const second = table.begin(() => stalled.push("second"));
  table.begin(() => stalled.push("third"));
  assertEquals(clock.timerCount, 1);
  clock.advance(49_999);
  assertEquals(stalled, []);
  clock.advance(1);
  assertEquals([stalled, table.size, clock.timerCount], [["first"], 2, 1]);
  table.end(second);
  clock.advance(9_999);
  assertEquals(stalled, ["first"]);
  clock.advance(1);
  assertEquals([stalled, table.size, clock.timerCount], [["first", "third"], 0, 0]);
});

Deno.test("a table whose waits ended has no timer after its time, and begins anew", () => {
  const clock = new SimulatedClock();
  const table = new StallTable(clock, 1);
  const stalled: string[] = [];
  table.end(table.begin(() => stalled.push("first")));
  clock.advance(1_000);
  assertEquals([stalled, clock.timerCount], [[], 0]);
  table.begin(() => stalled.push("second"));
  clock.advance(1_000);
  assertEquals(stalled, ["second"]);
});

Deno.test("who is done in time is never told, whoever waits before and behind", () => {
  for (const done of [0, 1, 2]) {
    const clock = new SimulatedClock();
    const table = new StallTable(clock, 1);
    const stalled: number[] = [];
    const waits = [0, 1, 2].map((index) => table.begin(() => stalled.push(index)));
    table.end(waits[done]!);
    table.end(waits[done]!);
    assertEquals(table.size, 2);
    clock.advance(1_000);
    assertEquals([stalled, table.size], [[0, 1, 2].filter((index) => index !== done), 0]);
  }
});

Deno.test("a closed table tells nobody and leaves no timer behind", () => {
  const clock = new SimulatedClock();
  const table = new StallTable(clock, 1);
  table.begin(() => {
    throw new Error("Told although it is closed");
  });
  table.close();
  clock.advance(5_000);
  assertEquals([table.size, clock.timerCount], [0, 0]);
});
