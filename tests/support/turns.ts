import { silentLog } from "../../broker/core/log.ts";
import { SimulatedClock } from "./simulated_clock.ts";
import { type Committer, type Flushable, Turn } from "../../broker/core/turn.ts";

/** Says what is done to it, in a list that all of a test share. */
export class Peer implements Flushable {
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

/** Commits when a test says so. */
export class HandCommitter implements Committer {
  readonly pending: PromiseWithResolvers<void>[] = [];
  constructor(readonly calls: string[]) {}

  commit(): Promise<void> {
    this.calls.push("commit");
    const pending = Promise.withResolvers<void>();
    this.pending.push(pending);
    return pending.promise;
  }
}

/** A turn on a clock that stands still, with peers and a committer that note what is done. */
export function startTurn() {
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
export function turnOver(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Promises something that rests on the open batch. */
export function promise(turn: Turn, peer: Peer): void {
  peer.restsOnBatch = turn.openBatch;
  turn.touch(peer);
}

/** Closes it; a commit that it begins then succeeds. */
export async function closed(turn: Turn, committer: HandCommitter): Promise<void> {
  const closing = turn.close();
  const committed = setInterval(() => committer.pending.at(-1)?.resolve(), 1);
  await closing;
  clearInterval(committed);
}
