import { assert, assertEquals } from "@std/assert";
import { InboundAliases, OutboundAliases } from "../../broker/core/topic_alias.ts";
import { Random } from "../topic/random_names.ts";

/** Messages that a holder's place is safe for, with ten aliases or fewer. */
const PERIOD = 256;

function sends(aliases: OutboundAliases, topics: readonly string[]): number {
  return topics.map((topic) => aliases.take(topic)).filter(({ alias, isNew }) => alias > 0 && !isNew).length;
}

Deno.test("[MQTT5-3.3.2-12] who follows the aliases always knows the topic, however they move", () => {
  const random = new Random(7);
  for (const aliasMax of [1, 3, 10]) {
    const aliases = new OutboundAliases(aliasMax);
    const peer = new InboundAliases(aliasMax);
    let saved = 0;
    for (let count = 0; count < 50_000; count++) {
      // A few are used much, and others as time goes by.
      const spread = random.below(random.below(40) + 1);
      const topic = `topic/${spread + Math.floor(count / 10_000) * 7}`;
      const { alias, isNew } = aliases.take(topic);
      assert(isNew || alias > 0, "Without an alias there must be a topic");
      assertEquals(peer.resolve(isNew ? topic : "", alias), topic);
      if (!isNew) saved++;
    }
    assert(saved > 50_000 * 0.05, `${saved} messages went without their topic`);
  }
});

Deno.test("an alias goes to the topic that is used most, whichever came first", () => {
  const aliases = new OutboundAliases(2);
  for (const topic of ["once/1", "once/2", "busy/1", "busy/2"]) aliases.take(topic);
  for (let count = 0; count < PERIOD; count++) aliases.take(`busy/${1 + count % 2}`);
  assertEquals(sends(aliases, ["once/1", "once/2"]), 0);
  const written = ["busy/1", "busy/2"].map((topic) => aliases.take(topic));
  assertEquals(written.map(({ alias }) => alias).toSorted(), [1, 2]);
  assertEquals(sends(aliases, Array(100).fill("busy/1")), 100);
});

Deno.test("a long topic is worth more than a short one that is used as much", () => {
  const aliases = new OutboundAliases(1);
  const long = `site/${"x".repeat(50)}`;
  aliases.take("a/b");
  for (let count = 0; count < PERIOD; count++) aliases.take(count % 2 ? "a/b" : long);
  assertEquals([aliases.take(long).alias, aliases.take("a/b").alias], [1, 0]);
});

Deno.test("topics that are used alike do not take aliases from each other", () => {
  const aliases = new OutboundAliases(10);
  const topics = Array.from({ length: 20 }, (_, index) => `topic/${10 + index}`);
  for (let round = 0; round < 100; round++) for (const topic of topics) aliases.take(topic);
  for (let round = 0; round < 100; round++) assertEquals(sends(aliases, topics), 10);
});

Deno.test("an alias moves to a topic that is used three times as much, not to one that is used a half more", () => {
  for (const [rivalOf, moves] of [[5, false], [8, true]] as const) { // 3 of 5, and 6 of 8
    const aliases = new OutboundAliases(1);
    const isRival = (count: number) => count % rivalOf >= 2;
    for (let count = 0; count < 2 * PERIOD; count++) aliases.take("topic/1");
    for (let count = 0; count < 20 * PERIOD; count++) aliases.take(isRival(count) ? "topic/2" : "topic/1");
    assertEquals(aliases.take("topic/2").alias, moves ? 1 : 0);
  }
});

Deno.test("topics that come once each leave the aliases where they are", () => {
  const aliases = new OutboundAliases(2);
  aliases.take("busy/1");
  aliases.take("busy/2");
  for (let count = 0; count < 10 * PERIOD; count++) aliases.take(`once/${count}`);
  assertEquals(sends(aliases, ["busy/1", "busy/2"]), 2);
});
