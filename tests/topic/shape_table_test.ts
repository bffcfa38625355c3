import { assertEquals } from "@std/assert";
import { FilterShapes } from "../../broker/topic/filter_shapes.ts";
import { ShapeTable } from "../../broker/topic/shape_table.ts";
import { Random, randomFilter } from "./random_names.ts";

Deno.test("each subscriber has the shapes of its own filters with +, and with the last of them it is gone", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const table = new ShapeTable();
    const filters = new Map(["ana", "bob", "eva"].map((key) => [key, new Set<string>()]));
    for (let step = 0; step < 200; step++) {
      const key = random.pick([...filters.keys()]);
      const own = filters.get(key)!;
      const filter = random.below(5) < 3 || own.size === 0 ? randomFilter(random) : random.pick([...own]);
      const before = table.nodeCountOf(key);
      const growth = table.growthBy(key, filter);
      if (own.delete(filter)) table.delete(key, filter);
      else {
        own.add(filter);
        table.add(key, filter);
        assertEquals(table.nodeCountOf(key), before + growth, `seed ${seed}, ${filter}`);
      }
      for (const [each, has] of filters) {
        const alone = new FilterShapes();
        for (const filter of has) if (filter.includes("+")) alone.add(filter);
        assertEquals(table.nodeCountOf(each), alone.nodeCount, `seed ${seed}, step ${step}`);
      }
    }
    for (const [key, own] of filters) for (const filter of own) table.delete(key, filter);
    assertEquals(table.size, 0);
  }
});
