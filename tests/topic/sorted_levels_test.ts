import { assert, assertEquals } from "@std/assert";
import { SortedLevels } from "../../broker/topic/sorted_levels.ts";
import { Random } from "./random_names.ts";

Deno.test("levels are in order whatever comes and goes, before, while and after they are put in order", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const pool = Array.from(
      { length: 4_000 },
      () => String.fromCharCode(...[0, 1, 2].map(() => 60 + random.below(60))),
    );
    const model = new Set(pool.slice(0, random.below(3_000)));
    const sorted = new SortedLevels(model.keys());
    const change = () => {
      const level = random.pick(pool);
      if (model.delete(level)) {
        sorted.delete(level);
      } else {
        model.add(level);
        sorted.add(level);
      }
    };
    const startCount = model.size;
    let sliceCount = 1;
    for (; !sorted.sortSome(); sliceCount++) for (let changes = 50; changes > 0; changes--) change();
    assert(sliceCount >= startCount / 1_000, `${sliceCount} slices`);
    for (let round = 0; round < 20; round++) {
      for (let changes = random.below(200); changes > 0; changes--) change();
      const from = random.below(3) === 0 ? "" : random.pick(pool);
      const expected = [...model].filter((level) => level >= from).sort();
      assertEquals([...sorted.from(from)], expected, `seed ${seed}`);
    }
    for (const level of model) sorted.delete(level);
    assertEquals([...sorted.from("")], []);
    sorted.delete("a");
    sorted.add("a");
    assertEquals([...sorted.from("")], ["a"]);
  }
});
