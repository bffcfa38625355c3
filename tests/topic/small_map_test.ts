import { assertEquals } from "@std/assert";
import { SmallMap } from "../../broker/topic/small_map.ts";
import { Random } from "./random_names.ts";

Deno.test("a small map does what a map does, with none, one and many entries", () => {
  const random = new Random(1);
  const small = new SmallMap<number>();
  const model = new Map<string, number>();
  for (let step = 0; step < 5_000; step++) {
    const key = random.pick(["", "a", "b", "c"]);
    assertEquals(small.get(key), model.get(key));
    if (random.below(2) === 0) {
      assertEquals(small.set(key, step), model.get(key));
      model.set(key, step);
    } else {
      assertEquals(small.delete(key), model.get(key));
      model.delete(key);
    }
    const list: number[] = [];
    small.appendTo(list);
    assertEquals([small.size, list.sort(), [...small.keys()].sort()], [
      model.size,
      [...model.values()].sort(),
      [...model.keys()].sort(),
    ]);
  }
});

Deno.test("a walk over the keys goes on while entries come and go", () => {
  const small = new SmallMap<number>();
  for (const key of ["a", "b", "c"]) small.set(key, 1);
  const keys = small.keys();
  keys.next();
  for (const key of ["a", "b"]) small.delete(key);
  small.set("c", 2);
  assertEquals([...keys], ["c"]);
});
