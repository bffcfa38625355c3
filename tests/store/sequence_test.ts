import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { silentLog } from "../../broker/core/log.ts";
import { Turn } from "../../broker/core/turn.ts";
import { Journal } from "../../broker/store/journal.ts";
import type { RecordOf, StateName } from "../../broker/store/records.ts";
import { Sequence } from "../../broker/store/sequence.ts";
import { FakeDisk, FakeStore } from "../support/fake_store.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

/** A process that numbers messages, and what it needs for that. */
async function start(disk: FakeDisk) {
  const store = new FakeStore(disk);
  const state: Partial<Record<StateName, string>> = {};
  for await (const records of store.load()) {
    for (const { name, value } of records as RecordOf<"state-put">[]) state[name as StateName] = value;
  }
  const turn = new Turn(store, { log: silentLog, clock: new SimulatedClock() });
  const sequence = new Sequence(
    new Journal(store, turn, { clock: new SimulatedClock(), pendingBytesMax: Infinity }),
  );
  sequence.restore(state);
  turn.recorded();
  await turn.settled();
  return { sequence, turn };
}

/** Takes so many numbers; answers the last. */
function take(sequence: Sequence, count: number): number {
  for (let taken = 1; taken < count; taken++) sequence.next();
  return sequence.next();
}

Deno.test("the first number is 1, and each is one more", async () => {
  const { sequence } = await start(new FakeDisk());
  assertEquals([sequence.last, sequence.next(), sequence.next(), sequence.last], [0, 1, 2, 2]);
});

Deno.test("after an orderly stop the numbers go on without a hole, in the same epoch", async () => {
  const disk = new FakeDisk();
  const { sequence, turn } = await start(disk);
  take(sequence, 10);
  sequence.close();
  await turn.close();
  const next = (await start(disk)).sequence;
  assertEquals(next.epoch, sequence.epoch);
  assertEquals(next.next(), 11);
});

Deno.test("after a kill no number comes again, with whatever of it was kept", async () => {
  const disk = new FakeDisk();
  for (let last = 0, round = 0; round < 4; round++) {
    const { sequence, turn } = await start(disk);
    assert(sequence.next() > last);
    // Reserves the next ones, of which the disk hears every other time.
    last = take(sequence, 5_100_000);
    if (round % 2 === 1) continue;
    turn.recorded();
    await turn.settled();
    last = take(sequence, 4_900_000);
  }
});

Deno.test("numbers are reserved before the last ones are gone, and not at every one", async () => {
  const disk = new FakeDisk();
  const { sequence, turn } = await start(disk);
  const reserved = () => Number((disk.tables().records() as RecordOf<"state-put">[]).at(-1)!.value);
  const first = reserved();
  take(sequence, 4_999_999);
  turn.recorded();
  await turn.settled();
  assertEquals(reserved(), first);
  take(sequence, 1);
  turn.recorded();
  await turn.settled();
  assert(reserved() > first);
});

Deno.test("without a store every process has an epoch of its own, which fits into a message id", () => {
  const [one, other] = [new Sequence(undefined), new Sequence(undefined)];
  assertNotEquals(one.epoch, other.epoch);
  assertMatch(one.epoch, /^[0-9a-f]{8}$/);
  assertEquals(one.next(), 1);
  one.close();
});
