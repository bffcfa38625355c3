import { assertEquals } from "@std/assert";
import { Mentions } from "../../broker/core/mentions.ts";

const AGAIN_MS = 600_000;

Deno.test("everybody is mentioned once, and again when it is long ago", () => {
  const mentions = new Mentions(10);
  const due = (who: string, now: number) => mentions.isDue(who, now);
  assertEquals([due("a", 0), due("a", 1), due("b", 1), due("a", AGAIN_MS - 1)], [true, false, true, false]);
  assertEquals([due("a", AGAIN_MS), due("a", AGAIN_MS + 1), due("b", AGAIN_MS)], [true, false, false]);
  assertEquals(mentions.size, 2);
});

Deno.test("so many are remembered; one more, and the one mentioned longest ago is forgotten", () => {
  const mentions = new Mentions(2);
  const due = (who: string, now: number) => mentions.isDue(who, now);
  assertEquals([due("a", 0), mentions.size, due("b", 1), mentions.size], [true, 1, true, 2]);
  assertEquals([due("a", 2), due("b", 2), mentions.size], [false, false, 2]);
  assertEquals([due("c", 3), mentions.size], [true, 2]);
  assertEquals([due("b", 4), due("c", 4), due("a", 4), mentions.size], [false, false, true, 2]);
});
