import { assert, assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { closed, startTurn } from "../support/turns.ts";

Deno.test("a turn that touched a thousand is flushed in slices, each peer once, and another turn gets in between", async () => {
  const { calls, committer, turn, peer } = startTurn();
  const crowd = Array.from({ length: 1_000 }, (_, index) => peer(`${index}`));
  for (const one of crowd) turn.touch(one);
  await Promise.resolve();
  const { length } = calls;
  assert(length > 0 && length <= 64, `${length} in one go`);
  turn.touch(peer("small"));
  await Promise.resolve();
  assertEquals(calls.slice(length), ["small flush"]);
  await eventually(() => assertEquals(calls.length, 1_001));
  assertEquals(calls.filter((call) => call !== "small flush"), crowd.map(({ name }) => `${name} flush`));
  await closed(turn, committer);
});

Deno.test("who is touched by another source in the same turn does not wait behind a crowd", async () => {
  const { calls, committer, turn, peer } = startTurn();
  const touchCrowd = (name: string) => {
    turn.nextSource();
    for (let index = 0; index < 200; index++) turn.touch(peer(`${name}${index}`));
  };
  turn.touch(peer("before"));
  touchCrowd("a");
  touchCrowd("b");
  turn.nextSource();
  turn.touch(peer("after"));
  await Promise.resolve();
  assertEquals(calls.slice(0, 3), ["before flush", "after flush", "a0 flush"]);
  await eventually(() => assertEquals(calls.length, 402));
  assertEquals(calls.at(-1), "b199 flush");
  await closed(turn, committer);
});

Deno.test("many sources that touch a few each are not kept waiting by a crowd, nor is the crowd by them", async () => {
  const { calls, committer, turn, peer } = startTurn();
  for (let index = 0; index < 1_000; index++) turn.touch(peer(`crowd${index}`));
  for (let index = 0; index < 1_000; index++) {
    turn.nextSource();
    turn.touch(peer(`few${index}`));
  }
  await eventually(() => assertEquals(calls.length, 2_000));
  const middle = calls.slice(0, 1_000).filter((call) => call.startsWith("few")).length;
  assert(middle > 250 && middle < 750, `${middle} of the few among the first half`);
  await closed(turn, committer);
});

Deno.test("of a crowd whose writes take long fewer are flushed in one go", async () => {
  const { calls, committer, turn, peer } = startTurn();
  const crowd = Array.from({ length: 200 }, (_, index) => peer(`${index}`));
  for (const one of crowd) {
    const flush = one.flush.bind(one);
    one.flush = () => {
      flush();
      for (const end = performance.now() + 0.1; performance.now() < end;);
    };
    turn.touch(one);
  }
  await Promise.resolve();
  assertEquals(calls.length, 8);
  await eventually(() => assertEquals(calls.length, 200));
  await closed(turn, committer);
});

Deno.test("what a crowd rests on is asked when its slice comes: a commit that fails abandons the rest", async () => {
  const { calls, committer, turn, peer } = startTurn();
  const crowd = Array.from({ length: 200 }, (_, index) => peer(`${index}`));
  for (const one of crowd) turn.touch(one);
  await Promise.resolve();
  assert(calls.length > 0 && calls.length <= 64, `${calls.length} in one go`);
  turn.recorded();
  for (const one of crowd.slice(100)) one.restsOnBatch = turn.openBatch;
  await Promise.resolve();
  committer.pending[0]!.reject(new Error("The disk is full"));
  await eventually(() => assertEquals(calls.length, 201));
  assertEquals(
    calls.filter((call) => call.endsWith("abandon")),
    crowd.slice(100).map(({ name }) => `${name} abandon`),
  );
  assertEquals(
    calls.filter((call) => call.endsWith("flush")),
    crowd.slice(0, 100).map(({ name }) => `${name} flush`),
  );
  await closed(turn, committer);
});

Deno.test("slices of long work take turns, and what came in is read between them", async () => {
  const { committer, turn } = startTurn();
  const slices: string[] = [];
  const work = (name: string, left: number) => {
    slices.push(name);
    if (left > 1) turn.later(() => work(name, left - 1));
  };
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using near = await Deno.connect({ port: listener.addr.port });
  using far = await listener.accept();
  let slicesWhenRead = 0;
  const reading = far.read(new Uint8Array(1)).then(() => slicesWhenRead = slices.length);
  turn.later(() => work("one", 100));
  turn.later(() => work("other", 100));
  await near.write(Uint8Array.of(1));
  await eventually(() => assertEquals(slices.length, 200));
  await reading;
  assertEquals(slices.slice(0, 4), ["one", "other", "one", "other"]);
  assertEquals(slicesWhenRead < 50, true, `It was read after ${slicesWhenRead} slices`);
  await closed(turn, committer);
});

Deno.test("very many are called with slice by slice, in order, and others are heard in between", async () => {
  const { committer, turn } = startTurn();
  const called: number[] = [];
  const done = Promise.withResolvers<void>();
  turn.forEach(Array(1_000).keys(), (item) => {
    called.push(item);
    for (const end = performance.now() + 0.02; performance.now() < end;);
  }, done.resolve);
  assert(called.length > 0 && called.length < 100, `${called.length} at once`);
  let calledWhenHeard = 0;
  void turn.heard().then(() => calledWhenHeard = called.length);
  await done.promise;
  assertEquals(called, [...Array(1_000).keys()]);
  assert(calledWhenHeard < 200, `Heard after ${calledWhenHeard}`);
  await closed(turn, committer);
});

Deno.test("a slice that throws is reported as a defect, and the others run", async () => {
  const { committer, turn } = startTurn();
  const reported = Promise.withResolvers<string>();
  const report = (event: ErrorEvent) => {
    event.preventDefault();
    reported.resolve(event.message);
  };
  globalThis.addEventListener("error", report);
  turn.later(() => {
    throw new Error("A defect");
  });
  await turn.heard();
  assert((await reported.promise).includes("A defect"));
  globalThis.removeEventListener("error", report);
  await closed(turn, committer);
});

Deno.test("a few are called with at once, and so is what follows", () => {
  const { turn } = startTurn();
  const calls: string[] = [];
  turn.forEach(["a", "b"], (item) => calls.push(item), () => calls.push("done"));
  turn.forEach([], () => calls.push("never"), () => calls.push("none"));
  assertEquals(calls, ["a", "b", "done", "none"]);
});
