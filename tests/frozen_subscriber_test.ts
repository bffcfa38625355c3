// A subscriber that reads nothing (aedes #51, #88, #553; mosquitto #896): nobody else may notice, the memory that it
// costs has a bound, what it misses has a name, and after a while it goes.

import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { Broker } from "../broker/broker.ts";
import { Server } from "../broker/server.ts";
import { connectTcp, TcpListener } from "../broker/transport/tcp.ts";
import { eventually } from "./support/eventually.ts";
import { RawClient } from "./support/raw_client.ts";
import { SimulatedClock } from "./support/simulated_clock.ts";
import { startBroker } from "./support/start_broker.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

/** More than the system's buffers and the bound on growth together, so that a leak shows. */
const TRAFFIC_BYTES = 200 * MiB;
/** A round fits an outbox, so that a healthy reader never misses anything. */
const ROUND_MESSAGES = 16;
const PAYLOAD = "x".repeat(8 * KiB);
const RSS_GROWTH_MAX = 100 * MiB;

const limits = {
  outboxBytesMax: 256 * KiB,
  queueMessagesMax: 50,
  queueBytesMax: 300 * KiB,
  inflightMax: 20,
  stallSeconds: 60,
};

Deno.test("[aedes #1060] a frozen subscriber costs a bounded piece of memory and nobody else a message, over TCP", async () => {
  const clock = new SimulatedClock();
  const broker = new Broker({ limits, clock });
  const server = new Server(broker, { sysIntervalSeconds: 0 });
  const listener = new TcpListener("127.0.0.1", 0);
  server.listen(listener);
  const connect = async (clientId: string) => {
    const client = new RawClient(await connectTcp("127.0.0.1", listener.port), () => Promise.resolve());
    await client.connect({ clientId });
    return client;
  };
  const frozen = await connect("frozen");
  const healthy = await connect("healthy");
  const publisher = await connect("publisher");
  try {
    for (const client of [frozen, healthy]) await client.subscribe(["qos0", 0], ["qos1", 1]);
    const { deliveries } = broker.counters;
    const rounds = Math.ceil(TRAFFIC_BYTES / ROUND_MESSAGES / PAYLOAD.length);
    for (let count = 0; count < 50; count++) await playRound(publisher, healthy); // The engine has warmed up.
    const rss = Deno.memoryUsage().rss;
    for (let count = 50; count < rounds; count++) {
      await playRound(publisher, healthy);
      assertLessOrEqual(server.outboxBytes, limits.outboxBytesMax);
      assertLessOrEqual(broker.sessions.queueBudget.bytes, limits.queueBytesMax);
    }
    assertLess(Deno.memoryUsage().rss - rss, RSS_GROWTH_MAX);
    // Every delivery that was not queued is counted, and they are all the frozen one's: the other had all.
    const messages = rounds * ROUND_MESSAGES;
    assertEquals(deliveries.queued + deliveries["dropped:full"], 2 * messages);
    assertLess(messages / 2, deliveries["dropped:full"]);
    assert(server.outboxBytes > limits.outboxBytesMax - 2 * PAYLOAD.length, "The outbox was never full");

    clock.advance((limits.stallSeconds + 1) * 1000);
    assertEquals(broker.counters.closes["slow-consumer"], 1);
    await eventually(() => assertEquals(server.connectionCount, 2));
    assertEquals([server.outboxBytes, broker.sessions.queueBudget.bytes, broker.sessions.size], [0, 0, 2]);
    await playRound(publisher, healthy);
  } finally {
    for (const client of [frozen, healthy, publisher]) client.cut();
    await server.close();
    await broker.close();
  }
});

/** Publishes at QoS 0 and 1 by turns; the healthy subscriber receives all of it, in order. */
async function playRound(publisher: RawClient, healthy: RawClient): Promise<void> {
  const qos = (index: number) => index % 2 === 0 ? 0 : 1;
  for (let index = 0; index < ROUND_MESSAGES; index++) {
    publisher.sendPublish(`qos${qos(index)}`, PAYLOAD, { qos: qos(index) });
  }
  for (let index = 0; index < ROUND_MESSAGES; index++) {
    const packet = await healthy.receivePublish();
    assertEquals([packet.topic, packet.payload.length], [`qos${qos(index)}`, PAYLOAD.length]);
    if (packet.qos === 1) healthy.sendAck("puback", packet.packetId);
  }
  for (let index = 1; index < ROUND_MESSAGES; index += 2) {
    const packet = await publisher.receive();
    assertEquals(packet?.type, "puback");
  }
  await healthy.ping(); // Its acknowledgements have arrived as well.
}

// Each is within its own bound, and together they take what all the others need.
Deno.test("frozen subscribers that fill what all outboxes share go within seconds", async () => {
  const shared = { outboxBytesMax: 256 * KiB, outboxTotalBytesMax: 512 * KiB, stallSeconds: 60 };
  await using host = startBroker({ limits: shared });
  const healthy = await host.connect();
  await healthy.subscribe(["healthy", 0]);
  const publisher = await host.connect();
  for (let count = 0; count < 3; count++) {
    const frozen = await host.connect();
    await frozen.subscribe(["frozen", 0]);
    frozen.isConnected = false; // Nobody waits for its PINGRESP.
  }
  for (let count = 0; count < 100; count++) await publisher.publish("frozen", PAYLOAD);
  assertLessOrEqual(host.server.outboxBytes, shared.outboxTotalBytesMax);
  assertLess(shared.outboxTotalBytesMax - 2 * PAYLOAD.length, host.server.outboxBytes);
  await publisher.publish("healthy", PAYLOAD);
  await healthy.expectNothing();

  host.clock.advance(3_000);
  // As many as it takes to have half of it free again.
  assertEquals(host.broker.counters.closes["slow-consumer"], 2);
  assertLessOrEqual(host.server.outboxBytes * 2, shared.outboxTotalBytesMax);
  await publisher.publish("healthy", PAYLOAD);
  await healthy.expectPublish({ topic: "healthy", payload: PAYLOAD });
});

Deno.test("a subscriber that reads slowly stays, however slow", async () => {
  await using host = startBroker({ limits: { outboxBytesMax: 256 * KiB, stallSeconds: 10 } });
  const slow = await host.connect();
  await slow.subscribe(["a", 0]);
  const publisher = await host.connect();
  for (let count = 0; count < 60; count++) await publisher.publish("a", PAYLOAD);
  const buffer = new Uint8Array(KiB);
  for (let count = 0; count < 100; count++) {
    await slow.link.read(buffer);
    host.clock.advance(1_000);
  }
  assertEquals(host.broker.counters.closes["slow-consumer"], 0);
  slow.cut();
});
