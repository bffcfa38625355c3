import { assertEquals } from "@std/assert";
import { endOfTurn } from "../support/end_of_turn.ts";
import { assertProblem, startBridge } from "./support.ts";

const SHARED = "/stream?filter=$share/workers/job/%23";

Deno.test("streams of one group share its messages between them, and another group has them all", async () => {
  const { stream, publish } = startBridge();
  const readers = [await stream(SHARED), await stream(SHARED)];
  const other = await stream("/stream/$share/auditors/job/%23");
  for (const reader of [...readers, other]) await reader.until("live");
  for (let index = 0; index < 6; index++) publish("job/a", `${index}`);
  const received: string[][] = [[], []];
  for (const [which, reader] of readers.entries()) {
    for (let count = 0; count < 3; count++) received[which]!.push((await reader.json()).payload as string);
  }
  assertEquals(received, [["0", "2", "4"], ["1", "3", "5"]]);
  for (let index = 0; index < 6; index++) assertEquals((await other.json()).payload, `${index}`);
  for (const reader of [...readers, other]) await reader.cancel();
});

Deno.test("a shared stream has neither snapshot nor replay, wherever its client says it was", async () => {
  const { stream, publish, broker } = startBridge();
  publish("job/a", "kept", { retain: true });
  for (const id of ["", `${broker.epoch}-0`, "elsewhere-9"]) {
    const reader = await stream(SHARED, { "last-event-id": id });
    const ready = await reader.json("ready");
    assertEquals(ready.resume, "fresh");
    assertEquals(await reader.json("live"), { retained: 0, replayed: 0 });
    await reader.cancel();
  }
});

Deno.test("a stream that does not read is passed over, not ended, and no message is lost or doubled", async () => {
  const { stream, publish, broker } = startBridge({ limits: { streamBytesMax: 1000 } });
  const idle = await stream(SHARED);
  const busy = await stream(SHARED);
  await idle.until("live");
  await busy.until("live");
  const received: string[] = [];
  const reading = (async () => {
    while (received.at(-1) !== "99") received.push((await busy.json()).payload);
  })();
  for (let index = 0; index < 100; index++) {
    publish("job/a", `${index}`);
    await endOfTurn();
  }
  await reading;
  assertEquals([broker.counters.streamsSlow, broker.counters.deliveries["dropped:full"]], [0, 0]);
  for (let kept = 100 - received.length; kept > 0; kept--) received.push((await idle.json()).payload);
  assertEquals(new Set(received).size, 100);
  await idle.cancel();
  await busy.cancel();
});

Deno.test("when the last stream of a group is gone, nothing of the group is left", async () => {
  const { stream, broker } = startBridge();
  const readers = [await stream(SHARED), await stream(SHARED)];
  assertEquals(broker.subscriptionCount, 2);
  for (const reader of readers) await reader.cancel();
  assertEquals(broker.subscriptionCount, 0);
});

Deno.test("shared filters are neither listed nor mixed with others", async () => {
  const { request } = startBridge();
  await assertProblem(await request("/topics/$share/g/a"), 400, "shared-filter");
  await assertProblem(await request("/topics?filter=$share/g/%23"), 400, "shared-filter");
  await assertProblem(await request("/stream?filter=$share/g/a&filter=b"), 400, "shared-filter");
  await assertProblem(await request("/stream?filter=$share//a"), 400, "invalid-filter");
});
