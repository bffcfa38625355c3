// What is refused, and what goes on, while the process holds more than `memoryBytesMax`.

import { assertEquals } from "@std/assert";
import { createBridge } from "../bridge/mod.ts";
import { assertProblem, HOST, StreamReader } from "./bridge/support.ts";
import { startBroker, type TestBroker } from "./support/start_broker.ts";
import { testVersions } from "./support/versions.ts";

function start(): { host: TestBroker; use: (bytes: number) => void } {
  let bytes = 0;
  const host = startBroker({ limits: { memoryBytesMax: 1000 }, readMemory: () => bytes });
  const use = (value: number) => {
    bytes = value;
    host.clock.advance(1_000); // The memory is looked at once a second.
  };
  return { host, use };
}

Deno.test("while memory is short new sessions are refused as busy, and those that are known come in", async () => {
  const { host, use } = start();
  await using _ = host;
  const known = await host.connect({ clientId: "known", cleanStart: false });
  await known.disconnect();
  use(1001);
  for (const [version, returnCode, reasonCode] of [[4, 3, 0x88], [5, 3, 0x89], [3, 3, 0x88]] as const) {
    const client = host.open();
    client.sendConnect({ clientId: `new-${version}`, version });
    await client.expectRefused(returnCode, reasonCode);
  }
  assertEquals([host.broker.counters.connectsOverloaded, host.broker.sessions.size], [3, 1]);
  await host.connect({ clientId: "known", cleanStart: false });
  const anew = host.open();
  anew.sendConnect({ clientId: "known" });
  await anew.expectRefused(3, 0x88);
  use(900);
  const client = host.open();
  client.sendConnect({ clientId: "new" });
  await client.expectRefused(3, 0x88);
  use(899);
  await host.connect({ clientId: "new" });
  const lines = host.log.filter((line) => line.includes("memory-"));
  assertEquals([lines.length, host.broker.counters.memoryOverloads], [2, 1]);
});

Deno.test("while memory is short what would wait or be retained is refused with 0x97, and live traffic goes on", async () => {
  const { host, use } = start();
  await using _ = host;
  const away = await host.connect({ clientId: "away", cleanStart: false });
  await away.subscribe(["away", 1]);
  await away.disconnect();
  const live = await host.connect();
  await live.subscribe(["#", 1]);
  const publisher = await host.connect({ version: 5 });
  use(1001);
  const acks: unknown[] = [];
  for (const [topic, retain, qos] of [["away", false, 1], ["live", true, 1], ["away", false, 2]] as const) {
    publisher.sendPublish(topic, "x", { qos, retain });
    const ack = await publisher.receive();
    acks.push([ack?.type, ack && "reasonCode" in ack && ack.reasonCode]);
  }
  assertEquals(acks, [["puback", 0x97], ["puback", 0x97], ["pubrec", 0x97]]);
  assertEquals(host.broker.counters.refusals.overloaded, 3);
  await live.expectNothing();
  await publisher.publish("live", "1", { qos: 1 });
  live.sendAck("puback", await live.expectPublish({ topic: "live", payload: "1", qos: 1 }));
  await publisher.publish("away", "2"); // QoS 0: who is not there does not get it anyway.
  await live.expectPublish({ topic: "away", payload: "2" });
  await publisher.publish("live", "", { retain: true }); // That frees memory.
  await live.expectPublish({ topic: "live", payload: "" });
  use(0);
  await publisher.publish("away", "3", { qos: 1 });
  assertEquals(host.broker.sessions.get("away")!.outbound.pendingCount, 1);
});

Deno.test("a shared subscription refuses for want of memory only what none of its members can take at once", async () => {
  const { host, use } = start();
  await using _ = host;
  const { counters, sessions } = host.broker;
  const member = async (clientId: string, qos: 0 | 1 = 1) => {
    const client = await host.connect({ clientId, version: 5, receiveMaximum: 1, cleanStart: false });
    await client.subscribe(["$share/g/a", qos]);
    return client;
  };
  const away = await member("away");
  const [one, two] = [await member("one"), await member("two")];
  await away.disconnect();
  const publisher = await host.connect({ version: 5 });
  use(1001);
  const publish = async (payload: string) => {
    publisher.sendPublish("a", payload, { qos: 1 });
    const ack = await publisher.receive();
    return ack?.type === "puback" && ack.reasonCode;
  };
  /** What the member is given, which it does not acknowledge. */
  const given = async (client: typeof one, payload: string) =>
    await client.expectPublish({ topic: "a", payload, qos: 1 });

  // Who is away would have it wait, and others can take it.
  assertEquals(await publish("1"), 0);
  const first = await given(one, "1");
  assertEquals(await publish("2"), 0);
  const second = await given(two, "2");
  // Now nobody can: their windows are full.
  assertEquals([await publish("3"), await publish("4"), counters.refusals.overloaded], [0x97, 0x97, 2]);
  // Whoever can again gets the next, and what was refused took nobody's turn.
  two.sendAck("puback", second);
  await two.ping();
  assertEquals(await publish("5"), 0);
  await given(two, "5");
  one.sendAck("puback", first);
  await one.ping();
  assertEquals(await publish("6"), 0);
  await given(one, "6");
  assertEquals(await publish("7"), 0x97);
  for (const id of ["away", "one", "two"]) {
    assertEquals(sessions.get(id)!.outbound.pendingCount <= 1, true, id);
  }

  // A subscriber of its own waits for itself, whoever else takes it; one at QoS 0 waits for nothing.
  use(0);
  const idle = await member("idle");
  const lone = await host.connect({ clientId: "lone", version: 5, cleanStart: false });
  await lone.subscribe(["a", 1]);
  await lone.disconnect();
  use(1001);
  assertEquals(await publish("8"), 0x97);
  use(0);
  const back = await host.connect({ clientId: "lone", version: 5 });
  await back.disconnect();
  use(1001);
  assertEquals(await publish("9"), 0);
  await given(idle, "9");
  assertEquals(await publish("10"), 0x97);
  await idle.unsubscribe("$share/g/a");
  use(0);
  await idle.subscribe(["$share/g/a", 0]);
  use(1001);
  assertEquals(await publish("11"), 0);
  await idle.expectPublish({ topic: "a", payload: "11" });
});

testVersions(
  "while memory is short a new subscription is refused, and one that is there can be changed",
  async (version) => {
    const { host, use } = start();
    await using _ = host;
    const client = await host.connect({ version });
    await client.subscribe(["a", 0]);
    use(1001);
    assertEquals(await client.subscribe(["a", 1], ["b", 1], ["$share/g/a", 0]), [
      1,
      ...Array(2).fill(version === 5 ? 0x97 : 0x80),
    ]);
    assertEquals([host.broker.subscriptionCount, host.broker.counters.subscriptionsRefused], [1, 2]);
    use(0);
    assertEquals(await client.subscribe(["b", 1]), [1]);
  },
);

Deno.test("a client of 3.1.1 whose message cannot wait is closed: an acknowledgement would say that it is kept", async () => {
  const { host, use } = start();
  await using _ = host;
  use(1001);
  assertEquals(host.broker.memory.isOverloaded, true);
  use(0);
  const publisher = await host.connect();
  use(1001);
  publisher.sendPublish("a", "x", { retain: true }); // QoS 0 has no acknowledgement that could lie.
  await publisher.ping();
  publisher.sendPublish("a", "x", { qos: 1, retain: true });
  await publisher.expectClosed();
  const { closes, refusals } = host.broker.counters;
  assertEquals([closes.overloaded, refusals.overloaded, host.broker.retained.size], [1, 2, 0]);
});

Deno.test("while memory is short HTTP says so: 503 to a message, bye to a stream, /readyz", async () => {
  const { host, use } = start();
  await using _ = host;
  const bridge = createBridge(host.broker, { random: () => 0 });
  const request = (path: string, init?: RequestInit) => bridge.fetch(new Request(HOST + path, init));
  use(1001);
  const put = await request("/topics/a", { method: "PUT", body: "1" });
  assertEquals(put.headers.get("retry-after"), "1");
  await assertProblem(put, 503, "overloaded");
  assertEquals((await request("/topics/a", { method: "POST", body: "1" })).status, 200);
  const ready = await request("/readyz");
  assertEquals([ready.status, ready.headers.get("retry-after"), await ready.text()], [
    503,
    "5",
    "overloaded\n",
  ]);
  const stream = new StreamReader(await request("/stream/a", { headers: { accept: "text/event-stream" } }));
  assertEquals([await stream.json("bye"), stream.sse.retry], [
    { reason: "overloaded", retry_ms: 15000 },
    15000,
  ]);
  await assertProblem(
    await request("/stream/a", {
      headers: { accept: "application/x-ndjson" },
    }),
    503,
    "overloaded",
  );
  use(0);
  assertEquals((await request("/readyz")).status, 200);
  await bridge.close();
});
