import { assert, assertEquals, assertRejects } from "@std/assert";
import { silentLog } from "../../broker/core/log.ts";
import { eventually } from "../support/eventually.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { type Committer, type Flushable, Turn } from "../../broker/core/turn.ts";

/** Says what is done to it, in a list that all of a test share. */
class Peer implements Flushable {
  restsOnBatch = 0;

  constructor(readonly name: string, readonly calls: string[]) {}

  flush(): void {
    this.calls.push(`${this.name} flush`);
  }

  flushKept(): void {
    this.calls.push(`${this.name} flushKept`);
  }

  abandon(): void {
    this.calls.push(`${this.name} abandon`);
  }
}

class HandCommitter implements Committer {
  readonly pending: PromiseWithResolvers<void>[] = [];
  constructor(readonly calls: string[]) {}

  commit(): Promise<void> {
    this.calls.push("commit");
    const pending = Promise.withResolvers<void>();
    this.pending.push(pending);
    return pending.promise;
  }
}

function start() {
  const calls: string[] = [];
  const committer = new HandCommitter(calls);
  const clock = new SimulatedClock();
  let recoveredCount = 0;
  const onRecovered = () => void recoveredCount++;
  return {
    calls,
    committer,
    clock,
    recoveredCount: () => recoveredCount,
    turn: new Turn(committer, { log: silentLog, clock, onRecovered }),
    peer: (name: string) => new Peer(name, calls),
  };
}

/** Lets every microtask run. */
function turnOver(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Promises something that rests on the open batch. */
function promise(turn: Turn, peer: Peer): void {
  peer.restsOnBatch = turn.openBatch;
  turn.touch(peer);
}

Deno.test("everything touched in one turn is flushed once, at its end, in order", async () => {
  const { calls, turn, peer } = start();
  turn.touch(peer("a"));
  turn.touch(peer("b"));
  assertEquals(calls, []);
  await turnOver();
  assertEquals(calls, ["a flush", "b flush"]);
});

Deno.test("a turn commits once, before anything is flushed, and holds only what rests on the commit", async () => {
  const { calls, committer, turn, peer } = start();
  const [held, free] = [peer("held"), peer("free")];
  turn.recorded();
  turn.recorded();
  promise(turn, held);
  turn.touch(free);
  await turnOver();
  assertEquals(calls.filter((call) => call !== "held flushKept"), ["commit", "free flush"]);
  committer.pending[0]!.resolve();
  await turnOver();
  assertEquals(calls.at(-1), "held flush");
});

Deno.test("records that come during a commit wait for the next one", async () => {
  const { calls, committer, turn, peer } = start();
  const [first, second] = [peer("first"), peer("second")];
  turn.recorded();
  promise(turn, first);
  await turnOver();
  turn.recorded();
  promise(turn, second);
  await turnOver();
  assertEquals(calls.filter((call) => call === "commit").length, 1);
  committer.pending[0]!.resolve();
  await turnOver();
  assertEquals(calls.includes("first flush"), true);
  assertEquals(calls.includes("second flush"), false);
  assertEquals(calls.filter((call) => call === "commit").length, 2);
  committer.pending[1]!.resolve();
  await turnOver();
  assertEquals(calls.at(-1), "second flush");
});

Deno.test("a promise made while a commit is under way, with no record of its own, rests on that commit", async () => {
  const { calls, committer, turn, peer } = start();
  turn.recorded();
  await turnOver();
  const late = peer("late");
  promise(turn, late);
  await turnOver();
  assertEquals(calls.includes("late flush"), false);
  committer.pending[0]!.resolve();
  await turnOver();
  assertEquals(calls.at(-1), "late flush");
  promise(turn, late);
  assertEquals(turn.openBatch, 0);
});

Deno.test("what rests on two batches is not handed over in part before the first is committed", async () => {
  const { calls, committer, turn, peer } = start();
  turn.recorded();
  await turnOver();
  const both = peer("both");
  promise(turn, both); // Rests on batch 1, under way
  turn.recorded();
  both.restsOnBatch = turn.openBatch; // And on batch 2, not begun
  await turnOver();
  assertEquals(calls, ["commit"]);
  committer.pending[0]!.resolve();
  await turnOver();
  assertEquals(calls, ["commit", "both flushKept", "commit"]);
  committer.pending[1]!.resolve();
  await turnOver();
  assertEquals(calls.at(-1), "both flush");
});

Deno.test("a turn that touched a thousand is flushed in slices, each peer once, and another turn gets in between", async () => {
  const { calls, committer, turn, peer } = start();
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
  const { calls, committer, turn, peer } = start();
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
  const { calls, committer, turn, peer } = start();
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
  const { calls, committer, turn, peer } = start();
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
  const { calls, committer, turn, peer } = start();
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
  const { committer, turn } = start();
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
  const { committer, turn } = start();
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
  const { committer, turn } = start();
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
  const { turn } = start();
  const calls: string[] = [];
  turn.forEach(["a", "b"], (item) => calls.push(item), () => calls.push("done"));
  turn.forEach([], () => calls.push("never"), () => calls.push("none"));
  assertEquals(calls, ["a", "b", "done", "none"]);
});

/** Closes it; a commit that it begins then succeeds. */
async function closed(turn: Turn, committer: HandCommitter): Promise<void> {
  const closing = turn.close();
  const committed = setInterval(() => committer.pending.at(-1)?.resolve(), 1);
  await closing;
  clearInterval(committed);
}

Deno.test("a commit that fails abandons what rests on it and nothing else, until a later one succeeds", async () => {
  const { calls, committer, clock, recoveredCount, turn, peer } = start();
  const [lost, free, early, later] = [peer("lost"), peer("free"), peer("early"), peer("later")];
  turn.recorded();
  promise(turn, lost);
  await turnOver();
  committer.pending[0]!.reject(new Error("The disk is full"));
  await turnOver();
  assertEquals(calls.at(-1), "lost abandon");
  turn.touch(free);
  await turnOver();
  assertEquals(calls.at(-1), "free flush");
  turn.recorded();
  promise(turn, early);
  await turnOver();
  assertEquals(calls.at(-1), "early abandon", "Nothing can be promised, and nobody waits for it");
  assertEquals(committer.pending.length, 1, "A disk that fails is not asked at every turn");
  await clock.advance(1000);
  committer.pending[1]!.reject(new Error("Still full"));
  await turnOver();
  await clock.advance(1000);
  assertEquals(recoveredCount(), 0);
  committer.pending[2]!.resolve();
  await turnOver();
  assertEquals(recoveredCount(), 1);
  turn.recorded();
  promise(turn, later);
  await turnOver();
  committer.pending[3]!.resolve();
  await turnOver();
  assertEquals(calls.at(-1), "later flush");
  assertEquals(calls.filter((call) => call.startsWith("lost")).at(-1), "lost abandon");
});

Deno.test("a promise of the very turn in which its commit fails is abandoned as well", async () => {
  const { calls, committer, turn, peer } = start();
  turn.recorded();
  await turnOver();
  const [late, free] = [peer("late"), peer("free")];
  committer.pending[0]!.reject(new Error("The disk is full"));
  promise(turn, late);
  turn.touch(free);
  await turnOver();
  assertEquals(calls.includes("late abandon"), true);
  assertEquals(calls.includes("free abandon"), false);
  assertEquals(calls.includes("free flush"), true);
  assertEquals(
    calls.indexOf("late flush") === -1 || calls.indexOf("late abandon") < calls.indexOf("late flush"),
    true,
  );
});

Deno.test("settled resolves after the commit of what was recorded, at once when there is none, rejects when it fails", async () => {
  const { committer, turn } = start();
  await turn.settled();
  turn.recorded();
  let isSettled = false;
  const settled = turn.settled().then(() => isSettled = true);
  await turnOver();
  assertEquals(isSettled, false);
  committer.pending[0]!.resolve();
  await settled;
  turn.recorded();
  const failing = assertRejects(() => turn.settled(), Error, "The disk is full");
  await turnOver();
  committer.pending[1]!.reject(new Error("The disk is full"));
  await failing;
});

Deno.test("what nobody waits for is committed with the next that somebody does, or after a while", async () => {
  const { committer, clock, turn } = start();
  turn.noted();
  await turnOver();
  assertEquals([committer.pending.length, turn.openBatch], [0, 0]);
  turn.recorded();
  await turnOver();
  committer.pending[0]!.resolve();
  await turnOver();
  await clock.advance(100);
  assertEquals(committer.pending.length, 1, "It went along");
  turn.noted();
  await clock.advance(100);
  await turnOver();
  assertEquals(committer.pending.length, 2);
  committer.pending[1]!.resolve();
});

Deno.test("a store that commits at once holds nothing", async () => {
  const calls: string[] = [];
  const turn = new Turn({ commit: () => undefined }, { log: silentLog, clock: new SimulatedClock() });
  const peer = new Peer("a", calls);
  turn.recorded();
  promise(turn, peer);
  await turnOver();
  assertEquals(calls.at(-1), "a flush");
  await turn.settled();
});

Deno.test("close waits for the commit that follows the one under way", async () => {
  const { calls, committer, turn } = start();
  turn.recorded();
  await turnOver();
  turn.recorded();
  let isClosed = false;
  const closing = turn.close().then(() => isClosed = true);
  committer.pending[0]!.resolve();
  await turnOver();
  assertEquals(calls, ["commit", "commit"]);
  assertEquals(isClosed, false);
  committer.pending[1]!.resolve();
  await closing;
});
