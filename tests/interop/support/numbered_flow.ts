import { assert } from "@std/assert";
import type { CuttingProxy } from "./cutting_proxy.ts";
import type { OpenEverything } from "./start_all.ts";

/** Bytes that a message takes on the stream, about. */
const EVENT_BYTES = 150;
/** Messages published while the reader is away, so that it always has something to catch up with. */
const BURST = 10;

/**
 * Publishes messages numbered from 0 while the proxy cuts their one reader off so many times, some while the reader is
 * away and some while it is there.
 */
export async function publishThroughCuts(
  { everything, proxy, topic, messageCount, cutCount }: {
    readonly everything: OpenEverything;
    readonly proxy: CuttingProxy;
    readonly topic: string;
    readonly messageCount: number;
    readonly cutCount: number;
  },
): Promise<void> {
  const streamsBefore = everything.broker.counters.streamsOpened;
  let next = 0;
  const publishNext = () => everything.publish(topic, String(next++));
  // Half of it on average, so that there are enough messages for all cuts.
  proxy.startCutting({ cutCount, bytesMax: EVENT_BYTES * messageCount / cutCount });
  while (proxy.cutCount < cutCount) {
    const cutsBefore = proxy.cutCount;
    for (let count = 0; count < BURST; count++) publishNext();
    await everything.streamsOpened(streamsBefore + cutsBefore);
    while (proxy.cutCount === cutsBefore) {
      assert(next < messageCount, `The connection was cut ${cutsBefore} times only`);
      publishNext();
      await new Promise((resolve) => setTimeout(resolve, 0)); // So that each is on its way alone.
    }
  }
  while (next < messageCount) publishNext();
}
