import { assertEquals } from "@std/assert";
import { MemoryWatch } from "../../broker/core/memory_watch.ts";
import { Log } from "../../broker/core/log.ts";

function start(memoryBytesMax: number) {
  const log: string[] = [];
  let overloads = 0;
  let bytes = 0;
  let reads = 0;
  const watch = new MemoryWatch({
    limits: { memoryBytesMax },
    log: new Log("debug", (line) => log.push(line)),
    read: () => (reads++, bytes),
    onOverload: () => overloads++,
  });
  const at = (value: number) => {
    bytes = value;
    watch.sample();
    return watch.isOverloaded;
  };
  return { at, log, counts: () => ({ overloads, reads }) };
}

Deno.test("memoryBytesMax: one byte more is an overload, which ends below nine tenths of it", () => {
  const { at, log, counts } = start(1000);
  assertEquals([999, 1000, 1001, 1000, 900, 899, 1000, 1001].map(at), [
    false,
    false,
    true,
    true,
    true,
    false,
    false,
    true,
  ]);
  assertEquals(counts().overloads, 2);
  assertEquals(log.map((line) => /memory-\w+/.exec(line)![0]), [
    "memory-overloaded",
    "memory-recovered",
    "memory-overloaded",
  ]);
});

Deno.test("without a bound nobody looks at the memory", () => {
  const { at, counts } = start(0);
  assertEquals([at(2 ** 40), counts().reads], [false, 0]);
});
