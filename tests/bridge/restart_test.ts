import { assert, assertEquals, assertMatch } from "@std/assert";
import { endOfTurn } from "../support/end_of_turn.ts";
import { FakeDisk } from "../support/fake_store.ts";
import { HeldStore } from "../support/held_store.ts";
import { envelopes, startBridge, startBridgeOn, type TestBridge } from "./support.ts";

/** Ends bridge and broker as an administrator does. */
async function stop({ bridge, broker }: TestBridge): Promise<void> {
  await bridge.close();
  await broker.close();
}

/** Posts, and returns the id of the message when it is answered. */
async function post({ request }: TestBridge, path: string, body: string): Promise<string> {
  const response = await request(path, { method: "POST", body });
  assertEquals(response.status, 200);
  return (await response.json()).id;
}

/** Opens a stream and ends it, as a browser that loses its connection. */
async function follow({ stream }: TestBridge, path: string, lastEventId?: string) {
  const reader = await stream(path, lastEventId === undefined ? {} : { "last-event-id": lastEventId });
  const events = await reader.until("live");
  await reader.cancel();
  const data = (type: string) =>
    events.filter((event) => event.type === type).map((event) => JSON.parse(event.data))[0];
  return {
    resume: data("ready").resume as string,
    warnings: data("ready").warnings as string[],
    reset: data("reset")?.reason as string | undefined,
    payloads: envelopes(events).map(({ payload }) => payload),
    cursor: events.at(-1)!.lastEventId,
  };
}

async function tick({ clock }: TestBridge): Promise<void> {
  clock.advance(1_000);
  await endOfTurn();
  clock.advance(100);
  await endOfTurn();
}

Deno.test("after an orderly stop a stream goes on with all that it missed, and the ids go on", async () => {
  const disk = new FakeDisk();
  const first = await startBridgeOn(disk);
  const { cursor } = await follow(first, "/stream/t");
  for (const payload of ["1", "2"]) await post(first, "/topics/t", payload);
  const last = await post(first, "/topics/other", "3");
  await stop(first);
  const second = await startBridgeOn(disk, { now: first.clock.now() + 10_000 });
  assertEquals(second.broker.epoch, first.broker.epoch);
  const seen = await follow(second, "/stream/t", cursor);
  assertEquals([seen.resume, seen.payloads, seen.warnings], ["resumed", ["1", "2"], []]);
  const next = await post(second, "/topics/t", "4");
  assertEquals(Number(next.split("-")[1]), Number(last.split("-")[1]) + 1);
  await stop(second);
});

Deno.test("after a kill a stream goes on with what was acknowledged at QoS 1, and hears that QoS 0 may be missing", async () => {
  const disk = new FakeDisk();
  const first = await startBridgeOn(disk);
  const { cursor } = await follow(first, "/stream/t");
  await post(first, "/topics/t?qos=1", "acknowledged");
  await post(first, "/topics/t", "kept a second later");
  await tick(first);
  await post(first, "/topics/t", "lost");
  await post(first, "/topics/t?qos=1", "acknowledged too");
  const second = await startBridgeOn(disk, { now: first.clock.now() });
  const seen = await follow(second, "/stream/t", cursor);
  assertEquals(seen.resume, "resumed");
  assertEquals(seen.payloads, ["acknowledged", "kept a second later", "acknowledged too"]);
  assertMatch(seen.warnings[0]!, /QoS 0 .* may be missing/);
  const live = await follow(second, "/stream/t", seen.cursor);
  assertEquals([live.resume, live.payloads, live.warnings], ["resumed", [], []]);
  await stop(second);
});

Deno.test("a broker that is killed again before its streams come back still owes them what was acknowledged", async () => {
  const disk = new FakeDisk();
  const first = await startBridgeOn(disk);
  const { cursor } = await follow(first, "/stream/t");
  await first.broker.settled();
  const second = await startBridgeOn(disk, { now: first.clock.now() });
  await post(second, "/topics/t?qos=1", "between");
  const third = await startBridgeOn(disk, { now: first.clock.now() });
  const seen = await follow(third, "/stream/t", cursor);
  assertEquals([seen.resume, seen.reset, seen.payloads], ["resumed", undefined, ["between"]]);
  await stop(third);
});

Deno.test("who stayed away for longer than the log reaches back is owed nothing, and told so", async () => {
  const disk = new FakeDisk();
  const limits = { replaySeconds: 60 };
  const first = await startBridgeOn(disk, { limits });
  const { cursor } = await follow(first, "/stream/t");
  await post(first, "/topics/t?qos=1", "old");
  first.clock.advance(61_000);
  await tick(first);
  assertEquals(disk.tables().records().filter(({ kind }) => kind === "interest-put"), []);
  await post(first, "/topics/t?qos=1", "new");
  const second = await startBridgeOn(disk, { limits, now: first.clock.now() });
  assertEquals((await follow(second, "/stream/t", cursor)).reset, "evicted");
  await stop(second);
});

Deno.test("more in a second than the disk has time for is a hole, and nobody resumes across it unawares", async () => {
  const disk = new FakeDisk();
  const first = await startBridgeOn(disk);
  const { cursor } = await follow(first, "/stream/t");
  for (let number = 1; number <= 6_000; number++) first.publish("t", `${number}`);
  const { cursor: late } = await follow(first, "/stream/t");
  for (let seconds = 0; seconds < 2; seconds++) await tick(first);
  await post(first, "/topics/t?qos=1", "after");
  const events = disk.tables().records().filter(({ kind }) => kind === "event-put");
  assertEquals(events.length, 5_001);
  const second = await startBridgeOn(disk, { now: first.clock.now() });
  assertEquals((await follow(second, "/stream/t", cursor)).reset, "evicted");
  assertEquals((await follow(second, "/stream/t", late)).payloads, ["after"]);
  await stop(second);
});

Deno.test("while more comes than could be kept nothing of it is written down, and when that ends it goes on", async () => {
  const disk = new FakeDisk();
  const first = await startBridgeOn(disk);
  const { cursor: before } = await follow(first, "/stream/t");
  const kept = () => disk.tables().records().filter(({ kind }) => kind === "event-put").length;
  const tenth = async (messageCount: number) => {
    for (let number = 1; number <= messageCount; number++) first.publish("t", `${number}`);
    first.clock.advance(100);
    await endOfTurn();
  };
  for (let tenths = 0; tenths < 12; tenths++) await tenth(600);
  assertEquals(kept(), 0);
  const { cursor: amid } = await follow(first, "/stream/t");
  for (let tenths = 0; tenths < 20; tenths++) await tenth(1);
  const count = kept();
  assert(count > 4_000 && count <= 5_020, `The newest of it, of a second: ${count}`);
  const second = await startBridgeOn(disk, { now: first.clock.now() });
  assertEquals((await follow(second, "/stream/t", before)).reset, "evicted");
  assertEquals((await follow(second, "/stream/t", amid)).resume, "resumed");
  await stop(second);
});

Deno.test("large messages are too much as well, by their bytes", async () => {
  const disk = new FakeDisk();
  const test = await startBridgeOn(disk);
  const kept = () => disk.tables().records().filter(({ kind }) => kind === "event-put").length;
  const tenth = async (messageCount: number) => {
    for (let number = 1; number <= messageCount; number++) test.publish("t", "x".repeat(40 * 1024));
    test.clock.advance(100);
    await endOfTurn();
  };
  for (let tenths = 0; tenths < 30; tenths++) await tenth(3);
  assertEquals(kept(), 0);
  for (let tenths = 0; tenths < 30; tenths++) await tenth(0);
  assertEquals(kept(), 25, "The newest of it, 1 MiB");
  await stop(test);
});

for (const others of [0, 1]) {
  Deno.test(`promised messages take nothing of the second's share: ${others} others and no hole`, async () => {
    const disk = new FakeDisk();
    const first = await startBridgeOn(disk);
    const { cursor } = await follow(first, "/stream/t");
    for (let number = 1; number <= others; number++) first.publish("t", "unpromised");
    for (let number = 1; number <= 6_000; number++) first.publish("t", `${number}`, { qos: 1 });
    await tick(first);
    const second = await startBridgeOn(disk, { now: first.clock.now() });
    const seen = await follow(second, "/stream/t", cursor);
    assertEquals([seen.reset, seen.payloads.length], [undefined, others + 6_000]);
    await stop(second);
  });
}

Deno.test("few messages wait for the end of the second, 500 for its next tenth, so that no tenth has many", async () => {
  const disk = new FakeDisk();
  const test = await startBridgeOn(disk);
  const keptSoon = async () => {
    // A tenth later it is written down, and what nobody waits for is committed another one after that.
    for (let tenths = 0; tenths < 3; tenths++) {
      test.clock.advance(100);
      await endOfTurn();
    }
    return disk.tables().records().filter(({ kind }) => kind === "event-put").length;
  };
  for (let number = 1; number <= 499; number++) test.publish("t", `${number}`);
  assertEquals(await keptSoon(), 0);
  test.publish("t", "500");
  assertEquals(await keptSoon(), 500);
  test.publish("t", "501");
  assertEquals(await keptSoon(), 500);
  await tick(test);
  assertEquals(await keptSoon(), 501);
  await stop(test);
});

Deno.test("a publish at QoS 1 waits for the disk where a stream may miss it, and not elsewhere", async () => {
  const store = new HeldStore();
  const test = startBridge({ store });
  const reader = await test.stream("/stream/t");
  await reader.until("live");
  store.hold();
  await post(test, "/topics/other?qos=1", "nobody follows");
  await post(test, "/topics/t", "QoS 0");
  let isAnswered = false;
  const answer = post(test, "/topics/t?qos=1", "followed").then(() => isAnswered = true);
  await store.commitCalled(1);
  await endOfTurn();
  assertEquals(isAnswered, false);
  store.release();
  await answer;
  await reader.cancel();
  await stop(test);
});

Deno.test("a log that was kept takes what the limits of today allow, the newest of it", async () => {
  const disk = new FakeDisk();
  const first = await startBridgeOn(disk);
  for (let number = 1; number <= 10; number++) first.publish("t", `${number}`);
  const { cursor } = await follow(first, "/stream/t");
  first.publish("t", "11");
  await stop(first);
  const second = await startBridgeOn(disk, { now: first.clock.now(), limits: { replayMessagesMax: 3 } });
  assertEquals((await follow(second, "/stream/t?since=all")).payloads, ["9", "10", "11"]);
  assertEquals((await follow(second, "/stream/t", cursor)).payloads, ["11"]);
  await stop(second);
});

Deno.test("while the disk fails nothing of QoS 0 piles up before it", async () => {
  const store = new HeldStore();
  const test = startBridge({ store });
  store.hold();
  const retained = test.request("/topics/r", { method: "PUT", body: "x" });
  await store.commitCalled(1);
  store.reject();
  assertEquals((await retained).status, 503);
  store.kinds.length = 0;
  for (let number = 1; number <= 10; number++) {
    test.publish("t", `${number}`);
    await tick(test);
  }
  assertEquals(store.kinds, []);
  store.release();
  await endOfTurn();
  await tick(test);
  assertEquals(store.kinds.filter((kind) => kind === "event-put").length, 11);
  await stop(test);
});

Deno.test("replayFiltersMax 3: who is gone for longest makes room, and a stream that finds none hears of it", async () => {
  const disk = new FakeDisk();
  const first = await startBridgeOn(disk, { limits: { replayFiltersMax: 3 } });
  const { counters } = first.broker;
  const kept = () =>
    disk.tables().records().flatMap((record) => record.kind === "interest-put" ? [record.filter] : []).sort();
  const open = async (filter: string) => {
    const reader = await first.stream(`/stream/${filter}`);
    const warnings: string[] = JSON.parse((await reader.until("ready")).at(-1)!.data).warnings;
    return { reader, warnings };
  };
  for (const filter of ["gone/first", "gone/later"]) await follow(first, `/stream/${filter}`);
  const one = await open("one");
  await tick(first);
  assertEquals(kept(), ["gone/first", "gone/later", "one"]);
  assertEquals([one.warnings, counters.interestsEvicted], [[], 0]);
  const two = await open("two");
  await tick(first);
  assertEquals(kept(), ["gone/later", "one", "two"]);
  const again = await open("gone/later");
  assertEquals([again.warnings, counters.interestsEvicted, counters.streamsUnkept], [[], 1, 0]);
  const unkept = await open("three");
  assertMatch(unkept.warnings[0]!, /keeps no more filters/);
  assertEquals([counters.interestsEvicted, counters.streamsUnkept], [1, 1]);
  await two.reader.cancel();
  const three = await open("three");
  assertEquals(three.warnings, []);
  await unkept.reader.cancel();
  const four = await open("four");
  assertMatch(four.warnings[0]!, /keeps no more filters/, "What was not counted takes nothing away");
  await tick(first);
  assertEquals(kept(), ["gone/later", "one", "three"]);
  for (const { reader } of [one, again, three, four]) await reader.cancel();
  await stop(first);
  const second = await startBridgeOn(disk, { now: first.clock.now(), limits: { replayFiltersMax: 1 } });
  await tick(second);
  assertEquals(kept(), ["three"], "Of those from before, who was there last");
  await stop(second);
});

Deno.test("a filter that somebody came back for is kept on the disk for as long as they stay", async () => {
  const disk = new FakeDisk();
  const first = await startBridgeOn(disk, { limits: { replaySeconds: 5 } });
  await follow(first, "/stream/t");
  const reader = await first.stream("/stream/t");
  await reader.until("live");
  first.clock.advance(10_000);
  await tick(first);
  const kept = disk.tables().records().flatMap((record) =>
    record.kind === "interest-put" ? [record.until] : []
  );
  assertEquals(kept, [Infinity]);
  await reader.cancel();
  await stop(first);
});
