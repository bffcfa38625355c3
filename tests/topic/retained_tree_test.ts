import { assert, assertEquals } from "@std/assert";
import { found } from "../support/found.ts";
import { matches } from "../../broker/topic/name.ts";
import { RetainedTree } from "../../broker/topic/retained_tree.ts";
import { heldBytes } from "./heap.ts";
import { Random, randomFilter, randomTopic } from "./random_names.ts";

interface Value {
  readonly topic: string;
}

function treeOf(...topics: string[]): RetainedTree<Value> {
  const tree = new RetainedTree<Value>();
  for (const topic of topics) tree.put(topic, { topic });
  return tree;
}

function topicsOf(values: Iterable<Value | undefined>): string[] {
  return Array.from(found(values), ({ topic }) => topic);
}

interface PageWish {
  readonly after?: string | undefined;
  readonly limit: number;
}

/** The topics of a page, and whether more follow. */
function pageOf(
  tree: RetainedTree<Value>,
  filter: string,
  { after, limit }: PageWish,
): { topics: string[]; more: boolean } {
  const topics: string[] = [];
  for (const { topic } of found(tree.inOrder(filter, after))) {
    if (topics.length >= limit) return { topics, more: true };
    topics.push(topic);
  }
  return { topics, more: false };
}

/** The order of pages, told apart from the tree's way of doing it. */
function compareTopics(left: string, right: string): number {
  const rightLevels = right.split("/");
  for (const [index, level] of left.split("/").entries()) {
    const other = rightLevels[index];
    if (other === undefined || level > other) return 1;
    if (level < other) return -1;
  }
  return left === right ? 0 : -1;
}

Deno.test("[MQTT-4.7.1-2] a/# matches a", () => {
  assertEquals(topicsOf(treeOf("a", "a/b", "b").match("a/#")).toSorted(), ["a", "a/b"]);
});

Deno.test("[MQTT-4.7.2-1] wildcards at the root match no reserved topic", () => {
  const tree = treeOf("a/x", "$SYS/x", "$SYS");
  for (const filter of ["#", "+/x", "+/#", "+/+"]) {
    assertEquals(topicsOf(tree.match(filter)), ["a/x"], filter);
  }
  for (const filter of ["#", "+/x"]) {
    assertEquals(topicsOf(tree.inOrder(filter)), ["a/x"], filter);
  }
  assertEquals(topicsOf(tree.match("$SYS/#")).toSorted(), ["$SYS", "$SYS/x"]);
});

Deno.test("put and delete return what was there, and leave no node", () => {
  const tree = new RetainedTree<number>();
  assertEquals([tree.put("a/b", 1), tree.put("a/b", 2), tree.put("a", 3)], [undefined, 1, undefined]);
  assertEquals([tree.get("a/b"), tree.get("a"), tree.get("a/b/c"), tree.get("b"), tree.size], [
    2,
    3,
    undefined,
    undefined,
    2,
  ]);
  assertEquals([tree.delete("a/b/c"), tree.delete("b"), tree.delete("a"), tree.delete("a")], [
    undefined,
    undefined,
    3,
    undefined,
  ]);
  assertEquals([tree.delete("a/b"), tree.size, tree.nodeCount], [2, 0, 0]);
});

Deno.test("a filter without wildcards matches its topic", () => {
  const tree = treeOf("a", "a/b", "/");
  for (const topic of ["a", "a/b", "/"]) assertEquals(topicsOf(tree.match(topic)), [topic]);
  for (const topic of ["A", "a/", "a/b/c", "//"]) assertEquals(topicsOf(tree.match(topic)), []);
});

Deno.test("a page is ordered level by level, code unit by code unit", () => {
  const ordered = ["/", "//", "/a", "A", "a", "a/b", "a/b/c", "a/c", "a.b", "b", "😀", "\uffff"];
  const tree = treeOf(...ordered.toReversed());
  assertEquals(topicsOf(tree.inOrder("#")), ordered);
  assertEquals(ordered.toSorted(compareTopics), ordered);
});

Deno.test("a page is bounded, and says whether there is more", () => {
  const tree = treeOf("a", "b", "c");
  for (
    const [limit, topics, more] of [[0, "", true], [2, "ab", true], [3, "abc", false], [
      4,
      "abc",
      false,
    ]] as const
  ) {
    const page = pageOf(tree, "+", { limit });
    assertEquals([page.topics.join(""), page.more], [topics, more]);
  }
  assertEquals(pageOf(tree, "+", { after: "c", limit: 1 }), { topics: [], more: false });
  assertEquals(pageOf(treeOf(), "#", { limit: 0 }), { topics: [], more: false });
});

Deno.test("a page begins after a topic that is there no more, or never could match", () => {
  const tree = treeOf("a/b", "a/d", "a/d/e", "b/a");
  assertEquals(topicsOf(tree.inOrder("#", "a/c")), ["a/d", "a/d/e", "b/a"]);
  assertEquals(topicsOf(tree.inOrder("#", "a/d")), ["a/d/e", "b/a"]);
  assertEquals(topicsOf(tree.inOrder("#", "a/d/e/f/g")), ["b/a"]);
  assertEquals(topicsOf(tree.inOrder("a/d", "a/c")), ["a/d"]);
  assertEquals(topicsOf(tree.inOrder("a/d", "a/d")), []);
  assertEquals(topicsOf(tree.inOrder("a/+", "b")), []);
  assertEquals(topicsOf(tree.inOrder("#", "")).length, 4);
});

Deno.test("a page shows levels that came, went and returned since the page before, each once", () => {
  const tree = treeOf("a", "c", "e");
  const all = () => topicsOf(tree.inOrder("#")).join("");
  assertEquals(all(), "ace");
  for (let round = 0; round < 100; round++) {
    tree.put("b", { topic: "b" });
    tree.delete("c");
    assertEquals(round % 2 === 0 ? all() : "abe", "abe");
    tree.delete("b");
    tree.put("c", { topic: "c" });
    assertEquals(round % 3 === 0 ? all() : "ace", "ace");
  }
});

Deno.test("levels that went do not pile up in a node that was paged once", () => {
  const tree = treeOf("a");
  pageOf(tree, "#", { limit: 1 });
  const before = heldBytes();
  for (let index = 0; index < 3_000; index++) {
    const topic = `${index}`.padEnd(10_000, "x");
    tree.put(topic, { topic });
    tree.delete(topic);
  }
  assert(heldBytes() - before < 10_000_000, "30 MB if the levels are held");
  assertEquals(tree.size, 1); // Also keeps the tree until here
});

Deno.test("a topic of 65,535 levels does not overflow the stack", () => {
  const deep = "/".repeat(65_534);
  const tree = treeOf(deep);
  assertEquals(tree.nodeCount, 65_535);
  for (const filter of ["#", deep, `${deep}+`, `${deep}#`]) {
    assertEquals(topicsOf(tree.match(filter)), [deep]);
    assertEquals(topicsOf(tree.inOrder(filter)), [deep]);
  }
  assertEquals(pageOf(tree, "#", { after: deep, limit: 1 }), { topics: [], more: false });
  tree.delete(deep);
  assertEquals(tree.nodeCount, 0);
});

Deno.test("a walk that stopped inside a branch goes on when the branch went", () => {
  const tree = treeOf("a/1", "a/2", "a/3", "b");
  const walk = tree.match("#");
  walk.next();
  for (const topic of ["a/1", "a/2", "a/3"]) tree.delete(topic);
  assertEquals(topicsOf(walk), ["b"]);
});

Deno.test("random topics match and page as the reference does, while they come and go", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed);
    const tree = new RetainedTree<Value>();
    const model = new Map<string, Value>();
    const pool = Array.from({ length: 120 }, () => randomTopic(random));
    for (let step = 0; step < 200; step++) {
      change(tree, model, random, pool);
      const filter = randomFilter(random);
      const expected = [...model.keys()].filter((topic) => matches(filter, topic)).sort(compareTopics);
      const hint = `seed ${seed}, step ${step}, filter ${filter}`;
      assertEquals(topicsOf(tree.match(filter)).sort(compareTopics), expected, hint);
      const after = random.below(4) === 0 ? undefined : random.pick(pool);
      const behind = expected.filter((topic) => after === undefined || compareTopics(topic, after) > 0);
      const limit = random.below(6);
      const page = pageOf(tree, filter, { after, limit });
      assertEquals([page.topics, page.more], [behind.slice(0, limit), behind.length > limit], hint);
    }
    for (const [topic, value] of model) assert(tree.delete(topic) === value);
    assertEquals([tree.size, tree.nodeCount], [0, 0]);
  }
});

Deno.test("a walk in slices yields what stays once, and nothing that went, whatever changes between", () => {
  for (let seed = 1; seed <= 400; seed++) {
    const random = new Random(seed);
    const tree = new RetainedTree<Value>();
    const model = new Map<string, Value>();
    const pool = Array.from({ length: 80 }, () => randomTopic(random));
    for (let step = 0; step < 60; step++) change(tree, model, random, pool);
    const filter = randomFilter(random);
    const stays = new Map([...model].filter(([topic]) => matches(filter, topic)));
    const counts = new Map<Value, number>();
    for (const value of found(tree.match(filter))) {
      const hint = `seed ${seed}, filter ${filter}, topic ${value.topic}`;
      assert(matches(filter, value.topic), hint);
      assert(model.get(value.topic) === value, hint);
      counts.set(value, (counts.get(value) ?? 0) + 1);
      for (let changes = random.below(5) - 2; changes > 0; changes--) {
        stays.delete(change(tree, model, random, pool));
      }
    }
    for (const [topic, value] of stays) {
      assertEquals(counts.get(value), 1, `seed ${seed}, filter ${filter}, ${topic}`);
    }
    for (const count of counts.values()) assertEquals(count, 1);
  }
});

Deno.test("pages of a changing tree show what stays once and in order", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed);
    const tree = new RetainedTree<Value>();
    const model = new Map<string, Value>();
    const pool = Array.from({ length: 80 }, () => randomTopic(random));
    for (let step = 0; step < 60; step++) change(tree, model, random, pool);
    const filter = randomFilter(random);
    const stays = new Set([...model.keys()].filter((topic) => matches(filter, topic)));
    const seen: string[] = [];
    for (let more = true; more;) {
      const page = pageOf(tree, filter, { after: seen.at(-1), limit: 1 + random.below(4) });
      seen.push(...page.topics);
      more = page.more;
      for (let changes = random.below(4); changes > 0; changes--) {
        stays.delete(change(tree, model, random, pool));
      }
    }
    assertEquals(seen, [...new Set(seen)].sort(compareTopics), `seed ${seed}`);
    for (const topic of stays) assert(seen.includes(topic), `seed ${seed}, filter ${filter}, topic ${topic}`);
  }
});

/** Puts or deletes a topic of the pool in the tree and the model, and tells which. */
function change(
  tree: RetainedTree<Value>,
  model: Map<string, Value>,
  random: Random,
  pool: string[],
): string {
  const topic = random.pick(pool);
  const previous = model.get(topic);
  if (random.below(5) < 3) {
    const value = { topic };
    assert(tree.put(topic, value) === previous);
    model.set(topic, value);
  } else {
    assert(tree.delete(topic) === previous);
    model.delete(topic);
  }
  assert(tree.get(topic) === model.get(topic));
  assertEquals(tree.size, model.size);
  return topic;
}

Deno.test("a walk that finds nothing for long says so, in slices of 2,000 nodes, and finds the same", () => {
  const tree = new RetainedTree<Value>();
  for (let index = 0; index < 10_000; index++) tree.put(`${index}/a`, { topic: `${index}/a` });
  tree.put("5000/b", { topic: "5000/b" });
  const walked = [...tree.match("+/b")];
  assertEquals(topicsOf(walked), ["5000/b"]);
  const pauses = walked.filter((value) => value === undefined).length;
  assert(pauses >= 5 && pauses <= 20, `${pauses} pauses`);
  assertEquals([...tree.match("5000/b")].length, 1);
  assertEquals(topicsOf(tree.inOrder("+/b")), ["5000/b"]);
});

Deno.test("a walk in order goes on where it paused, whatever changed meanwhile", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const tree = new RetainedTree<Value>();
    const model = new Map<string, Value>();
    const pool = Array.from(
      { length: 6_000 },
      (_, index) => `${index % 7}/${index % 900}/${randomTopic(random)}`,
    );
    for (const topic of pool) {
      tree.put(topic, { topic });
      model.set(topic, { topic });
    }
    const filter = random.pick(["#", "+/+/+", "+/+/a/#", "3/#", "+/77/+/#", "+/+/+/b"]);
    const stays = new Set([...model.keys()].filter((topic) => matches(filter, topic)));
    const seen: string[] = [];
    let pauseCount = 0;
    for (const value of tree.inOrder(filter)) {
      if (value) {
        seen.push(value.topic);
        continue;
      }
      pauseCount++;
      for (let changes = 300; changes > 0; changes--) {
        const topic = random.pick(pool);
        if (tree.delete(topic)) stays.delete(topic);
        else tree.put(topic, { topic });
      }
    }
    const hint = `seed ${seed}, filter ${filter}, ${pauseCount} pauses`;
    if (filter.startsWith("+/+")) assert(pauseCount > 2, hint);
    assertEquals(seen, [...new Set(seen)].sort(compareTopics), hint);
    const missed = new Set(stays);
    for (const topic of seen) missed.delete(topic);
    assertEquals([...missed], [], hint);
    assert(seen.every((topic) => matches(filter, topic)), hint);
  }
});

Deno.test("a walk in order that pauses far below goes on from there", () => {
  const deep = "/".repeat(9_000);
  const tree = treeOf("a", ...Array.from({ length: 10 }, (_, index) => `${deep}${index}`), "z");
  const walked = [...tree.inOrder("#", "")];
  assertEquals(topicsOf(walked), topicsOf(tree.inOrder("#")));
  assertEquals(topicsOf(walked).length, 12);
  assert(walked.length > 12, "it paused");
});
