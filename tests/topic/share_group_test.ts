import { assertEquals } from "@std/assert";
import { ShareGroup } from "../../broker/topic/share_group.ts";
import { Random } from "./random_names.ts";

function groupOf(...keys: string[]): ShareGroup<string> {
  const group = new ShareGroup<string>("a");
  for (const key of keys) group.set(key, key);
  return group;
}

Deno.test("members are chosen in turn, and one that joins comes after those who wait", () => {
  const group = groupOf("a", "b");
  const choose = () => group.choose(() => true);
  assertEquals([choose(), choose()], ["a", "b"]);
  group.set("c", "c");
  assertEquals([choose(), choose(), choose(), choose()], ["c", "a", "b", "c"]);
});

Deno.test("a member that does not take is passed over and keeps its place", () => {
  const group = groupOf("a", "b", "c");
  assertEquals(group.choose((member) => member === "b"), "b");
  assertEquals([group.choose(() => true), group.choose(() => true)], ["c", "a"]);
  assertEquals(group.choose(() => false), undefined);
  assertEquals(group.choose(() => true), "b");
});

Deno.test("a member is replaced under its key, and gone when it is deleted", () => {
  const group = groupOf("a", "b");
  assertEquals([group.set("a", "A"), group.get("a"), group.size], ["a", "A", 2]);
  assertEquals([group.delete("a"), group.delete("a"), group.get("a"), group.size], [
    "A",
    undefined,
    undefined,
    1,
  ]);
  assertEquals([group.choose(() => true), group.choose(() => true)], ["b", "b"]);
  group.delete("b");
  assertEquals(group.choose(() => true), undefined);
});

Deno.test("whatever joins and leaves, turns differ by no more than one among those who stay", () => {
  const random = new Random(7);
  const group = groupOf("x", "y", "z");
  const turns = new Map<string, number>();
  for (let step = 0; step < 3000; step++) {
    const guest = `guest${random.below(5)}`;
    if (random.below(2) === 0) group.set(guest, guest);
    else group.delete(guest);
    for (let round = 0; round < group.size; round++) {
      const member = group.choose(() => true)!;
      turns.set(member, (turns.get(member) ?? 0) + 1);
    }
  }
  const stayed = ["x", "y", "z"].map((member) => turns.get(member)!);
  assertEquals(Math.max(...stayed) - Math.min(...stayed) <= 1, true);
});
