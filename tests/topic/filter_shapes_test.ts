import { assert, assertEquals } from "@std/assert";
import { FilterShapes } from "../../broker/topic/filter_shapes.ts";
import { FilterTree } from "../../broker/topic/filter_tree.ts";
import { matches } from "../../broker/topic/name.ts";
import { Random, randomFilter, randomTopic } from "./random_names.ts";

/** The beginnings of a filter, level by level, without #. */
function beginningsOf(filter: string): string[] {
  const levels = filter.split("/").filter((level) => level !== "#");
  return levels.map((_, index) => levels.slice(0, index + 1).join("/"));
}

function shapeOf(beginning: string): string {
  return beginning.split("/").map((level) => level === "+" ? "+" : "a").join("/");
}

Deno.test("filters that differ in literal levels only have one shape", () => {
  const shapes = new FilterShapes();
  for (const filter of ["a/+/c", "b/+/c", "b/+/#"]) shapes.add(filter);
  assertEquals(shapes.nodeCount, 3);
  assertEquals(["x/+/y", "x/+/y/#", "+/x", "x/+/+/y", "#"].map((filter) => shapes.growthBy(filter)), [
    0,
    0,
    2,
    2,
    0,
  ]);
});

Deno.test("random filters have as many shapes as the reference says, while they come and go", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const shapes = new FilterShapes();
    const filters: string[] = [];
    for (let step = 0; step < 200; step++) {
      const isAdded = random.below(5) < 3 || filters.length === 0;
      const filter = isAdded ? randomFilter(random) : random.pick(filters);
      const before = shapes.nodeCount;
      if (isAdded) {
        const growth = shapes.growthBy(filter);
        shapes.add(filter);
        filters.push(filter);
        assertEquals(shapes.nodeCount, before + growth, `seed ${seed}, ${filter}`);
      } else {
        shapes.delete(filter);
        filters.splice(filters.indexOf(filter), 1);
      }
      const expected = new Set(filters.flatMap(beginningsOf).map(shapeOf));
      assertEquals(shapes.nodeCount, expected.size, `seed ${seed}, step ${step}`);
    }
    for (const filter of filters) shapes.delete(filter);
    assertEquals(shapes.nodeCount, 0);
  }
});

Deno.test("a topic meets no more beginnings of filters than there are shapes", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const shapes = new FilterShapes();
    const filters = Array.from({ length: 200 }, () => randomFilter(random));
    for (const filter of filters) shapes.add(filter);
    const beginnings = [...new Set(filters.flatMap(beginningsOf))];
    for (let round = 0; round < 50; round++) {
      const levels = randomTopic(random).split("/");
      const met = beginnings.filter((beginning) =>
        matches(beginning, levels.slice(0, beginning.split("/").length).join("/"))
      );
      assert(met.length <= shapes.nodeCount, `seed ${seed}, topic ${levels.join("/")}`);
    }
  }
});

Deno.test("filters of one shape leave it with the last of them, whether anybody else has the filter", () => {
  const tree = new FilterTree<number>();
  tree.set("a/+", "alice", 1);
  tree.set("a/+", "bob", 2);
  tree.set("b/+/#", "bob", 3);
  tree.set("a/b/c", "bob", 4);
  assertEquals(tree.shapeCount, 2);
  assertEquals(["x/y/z", "x/y/z/#", "x/+/z"].map((filter) => tree.shapeGrowthBy(filter)), [0, 0, 1]);
  tree.delete("a/+", "alice");
  tree.delete("b/+/#", "bob");
  assertEquals(tree.shapeCount, 2);
  tree.delete("a/+", "bob");
  assertEquals(tree.shapeCount, 0);
});
