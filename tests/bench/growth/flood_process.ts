/**
 * Subscribes to # again and again on a broker with many retained messages, each time when the last of them is there.
 * Takes `FloodOptions` as JSON, prints `full` when the first round is over and what it saw when it is told to end.
 */
import { encode } from "../../../broker/packet/mod.ts";
import { FrameScanner } from "../load/frame_scanner.ts";
import { openClient, writeAll } from "../load/handshake.ts";

export interface FloodOptions {
  readonly port: number;
  readonly messages: number;
  readonly seconds: number;
}

export interface FloodResult {
  /** Times that all of them came. */
  readonly rounds: number;
  readonly messagesPerSecond: number;
}

const READ_BYTES = 256 * 1024;
const PUBLISH = 3;
const RETAIN = 1;
const SUBSCRIBE = { type: "subscribe", packetId: 1, requests: [{ filter: "#", qos: 0 }] } as const;

if (import.meta.main) console.log(JSON.stringify(await flood(JSON.parse(Deno.args[0] ?? "{}"))));

async function flood({ port, messages, seconds }: FloodOptions): Promise<FloodResult> {
  const { connection } = await openClient(port, 4, "flooded");
  const frames = new FrameScanner(READ_BYTES);
  const nextRound = async () => {
    await writeAll(connection, encode(SUBSCRIBE, 4));
    for (let received = 0; received < messages;) {
      const count = await connection.read(frames.room());
      if (count === null) throw new Error("The broker closed the subscriber of #");
      frames.filled(count);
      // What others publish meanwhile comes without RETAIN.
      while (frames.next()) if (frames.header >> 4 === PUBLISH && (frames.header & RETAIN) !== 0) received++;
    }
  };
  await nextRound();
  console.log("full");
  const startedAt = performance.now();
  let rounds = 0;
  while (performance.now() - startedAt < seconds * 1000) {
    await nextRound();
    rounds++;
  }
  const elapsedSeconds = (performance.now() - startedAt) / 1000;
  connection.close();
  return { rounds, messagesPerSecond: rounds * messages / elapsedSeconds };
}
