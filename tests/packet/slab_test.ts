import { assertEquals, assertStrictEquals } from "@std/assert";
import { Slab } from "../../broker/packet/mod.ts";

Deno.test("a copy stays what it is, whatever becomes of its original and of later copies", () => {
  const slab = new Slab();
  const original = new Uint8Array(100);
  const copies: Uint8Array[] = [];
  for (let count = 0; count < 2_000; count++) { // More than fit into one slab.
    copies.push(slab.copy(original.fill(count)));
  }
  for (const [count, copy] of copies.entries()) assertEquals(copy, new Uint8Array(100).fill(count));
});

Deno.test("small copies share memory, a large one has its own", () => {
  const slab = new Slab();
  const small = slab.copy(new Uint8Array(10));
  const large = slab.copy(new Uint8Array(10_000));
  assertStrictEquals(slab.copy(new Uint8Array(20)).buffer, small.buffer);
  assertEquals(large.buffer.byteLength, 10_000);
});
