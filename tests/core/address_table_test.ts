import { assertEquals } from "@std/assert";
import { AddressTable } from "../../broker/core/address_table.ts";

Deno.test("a place is given once, taken back once, and the table forgets who has none", () => {
  const table = new AddressTable<{ readonly address?: string }>(1);
  const [one, two, nowhere] = [{ address: "192.0.2.1" }, { address: "192.0.2.1" }, {}];
  assertEquals([table.admit(one), table.admit(one), table.admit(two), table.admit(nowhere)], [
    true,
    true,
    false,
    true,
  ]);
  for (const holder of [two, nowhere]) table.leave(holder);
  assertEquals([table.size, table.admit(two)], [1, false]);
  table.leave(one);
  table.leave(one);
  assertEquals([table.size, table.admit(two)], [0, true]);
});

Deno.test("without a bound there is no table", () => {
  const table = new AddressTable<{ readonly address?: string }>(0);
  assertEquals([table.admit({ address: "192.0.2.1" }), table.size], [true, 0]);
});
