import { assertEquals } from "@std/assert";
import { DEFAULT_LIMITS } from "../../broker/core/limits.ts";
import { TopicCheck } from "../../broker/core/topic_check.ts";
import { Counters } from "../../broker/metrics/counters.ts";

Deno.test("a topic is right or not, whatever was asked before it", () => {
  const counters = new Counters();
  const check = new TopicCheck({ ...DEFAULT_LIMITS, topicLevelsMax: 2 }, counters);
  const answers = ["", "a/b", "a/b", "a/+", "a/b/c", "a/b/c", "a/b", ""].map((topic) =>
    check.problemOf(topic)?.code
  );
  assertEquals(answers, [
    "empty",
    undefined,
    undefined,
    "wildcard",
    "too-many-levels",
    "too-many-levels",
    undefined,
    "empty",
  ]);
  assertEquals(counters.limitsMet.topicLevelsMax, 2);
});
