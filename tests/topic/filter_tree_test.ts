import { assertEquals } from "@std/assert";
import { FilterTree } from "../../broker/topic/filter_tree.ts";
import { checkFilter, checkTopic, matches } from "../../broker/topic/name.ts";
import { Random, randomFilter, randomTopic } from "./random_names.ts";

const KEYS = ["alice", "bob", "carol", ""];

function treeOf(...filters: string[]): FilterTree<string> {
  const tree = new FilterTree<string>();
  for (const filter of filters) tree.set(filter, "alice", filter);
  return tree;
}

Deno.test("[MQTT-4.7.1-2] a/# matches a", () => {
  assertEquals(treeOf("a/#").match("a"), ["a/#"]);
  assertEquals(treeOf("a/#").match("a/b/c"), ["a/#"]);
  assertEquals(treeOf("a/+/#").match("a"), []);
});

Deno.test("[MQTT-4.7.1-3] + matches one level, empty ones too", () => {
  const tree = treeOf("+", "+/+", "/+", "a/+");
  assertEquals(tree.match("a"), ["+"]);
  assertEquals(tree.match("/a").toSorted(), ["+/+", "/+"]);
  assertEquals(tree.match("a/").toSorted(), ["+/+", "a/+"]);
  assertEquals(tree.match("a/b/c"), []);
});

Deno.test("[MQTT-4.7.2-1] wildcards at the root match no reserved topic", () => {
  const tree = treeOf("#", "+", "+/x", "+/#", "$SYS/#", "$SYS/x", "$SYS/+");
  assertEquals(tree.match("$SYS/x").toSorted(), ["$SYS/#", "$SYS/+", "$SYS/x"]);
  assertEquals(tree.match("$SYS"), ["$SYS/#"]);
  assertEquals(tree.match("$other/x"), []);
});

Deno.test("[MQTT-4.7.3-4] no character is changed to match", () => {
  const tree = treeOf("a/b", "é", "/a");
  for (const topic of ["A/b", "e\u0301", "a", "a//b", "/a/", "a/b ", "\ufeffa/b"]) {
    assertEquals(tree.match(topic), []);
  }
});

Deno.test("setting a filter and key again replaces the value", () => {
  for (const filter of ["a/b", "a/+", "a/#", "#", "$SYS/#"]) {
    const tree = new FilterTree<number>();
    assertEquals(tree.set(filter, "alice", 1), undefined);
    assertEquals(tree.set(filter, "alice", 2), 1);
    assertEquals(tree.set(filter, "bob", 3), undefined);
    assertEquals(tree.set(filter, "bob", 4), 3);
    assertEquals([tree.size, tree.get(filter, "alice"), tree.get(filter, "bob")], [2, 2, 4]);
    assertEquals(tree.match(filter.replace("+", "x").replace("#", "x")).toSorted(), [2, 4]);
  }
});

Deno.test("a deleted value matches no more and leaves no node", () => {
  const tree = treeOf("a/b", "a/+/c", "a/+/#", "#", "$SYS/+/x/#");
  assertEquals(tree.delete("a/+/c", "bob"), undefined);
  assertEquals(tree.delete("a/+", "alice"), undefined);
  assertEquals(tree.delete("a/+/c", "alice"), "a/+/c");
  assertEquals(tree.delete("a/+/c", "alice"), undefined);
  assertEquals(tree.match("a/x/c").toSorted(), ["#", "a/+/#"]);
  for (const filter of ["a/b", "a/+/#", "#", "$SYS/+/x/#"]) {
    assertEquals(tree.delete(filter, "alice"), filter);
  }
  assertEquals([tree.size, tree.nodeCount, tree.match("a/b")], [0, 0, []]);
});

Deno.test("match appends to the list that it is given", () => {
  assertEquals(treeOf("a", "+").match("a", ["before"]), ["before", "a", "+"]);
});

Deno.test("a topic of 65,535 levels does not overflow the stack", () => {
  const tree = new FilterTree<number>();
  const deep = "/".repeat(65_534);
  assertEquals(treeOf("+/+", "a/#").match(deep), []);
  tree.set(deep, "alice", 1);
  tree.set(`${deep}+`, "alice", 2);
  tree.set(`${deep}#`, "alice", 3);
  assertEquals(tree.match(deep).toSorted(), [1, 2, 3]);
  for (const filter of [deep, `${deep}+`, `${deep}#`]) tree.delete(filter, "alice");
  assertEquals(tree.nodeCount, 0);
});

Deno.test("random filters match as the reference does, while they come and go", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const tree = new FilterTree<string>();
    const model = new Map<string, { filter: string; key: string; value: string }>();
    const filters = Array.from(
      { length: 60 },
      () => random.below(4) === 0 ? randomTopic(random) : randomFilter(random),
    );
    for (let step = 0; step < 400; step++) {
      const filter = random.pick(filters);
      const key = random.pick(KEYS);
      const id = JSON.stringify([filter, key]);
      assertEquals(checkFilter(filter), undefined, filter);
      if (random.below(5) < 3) {
        const value = `${id}#${step}`;
        assertEquals(tree.set(filter, key, value), model.get(id)?.value, `seed ${seed}`);
        model.set(id, { filter, key, value });
      } else {
        assertEquals(tree.delete(filter, key), model.get(id)?.value, `seed ${seed}`);
        model.delete(id);
      }
      assertEquals(tree.size, model.size);
      const topic = randomTopic(random);
      assertEquals(checkTopic(topic), undefined, topic);
      const expected = [...model.values()].filter((entry) => matches(entry.filter, topic)).map(({ value }) =>
        value
      );
      assertEquals(
        tree.match(topic).toSorted(),
        expected.toSorted(),
        `seed ${seed}, step ${step}, topic ${topic}`,
      );
    }
    for (const { filter, key, value } of model.values()) {
      assertEquals(tree.get(filter, key), value);
      assertEquals(tree.delete(filter, key), value);
    }
    assertEquals([tree.size, tree.nodeCount], [0, 0]);
  }
});
