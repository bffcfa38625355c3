import { type FakeDisk, FakeStore } from "./fake_store.ts";
import { openBroker, type StartOptions, type TestBroker } from "./start_broker.ts";
import { SimulatedClock } from "./simulated_clock.ts";

export type RestartOptions = Omit<StartOptions, "store" | "clock">;

/** A broker that goes on with what is on the disk. */
export function startOn(disk: FakeDisk, options: StartOptions = {}): Promise<TestBroker> {
  return openBroker({ ...options, store: new FakeStore(disk) });
}

export interface Outage {
  /** For how long no broker runs. */
  readonly seconds?: number;
  /** Stopped as an administrator does it; otherwise it is killed: what it has not committed is lost. */
  readonly isOrderly?: boolean;
  readonly options?: RestartOptions;
}

/** Ends the broker and starts another on the same disk, when some time is over. */
export async function restart(test: TestBroker, disk: FakeDisk, outage: Outage = {}): Promise<TestBroker> {
  const { seconds = 0, isOrderly = false, options = {} } = outage;
  if (isOrderly) await test.close();
  // Where it was not closed, the store takes the disk away from it: for the old one no time passes any more.
  const store = new FakeStore(disk);
  return await openBroker({
    ...options,
    store,
    clock: new SimulatedClock(test.clock.now() + seconds * 1000),
  });
}
