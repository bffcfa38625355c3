import { assertEquals } from "@std/assert";
import { Schedule } from "../../broker/session/schedule.ts";

/** Things by name, with what is due when. */
function start(times: Readonly<Record<string, number>>) {
  const schedule = new Schedule<{ name: string }>(0);
  const items = Object.entries(times).map(([name, time]) => {
    const item = { name };
    schedule.set(item, time);
    return item;
  });
  const take = (now: number, max = Infinity) => schedule.takeDue(now, max).map(({ name }) => name);
  return { schedule, items, take };
}

Deno.test("what is due comes up once, the earliest first, and nothing before its time", () => {
  const { schedule, take } = start({ c: 3_000, a: 1_000, b: 2_500, z: 90_000 });
  assertEquals(take(999), []);
  assertEquals(take(2_999), ["a"]);
  assertEquals(take(60_000), ["c", "b"], "Both in the third second");
  assertEquals([take(60_000), schedule.size], [[], 1]);
  assertEquals(take(90_000), ["z"]);
});

Deno.test("no more than so many come up at once, and the others the next time", () => {
  const { schedule, take, items } = start({ a: 1_000, b: 1_000, c: 1_000, d: 2_000, e: 900_000 });
  assertEquals(take(5_000, 2), ["a", "b"]);
  assertEquals(schedule.isDue(items[2]!, 5_000), true);
  const late = { name: "late" };
  schedule.set(late, 500);
  assertEquals(take(5_000, 2), ["c", "late"]);
  assertEquals(take(5_000, 1), ["d"]);
  assertEquals(take(5_000, 1), []);
  assertEquals(take(1_000_000, 1), ["e"]);
});

Deno.test("what is set anew or taken out does not come up where it was", () => {
  const { schedule, take, items: [a, b] } = start({ a: 1_000, b: 1_000 });
  schedule.set(a!, 3_000);
  assertEquals([schedule.delete(b!), schedule.delete(b!)], [true, false]);
  assertEquals(take(2_000), []);
  assertEquals(take(3_000), ["a"]);
});
