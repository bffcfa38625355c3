import { assertEquals } from "@std/assert";
import { DescriptorReserve } from "../../broker/core/descriptor_reserve.ts";
import { silentLog } from "../../broker/core/log.ts";
import { PacedLog } from "../../broker/core/paced_log.ts";
import { MemoryListener } from "../../broker/transport/memory.ts";
import type { Listener } from "../../broker/transport/transport.ts";
import { eventually } from "../support/eventually.ts";
import { FewDescriptors, outOfDescriptors } from "../support/few_descriptors.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersions } from "../support/versions.ts";

function start(linksMax = Infinity) {
  const system = new FewDescriptors(20);
  const descriptors = new DescriptorReserve({
    limits: { descriptorsReserve: 10 },
    counters: { descriptorShortages: 0 },
    log: new PacedLog(silentLog, () => 0),
    open: system.open,
    linksMax,
  });
  descriptors.recover();
  return { test: startBroker({ descriptors }), descriptors, system };
}

testVersions(
  "with descriptors for 3 links, a fourth is closed at once and counted, and comes in when another left",
  async (version) => {
    const { test } = start(3);
    await using _test = test;
    const clients = [await test.connect(), await test.connect(), test.open()];
    const refused = test.open();
    refused.sendConnect({ version });
    await refused.expectClosed();
    assertEquals(test.broker.counters.closes["too-few-descriptors"], 1);
    clients[0]!.cut();
    await clients[1]!.ping();
    await test.connect({ version });
    assertEquals(test.server.connectionCount, 3);
  },
);

for (const [linksMax, isServed] of [[3, false], [4, true], [5, true]] as const) {
  Deno.test(`a link that is passed on takes three descriptors: beside one other, ${linksMax} are ${isServed ? "" : "not "}enough`, async () => {
    const { test } = start(linksMax);
    await using _test = test;
    await test.connect();
    const listener = new MemoryListener();
    let served = 0;
    const over = Promise.withResolvers<void>();
    test.server.listen(listener, {
      serve: () => {
        served++;
        return over.promise;
      },
    });
    listener.connect();
    await eventually(() => assertEquals(test.broker.counters.closes["too-few-descriptors"] + served, 1));
    assertEquals([served, test.server.connectionCount], isServed ? [1, 2] : [0, 1]);
    over.resolve();
  });
}

for (
  const [why, linksMax, isShort, left] of [
    ["a quarter of the descriptors is free", 134, false, 50],
    ["less is free", 133, false, 0],
    ["they ran out", Infinity, true, 0],
  ] as const
) {
  Deno.test(`of 100 links that say nothing ${left} are left for the next look when ${why}`, async () => {
    const { test, descriptors, system } = start(linksMax);
    await using _test = test;
    for (let count = 0; count < 100; count++) test.open();
    await eventually(() => assertEquals(test.server.connectionCount, 100));
    test.clock.advance(9_500);
    for (let slice = 0; slice < 20; slice++) await test.broker.turn.heard();
    system.inUse = isShort ? 100 : system.inUse;
    if (isShort) descriptors.ranOut();
    test.clock.advance(500);
    await eventually(() => assertEquals(test.server.connectionCount, left));
    for (let slice = 0; slice < 20; slice++) await test.broker.turn.heard();
    assertEquals(test.server.connectionCount, left);
  });
}

Deno.test("a link whose service finds no descriptor is closed and counted, and gives the reserve up", async () => {
  const { test, descriptors } = start();
  await using _test = test;
  const listener = new MemoryListener();
  test.server.listen(listener, { serve: () => Promise.reject(outOfDescriptors()) });
  const link = listener.connect();
  assertEquals(await link.read(new Uint8Array(1)), null);
  assertEquals([test.broker.counters.closes["too-few-descriptors"], descriptors.isShort], [1, true]);
});

Deno.test("while descriptors are short nobody new comes in, whoever is in stays, and then all come in again", async () => {
  const { test, descriptors, system } = start();
  await using _test = test;
  const client = await test.connect();
  const files = Array.from({ length: 10 }, () => system.open());
  test.clock.advance(500);
  assertEquals(descriptors.isShort, true);
  for (let count = 0; count < 5; count++) await test.open().expectClosed();
  assertEquals(test.broker.counters.closes["too-few-descriptors"], 5);
  const lines = test.log.filter((line) => line.includes("connection-refused"));
  assertEquals(lines.length, 1);
  assertEquals(lines[0]!.includes("reason=too-few-descriptors descriptorsReserve=32"), true, lines[0]);
  await client.ping();
  for (const file of files) file.close();
  test.clock.advance(500);
  await test.connect();
});

Deno.test("a link that the system could not give is counted, logged once a second, and gives the reserve up", async () => {
  const { test, descriptors } = start();
  await using _test = test;
  const closed = Promise.withResolvers<null>();
  let isFailing = true;
  const listener: Listener = {
    url: "test:",
    port: 0,
    accept: () => isFailing ? Promise.reject(outOfDescriptors()) : closed.promise,
    close: () => closed.resolve(null),
  };
  test.server.listen(listener);
  for (let count = 1; count <= 5; count++) {
    await eventually(() => assertEquals(test.broker.counters.acceptsFailed, count));
    if (count === 1) assertEquals(descriptors.isShort, true);
    // The retry waits for the clock, and is set in the turn after the count.
    await eventually(() => assertEquals(test.clock.timerCount, 2));
    isFailing = count < 5;
    test.clock.advance(100);
  }
  assertEquals(test.log.filter((line) => line.includes("accept-failed")).length, 1);
});
