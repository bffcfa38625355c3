import { assertEquals } from "@std/assert";
import { RateTable } from "../../bridge/rate_table.ts";
import { Broker, Log } from "../../broker/mod.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { assertProblem, identityNamed, startBridge } from "./support.ts";

const NAMED = { name: "ana", can: () => true };
const ANYBODY = { name: "anonymous", can: () => true };

Deno.test("publishRateMax over HTTP: so many are taken, one more gets 429 and is told when to come back", async () => {
  const { bridge, broker, clock, request } = startBridge({
    limits: { publishRateMax: 2 },
    authenticators: [identityNamed("ana")],
  });
  const post = () => request("/topics/a", { method: "POST", body: "x" });
  assertEquals([(await post()).status, (await post()).status], [200, 200]);
  const refused = await post();
  assertEquals(refused.headers.get("retry-after"), "1");
  await assertProblem(refused, 429, "publish-rate-exceeded");
  assertEquals((await request("/topics/a", { method: "DELETE" })).status, 404); // It has no message to take.
  assertEquals([broker.counters.publishesThrottled, broker.counters.messagesReceived], [1, 2]);
  clock.advance(500);
  assertEquals((await post()).status, 200);
  await bridge.close();
  await broker.close();
});

Deno.test("publishBytesRateMax over HTTP counts topic and payload", async () => {
  for (const [bytes, status] of [[98, 200], [99, 200], [100, 429]] as const) {
    const { bridge, broker, request } = startBridge({ limits: { publishBytesRateMax: 110 } });
    const post = (length: number) => request("/topics/a", { method: "POST", body: "x".repeat(length) });
    assertEquals((await post(9)).status, 200);
    assertEquals((await post(bytes)).status, status);
    await bridge.close();
    await broker.close();
  }
});

Deno.test("a name has one rate wherever it comes from, who has none shares that of the address", async () => {
  const broker = new Broker({ clock: new SimulatedClock(), limits: { publishRateMax: 1 } });
  const table = new RateTable(broker);
  const takes = [
    [NAMED, "192.0.2.1:1"],
    [NAMED, "192.0.2.2:1"],
    [ANYBODY, "192.0.2.1:1"],
    [ANYBODY, "192.0.2.1:2"],
    [ANYBODY, "192.0.2.2:1"],
  ] as const;
  assertEquals(takes.map(([identity, peer]) => table.take(identity, peer, 1)), [0, 1, 0, 1, 0]);
  await broker.close();
});

Deno.test("publishRatePeersMax: so many rates are known; one more, and who was quiet for longest is forgotten", async () => {
  const clock = new SimulatedClock();
  const broker = new Broker({ clock, limits: { publishRateMax: 1, publishRatePeersMax: 2 } });
  const table = new RateTable(broker);
  const take = (last: number) => table.take(ANYBODY, `192.0.2.${last}:1`, 1);
  assertEquals([take(1), table.size, take(2), table.size], [0, 1, 0, 2]);
  assertEquals([take(2), take(1), table.size], [1, 1, 2]); // Whoever is known takes nobody's place.
  assertEquals(broker.counters.limitsMet.publishRatePeersMax, 0);
  assertEquals([take(3), table.size, broker.counters.limitsMet.publishRatePeersMax], [0, 2, 1]);
  assertEquals([take(1), take(2)], [1, 0]); // The second was forgotten, not the first, which came again.
  await broker.close();
});

Deno.test("who goes on in spite of 429 is told of once in ten minutes, and counted always", async () => {
  const clock = new SimulatedClock();
  const lines: string[] = [];
  const log = new Log("debug", (line) => lines.push(line.slice(25)));
  const broker = new Broker({ clock, log, limits: { publishRateMax: 1 } });
  const table = new RateTable(broker);
  for (let count = 0; count < 5; count++) table.take(NAMED, `192.0.2.${count}:1`, 1);
  for (let count = 0; count < 5; count++) table.take(ANYBODY, `192.0.2.1:${count}`, 1);
  const said = (who: string) => `warn  http-throttled identity=${who} publishRateMax=1 publishBytesRateMax=0`;
  assertEquals(lines, [said("ana peer=192.0.2.1:1"), said("anonymous peer=192.0.2.1:1")]);
  assertEquals(broker.counters.publishesThrottled, 8);
  clock.advance(600_000);
  for (let count = 0; count < 5; count++) table.take(NAMED, "192.0.2.1:1", 1);
  assertEquals(lines.length, 3);
  await broker.close();
});

Deno.test("without a rate nothing is remembered of anybody", async () => {
  const broker = new Broker({ clock: new SimulatedClock() });
  const table = new RateTable(broker);
  assertEquals([table.take(NAMED, "192.0.2.1:1", 1e9), table.size], [0, 0]);
  await broker.close();
});
