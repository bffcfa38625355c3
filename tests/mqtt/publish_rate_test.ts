import { assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { startBroker } from "../support/start_broker.ts";

for (const [count, taken] of [[2, 2], [3, 3], [4, 3]] as const) {
  Deno.test(`publishRateMax 3: of ${count} messages at once ${taken} are taken now, and the rest in time`, async () => {
    await using host = startBroker({ limits: { publishRateMax: 3 } });
    const { broker: { counters }, clock } = host;
    const client = await host.connect();
    client.isConnected = false; // Its PINGREQ would wait too.
    for (let index = 0; index < count; index++) client.sendPublish("a", String(index), { qos: 1 });
    for (let packetId = 1; packetId <= taken; packetId++) await client.expectAck("puback", packetId);
    await eventually(() => assertEquals(counters.publishesThrottled, count - taken));
    assertEquals(counters.messagesReceived, taken);
    clock.advance(333);
    assertEquals(counters.messagesReceived, taken);
    clock.advance(1);
    for (let packetId = taken + 1; packetId <= count; packetId++) await client.expectAck("puback", packetId);
    assertEquals(counters.messagesReceived, count);
  });
}

Deno.test("publishBytesRateMax: packets of a second's bytes are taken at once, one byte more waits", async () => {
  // Fixed header of 2 bytes, topic of 3.
  for (const [payloadBytes, throttled] of [[94, 0], [95, 0], [96, 1]] as const) {
    await using host = startBroker({ limits: { publishBytesRateMax: 120 } });
    const { counters } = host.broker;
    const client = await host.connect();
    client.sendPublish("a", "x".repeat(15));
    client.sendPublish("a", "x".repeat(payloadBytes));
    client.sendHex("c0 00");
    if (throttled > 0) {
      await eventually(() => assertEquals(counters.publishesThrottled, throttled));
      assertEquals(counters.messagesReceived, 1);
      host.clock.advance(9); // A byte comes in 8.3 ms.
    }
    await client.expectHex("d0 00");
    assertEquals([counters.messagesReceived, counters.publishesThrottled], [2, throttled]);
  }
});

Deno.test("a paused client is not read, outlives its keep-alive, and its PINGREQ is answered when it was its turn", async () => {
  await using host = startBroker({ limits: { publishBytesRateMax: 100, stallSeconds: 60 } });
  const { broker: { counters }, clock } = host;
  const client = await host.connect({ keepAliveSeconds: 1 });
  client.isConnected = false;
  client.sendPublish("a", "x".repeat(3_000)); // 30 seconds' worth.
  client.sendPublish("a", "behind");
  client.sendHex("c0 00");
  await eventually(() => assertEquals(counters.publishesThrottled, 1));
  for (let second = 0; second < 29; second++) clock.advance(1_000);
  assertEquals([counters.messagesReceived, counters.closes["keep-alive-timeout"]], [1, 0]);
  clock.advance(1_000);
  await client.expectHex("d0 00");
  assertEquals(counters.messagesReceived, 2);
  clock.advance(3_000); // From then on its silence counts.
  await client.expectClosed();
  assertEquals(counters.closes["keep-alive-timeout"], 1);
});

Deno.test("a client that is over its rate slows nobody else, and is told of in the log once", async () => {
  await using host = startBroker({ limits: { publishRateMax: 2 } });
  const { counters } = host.broker;
  const subscriber = await host.connect();
  await subscriber.subscribe(["#", 0]);
  const greedy = await host.connect();
  greedy.isConnected = false;
  for (let index = 0; index < 5; index++) greedy.sendPublish("greedy", String(index));
  await eventually(() => assertEquals(counters.publishesThrottled, 1));
  const modest = await host.connect();
  await modest.publish("modest", "1");
  for (const payload of ["0", "1"]) await subscriber.expectPublish({ topic: "greedy", payload });
  await subscriber.expectPublish({ topic: "modest", payload: "1" });
  for (const index of [2, 3, 4]) {
    host.clock.advance(500);
    await subscriber.expectPublish({ topic: "greedy", payload: String(index) });
  }
  assertEquals(counters.publishesThrottled, 3);
  assertEquals(host.log.filter((line) => line.includes("publish-throttled")).length, 1);
});

// A line for each connection would be one for each loop of a client that comes back at once.
Deno.test("a client that comes back in a loop is told of as a warning once in ten minutes, by name or by address", async () => {
  const identity = (name: string) => ({ granted: true, identity: { name, can: () => true } }) as const;
  await using host = startBroker({
    limits: { publishRateMax: 1 },
    authenticators: [{ name: "any", authenticate: ({ username }) => identity(username ?? "anonymous") }],
  });
  const { counters } = host.broker;
  const warnings = () => host.log.filter((line) => / warn +publish-throttled/.test(line)).length;
  let throttled = 0;
  const publishTooFast = async (username?: string) => {
    const client = await host.connect({ ...(username !== undefined && { username }) });
    client.isConnected = false;
    for (const payload of ["1", "2"]) client.sendPublish("a", payload);
    throttled++;
    await eventually(() => assertEquals(counters.publishesThrottled, throttled));
    client.cut();
  };
  for (let round = 0; round < 20; round++) await publishTooFast("ana");
  assertEquals(warnings(), 1);
  await publishTooFast("bob");
  for (let round = 0; round < 3; round++) await publishTooFast();
  assertEquals(warnings(), 3);
  host.clock.advance(600_000);
  for (let round = 0; round < 3; round++) await publishTooFast("ana");
  assertEquals(warnings(), 4);
  assertEquals(
    host.log.filter((line) => line.includes("publish-throttled")).length,
    throttled,
    "At debug all are",
  );
});

Deno.test("a client that is closed while it is paused is gone at once, and what it sent is not taken", async () => {
  await using host = startBroker({ limits: { publishRateMax: 1 } });
  const { counters } = host.broker;
  const client = await host.connect({ clientId: "same" });
  client.isConnected = false;
  const { timerCount } = host.clock;
  client.sendPublish("a", "1");
  client.sendPublish("a", "2");
  await eventually(() => assertEquals(counters.publishesThrottled, 1));
  const next = await host.connect({ clientId: "same" });
  await eventually(() => assertEquals(host.server.connectionCount, 1));
  assertEquals(host.clock.timerCount, timerCount);
  host.clock.advance(5_000);
  await next.ping();
  assertEquals([counters.messagesReceived, counters.closes["session-taken-over"]], [1, 1]);
});

Deno.test("a packet that pauses cannot help ends its connection with 0x97", async () => {
  for (const [bytes, isTaken] of [[599, true], [600, true], [601, false]] as const) {
    await using host = startBroker({ limits: { publishBytesRateMax: 10, stallSeconds: 60 } });
    const client = await host.connect({ version: 5 });
    // Header of 3 bytes, topic of 3, no properties in 1.
    client.sendPublish("a", "x".repeat(bytes - 7));
    if (isTaken) {
      await client.ping();
      continue;
    }
    const packet = await client.receive();
    assertEquals(packet?.type === "disconnect" && packet.reasonCode, 0x97);
    await client.expectClosed();
    assertEquals(host.broker.counters.closes["publish-rate-exceeded"], 1);
    assertEquals(host.broker.counters.messagesReceived, 0);
  }
});
