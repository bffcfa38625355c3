import { assertEquals, assertRejects } from "@std/assert";
import { silentLog } from "../../broker/core/log.ts";
import { Turn } from "../../broker/core/turn.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { Peer, promise, startTurn, turnOver } from "../support/turns.ts";

Deno.test("everything touched in one turn is flushed once, at its end, in order", async () => {
  const { calls, turn, peer } = startTurn();
  turn.touch(peer("a"));
  turn.touch(peer("b"));
  assertEquals(calls, []);
  await turnOver();
  assertEquals(calls, ["a flush", "b flush"]);
});

Deno.test("a turn commits once, before anything is flushed, and holds only what rests on the commit", async () => {
  const { calls, committer, turn, peer } = startTurn();
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
  const { calls, committer, turn, peer } = startTurn();
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
  const { calls, committer, turn, peer } = startTurn();
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
  const { calls, committer, turn, peer } = startTurn();
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

Deno.test("a commit that fails abandons what rests on it and nothing else, until a later one succeeds", async () => {
  const { calls, committer, clock, recoveredCount, turn, peer } = startTurn();
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
  const { calls, committer, turn, peer } = startTurn();
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
  const { committer, turn } = startTurn();
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
  const { committer, clock, turn } = startTurn();
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
  const { calls, committer, turn } = startTurn();
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
