import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { type Overflow, StreamQueue } from "../../bridge/stream/stream_queue.ts";
import { envelopes, startBridge } from "./support.ts";

function event(topic: string, sequence: number, length = 10) {
  return { topic, sequence, bytes: new Uint8Array(length) };
}

function drain(queue: StreamQueue): [topic: string, sequence: number][] {
  const found: [string, number][] = [];
  for (let next = queue.shift(); next; next = queue.shift()) found.push([next.topic, next.sequence]);
  return found;
}

Deno.test("streamBytesMax 100: a queue takes as much and is full at one more", () => {
  for (const overflow of ["close", "latest", "drop"] as const) {
    for (
      const [bytes, outcome] of [[99, 0], [100, 0], [101, overflow === "close" ? undefined : 1]] as const
    ) {
      const queue = new StreamQueue(100, overflow);
      assertEquals(queue.push(event("a", 1, 50)), 0);
      assertEquals([overflow, bytes, queue.push(event("b", 2, bytes - 50))], [overflow, bytes, outcome]);
      assertLessOrEqual(queue.bytes, 100);
    }
  }
});

Deno.test("an event larger than the bound fits into an empty queue only", () => {
  const queue = new StreamQueue(100, "close");
  assertEquals(queue.push(event("a", 1, 500)), 0);
  assertEquals(queue.push(event("a", 2, 1)), undefined);
  assertEquals(drain(queue), [["a", 1]]);
  assertEquals(queue.bytes, 0);
});

Deno.test("drop lets the oldest go", () => {
  const queue = new StreamQueue(30, "drop");
  for (let sequence = 1; sequence <= 10; sequence++) queue.push(event("a", sequence));
  assertEquals([queue.takeDroppedCount(), queue.takeDroppedCount(), queue.droppedCount], [7, 0, 7]);
  assertEquals(drain(queue), [["a", 8], ["a", 9], ["a", 10]]);
});

Deno.test("latest keeps everything while there is room, then the newest of each topic in order", () => {
  const queue = new StreamQueue(40, "latest");
  queue.push(event("a", 1));
  queue.push(event("a", 2));
  queue.push(event("b", 3));
  queue.push(event("a", 4));
  assertEquals(queue.droppedCount, 0);
  queue.push(event("c", 5));
  assertEquals([queue.droppedCount, queue.bytes], [2, 30]);
  queue.push(event("b", 6));
  queue.push(event("d", 7));
  queue.push(event("e", 8));
  assertEquals(drain(queue), [["c", 5], ["b", 6], ["d", 7], ["e", 8]]);
  queue.push(event("a", 9));
  queue.push(event("a", 10));
  assertEquals(drain(queue), [["a", 9], ["a", 10]]);
});

Deno.test("a queue never holds more than its bound, and accounts for every event", () => {
  for (const overflow of ["latest", "drop"] satisfies Overflow[]) {
    const queue = new StreamQueue(1_000, overflow);
    let taken = 0;
    for (let sequence = 1; sequence <= 20_000; sequence++) {
      queue.push(event(`t${(sequence * 7919) % 83}`, sequence, 1 + sequence % 97));
      assertLessOrEqual(queue.bytes, 1_000);
      if (sequence % 13 === 0 && queue.shift()) taken++;
    }
    taken += drain(queue).length;
    assertEquals([queue.droppedCount + taken, queue.bytes], [20_000, 0]);
  }
});

Deno.test("overflow=close ends the stream after what it holds, and the log has the rest", async () => {
  const { stream, publish, broker } = startBridge({ limits: { streamBytesMax: 10_000 } });
  const reader = await stream("/stream/t");
  await reader.until("live");
  for (let index = 1; index <= 500; index++) publish("t", `${index}`);
  const events = await reader.until("bye");
  assertEquals(JSON.parse(events.at(-1)!.data), { reason: "slow-consumer" });
  assertEquals([await reader.chunk(), broker.counters.limitsMet.streamBytesMax], [undefined, 1]);
  const first = envelopes(events).map(({ payload }) => payload);
  assert(first.length > 50 && first.length < 150);
  assertEquals(broker.subscriptionCount, 0);
  const again = await stream("/stream/t", { "last-event-id": reader.sse.lastEventId });
  const second = envelopes(await again.until("live")).map(({ payload }) => payload);
  assertEquals([...first, ...second], Array.from({ length: 500 }, (_, index) => `${index + 1}`));
  await again.cancel();
});

Deno.test("overflow=drop tells of the gap before what follows it", async () => {
  const { stream, publish, broker } = startBridge({ limits: { streamBytesMax: 10_000 } });
  const reader = await stream("/stream/t?overflow=drop");
  await reader.until("live");
  for (let index = 1; index <= 500; index++) publish("t", `${index}`);
  const { dropped } = await reader.json("gap");
  assertEquals((await reader.json()).payload, `${dropped + 1}`);
  for (let index = dropped + 2; index <= 500; index++) {
    assertEquals((await reader.json()).payload, `${index}`);
  }
  assertEquals(broker.counters.deliveries["dropped:full"], dropped);
  publish("t", "after");
  assertEquals((await reader.json()).payload, "after");
  await reader.cancel();
});

Deno.test("overflow=latest leaves the newest of each topic", async () => {
  const { stream, publish } = startBridge({ limits: { streamBytesMax: 10_000 } });
  const reader = await stream("/stream/s/%2B?overflow=latest");
  await reader.until("live");
  for (let index = 1; index <= 1_000; index++) publish(`s/${index % 10}`, `${index}`);
  await reader.json("gap");
  const newest = new Map<string, string>();
  let count = 0;
  while (newest.get("s/0") !== "1000") {
    const { topic, payload } = await reader.json();
    newest.set(topic, payload);
    count++;
  }
  assertEquals([newest.size, newest.get("s/9"), count < 150], [10, "999", true]);
  await reader.cancel();
});

Deno.test("a burst in one turn that is larger than the queue does not end a stream whose reader waits", async () => {
  const { stream, publish } = startBridge({ limits: { streamBytesMax: 10_000 } });
  const reader = await stream("/stream/t");
  await reader.until("live");
  reader.ask();
  await Promise.resolve();
  for (let index = 1; index <= 150; index++) publish("t", `${index}`);
  for (let index = 1; index <= 150; index++) assertEquals((await reader.json()).payload, `${index}`);
  await reader.cancel();
});

Deno.test("stallSeconds 60: a reader that takes nothing for so long is cut off, and others are not", async () => {
  const { stream, publish, clock, bridge, broker } = startBridge();
  const stalled = await stream("/stream/t");
  const lively = await stream("/stream/t");
  await lively.until("live");
  for (let second = 0; second < 61; second++) {
    publish("t", `${second}`);
    assertEquals((await lively.json()).payload, `${second}`);
    lively.ask();
    await Promise.resolve();
    clock.advance(1_000);
  }
  assertEquals([bridge.streamCount, broker.subscriptionCount, broker.counters.streamsSlow], [1, 1, 1]);
  assertEquals(broker.counters.limitsMet.stallSeconds, 1);
  const events = await stalled.until("bye");
  assertEquals([JSON.parse(events.at(-1)!.data), envelopes(events)], [{ reason: "slow-consumer" }, []]);
  assertEquals(await stalled.chunk(), undefined);
  await lively.cancel();
});

Deno.test("a reader that takes nothing costs no more than its queue, whatever is published", async () => {
  const { stream, publish, broker, bridge } = startBridge({
    limits: { streamBytesMax: 100_000, replayBytesMax: 1_000_000 },
  });
  const stalled = await Promise.all(
    ["close", "drop", "latest"].map((overflow) => stream(`/stream/%23?overflow=${overflow}`)),
  );
  const payload = "x".repeat(10_000);
  for (let index = 0; index < 5_000; index++) publish(`s/${index}`, payload);
  assertEquals(broker.subscriptionCount, 2);
  for (const reader of stalled) {
    let bytes = 0;
    while (!reader.isDone && !reader.text.includes(`"id":"${broker.epoch}-5000"`)) {
      bytes += (await reader.chunk())?.length ?? 0;
    }
    assert(bytes > 80_000);
    assertLessOrEqual(bytes, 101_000);
    await reader.cancel();
  }
  assertEquals(bridge.streamCount, 0);
});
