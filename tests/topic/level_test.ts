import { assert, assertEquals } from "@std/assert";
import { ownLevel } from "../../broker/topic/level.ts";
import { heldBytes } from "./heap.ts";

Deno.test("an own level has the same characters", () => {
  for (
    const level of [
      "",
      "a",
      "a".repeat(12),
      "a".repeat(13),
      "é".repeat(14),
      "😀".repeat(7),
      "\ud83d".repeat(20),
    ]
  ) {
    assertEquals(ownLevel(level), level);
  }
});

Deno.test("an own level does not hold the topic that it was cut from", () => {
  const before = heldBytes();
  const levels: string[] = [];
  for (let index = 0; index < 500; index++) {
    const topic = "x".repeat(100_000) + `/a level of its own ${index}`;
    levels.push(ownLevel(topic.slice(topic.indexOf("/") + 1)));
  }
  assert(heldBytes() - before < 10_000_000, "50 MB if the topics are held");
  assertEquals(levels.length, 500);
});
