// One regression per attack on MQTT brokers that is on record, each saying why. Attacks on rights are in
// hardening_rights_test.ts, frozen readers in frozen_subscriber_test.ts, mutated input in fuzz_test.ts.

import { assert, assertEquals, assertLess } from "@std/assert";
import type { CloseReason } from "../broker/core/close_reason.ts";
import { encode } from "../broker/packet/mod.ts";
import { hex } from "./packet/fixtures.ts";
import { eventually } from "./support/eventually.ts";
import { connectPacket, type RawClient } from "./support/raw_client.ts";
import { startBroker } from "./support/start_broker.ts";
import { Random } from "./topic/random_names.ts";

const CONNECT = "10 0d 00 04 'MQTT' 04 02 00 00 00 01 'x'";

/** The attack ends its own connection, for this reason, and neither the broker nor a neighbour. */
async function assertEnds(reason: CloseReason, attack: (attacker: RawClient) => void): Promise<void> {
  await using host = startBroker();
  const subscriber = await host.connect();
  await subscriber.subscribe(["#", 0]);
  const neighbour = await host.connect();
  const attacker = host.open();
  attack(attacker);
  let answer = await attacker.receive();
  if (answer?.type === "connack") answer = await attacker.receive();
  assertEquals(answer, undefined);
  assertEquals(host.broker.counters.closes[reason], 1, host.log.at(-1)!);
  await subscriber.expectNothing();
  await neighbour.publish("alive", "1");
  await subscriber.expectPublish({ topic: "alive", payload: "1" });
  assertEquals(host.server.connectionCount, 2);
}

// Mosquitto CVE-2017-7651, CVE-2023-0809: one CONNECT header made the broker hold 256 MB for nobody.
Deno.test("[CVE-2017-7651] [CVE-2023-0809] a huge remaining length before CONNECT ends the connection at its fifth byte", async () => {
  await assertEnds("packet-too-large", (attacker) => attacker.sendHex("10 ff ff ff 7f"));
});

Deno.test("a CONNECT is accepted up to the bound and not one byte beyond", async () => {
  await using host = startBroker({ limits: { connectBytesMax: 64 } });
  for (const [bytes, isAccepted] of [[63, true], [64, true], [65, false]] as const) {
    const packet = connectPacket({ clientId: "x".repeat(bytes - 14) });
    assertEquals(encode(packet, 4).length, bytes);
    const client = host.open();
    client.send(packet);
    if (isAccepted) await client.expectHex("20 02 00 00");
    else await client.expectClosed();
  }
});

Deno.test("[CVE-2026-25627] a claimed length costs nothing until its bytes arrive", async () => {
  await using host = startBroker();
  const attackers: RawClient[] = [];
  for (let count = 0; count < 300; count++) attackers.push(await host.connect());
  const before = Deno.memoryUsage().external;
  for (const attacker of attackers) attacker.sendHex("30 f0 ff 3f 00 01 'a' 'begun'"); // 1 MiB, the most that is allowed
  const neighbour = await host.connect();
  await neighbour.ping();
  assertLess(Deno.memoryUsage().external - before, 50 * 1024 * 1024);
});

// NanoMQ CVE-2026-21888.
Deno.test("[CVE-2026-21888] a remaining length of five bytes is refused before and after CONNECT", async () => {
  await assertEnds("malformed-packet", (attacker) => attacker.sendHex("10 ff ff ff ff 01"));
  await assertEnds("malformed-packet", (attacker) => attacker.sendHex("10 80 80 80 80 00"));
  await using host = startBroker();
  const client = await host.connect();
  client.sendHex("30 80 80 80 80 00");
  await client.expectClosed();
});

// tinyMQTT CVE-2025-56352: refused clients that did not hang up used up all sockets.
Deno.test("[CVE-2025-56352] a refused CONNECT leaves nothing open, however many come", async () => {
  const refuseAll = {
    name: "none",
    authenticate: () => ({ granted: false, reason: "not-authorized" } as const),
  };
  await using host = startBroker({ authenticators: [refuseAll] });
  for (let count = 0; count < 500; count++) {
    const client = host.open();
    client.sendHex(CONNECT, "30 03 00 01 'a'"); // What follows is not looked at.
    await client.expectHex("20 02 00 05");
    await client.expectClosed();
  }
  await eventually(() => assertEquals(host.server.connectionCount, 0));
  assertEquals(host.broker.counters.closes.refused, 500);
  assertEquals(host.broker.counters.messagesReceived, 0);
  assertEquals(host.broker.sessions.size, 0);
});

Deno.test("connections beyond the bound are closed at once, and there is room again when one goes", async () => {
  await using host = startBroker({ limits: { connectionsMax: 3 } });
  const clients = [await host.connect(), await host.connect()];
  const silent = host.open(); // One without CONNECT counts as well.
  await eventually(() => assertEquals(host.server.connectionCount, 3));
  await host.open().expectClosed();
  assertEquals(host.broker.counters.closes["too-many-connections"], 1);
  silent.cut();
  await eventually(() => assertEquals(host.server.connectionCount, 2));
  clients.push(await host.connect());
  for (const client of clients) await client.ping();
});

// Slowloris: each byte used to renew the deadline.
Deno.test("[CVE-2020-13849] a CONNECT that comes byte by byte must be whole in time", async () => {
  await using host = startBroker({ limits: { connectTimeoutSeconds: 10 } });
  const neighbour = await host.connect();
  const attacker = host.open();
  for (const byte of hex(CONNECT).slice(0, 11)) {
    attacker.sendBytes(Uint8Array.of(byte));
    await neighbour.ping();
    host.clock.advance(1000);
  }
  await attacker.expectClosed();
  assertEquals(host.broker.counters.closes["not-connected-in-time"], 1);
});

// CVE-2020-13849: keep-alive 0 must not keep a link that never became a connection.
Deno.test("[CVE-2020-13849] silence ends a link before CONNECT, and after it only if the client asked for a keep-alive", async () => {
  await using host = startBroker();
  const silent = host.open();
  const patient = await host.connect({ keepAliveSeconds: 0 });
  const limited = await host.connect({ keepAliveSeconds: 60 });
  host.clock.advance(89_000);
  await limited.ping();
  host.clock.advance(3600_000);
  await silent.expectClosed();
  await limited.expectClosed();
  await patient.ping();
  const { closes } = host.broker.counters;
  assertEquals([closes["not-connected-in-time"], closes["keep-alive-timeout"]], [1, 1]);
});

// Mosquitto 1.6.6, aedes GHSA-xxqp-5qx8-gj5q, Moquette CVE-2026-95844: levels by the thousand overflowed the stack.
for (const levels of [201, 60_000]) {
  const deep = "/".repeat(levels - 1);
  Deno.test(`[GHSA-xxqp-5qx8-gj5q] [CVE-2026-95844] a topic of ${levels} levels is refused wherever it can stand`, async () => {
    await using host = startBroker();
    const neighbour = await host.connect();
    const publisher = await host.connect();
    publisher.sendPublish(deep, "x", { retain: true });
    await publisher.expectClosed();
    const subscriber = await host.connect();
    assertEquals(await subscriber.subscribe([deep, 0], [`${deep}#`, 0], ["a", 1]), [0x80, 0x80, 1]);
    await subscriber.unsubscribe(deep, `${deep}#`);
    const willing = host.open();
    willing.sendConnect({ clientId: "w", will: { topic: deep } });
    await willing.expectClosed();
    await neighbour.ping();
    assertEquals(host.broker.counters.closes["protocol-error"], 2);
    assertEquals([host.broker.retained.size, host.broker.subscriptionCount], [0, 1]);
  });
}

Deno.test("a topic of as many levels as are allowed travels, by wildcards too", async () => {
  for (const levels of [199, 200, 60_000]) {
    await using host = startBroker({ limits: { topicLevelsMax: Math.max(levels, 200) } });
    const topic = "/".repeat(levels - 1);
    const subscriber = await host.connect();
    const filter = Array(levels).fill("+").join("/");
    // 60,000 levels of it have more characters than a packet can say.
    if (filter.length <= 65_535) assertEquals(await subscriber.subscribe([filter, 0]), [0]);
    assertEquals(await subscriber.subscribe(["#", 0]), [0]);
    const publisher = await host.connect();
    await publisher.publish(topic, "deep", { retain: true });
    await subscriber.expectPublish({ topic, payload: "deep" });
    assertEquals(await publisher.subscribe([topic, 0]), [0]);
    await publisher.expectPublish({ topic, payload: "deep", retain: true });
  }
});

// Moquette CVE-2026-95843, mosquitto 2.0: a share that was parsed by halves stayed behind as a plain subscription.
Deno.test("[CVE-2026-95843] a malformed share subscription is refused and leaves no subscription", async () => {
  await using host = startBroker();
  const client = await host.connect();
  const filters = [
    "$share//x",
    "$share/a",
    "$share/a/",
    "$share/+/x",
    "$share/#/x",
    "$share/g/a#",
    "$share/g/",
  ];
  assertEquals(
    await client.subscribe(...filters.map((filter) => [filter, 0] as const)),
    filters.map(() => 0x80),
  );
  await client.unsubscribe(...filters);
  assertEquals(host.broker.subscriptionCount, 0);
  await client.publish("x", "1");
  await client.expectNothing();
});

// A SUBSCRIBE has room for 200,000 filters: a line of log for each fills a disk.
Deno.test("refused filters cost one line of log a packet", async () => {
  await using host = startBroker();
  const client = await host.connect();
  const codes = await client.subscribe(...Array(1000).fill(["a+", 0]));
  assertEquals(new Set(codes), new Set([0x80]));
  assertEquals(host.log.filter((line) => line.includes("subscription-refused")).length, 1);
  assertEquals(host.broker.counters.subscriptionsRefused, 1000);
});

// Mosquitto CVE-2018-12543 (an assertion ended the process); and nobody but the broker may speak as `$SYS`.
Deno.test("[CVE-2018-12543] a client's publish to a topic that begins with $ is refused, neither delivered nor retained", async () => {
  await using host = startBroker();
  const subscriber = await host.connect();
  await subscriber.subscribe(["$SYS/#", 2], ["$foo", 2], ["$/+", 2], ["#", 2]);
  const publisher = await host.connect();
  for (const topic of ["$SYS/broker/version", "$foo", "$/x", "$share/g/x", "$"]) {
    for (const qos of [0, 1, 2] as const) await publisher.publish(topic, "forged", { qos, retain: true });
  }
  await subscriber.expectNothing();
  assertEquals([host.broker.counters.refusals["reserved-topic"], host.broker.retained.size], [15, 0]);
});

Deno.test("clients that fill the table of retained messages do not silence $SYS", async () => {
  await using host = startBroker({ limits: { retainedMax: 3 }, sysIntervalSeconds: 10 });
  const client = await host.connect();
  for (const topic of ["a", "b", "c", "d"]) await client.publish(topic, "x", { retain: true });
  await client.subscribe(["$SYS/broker/uptime", 0]);
  await client.expectPublish({ topic: "$SYS/broker/uptime", payload: "0 seconds", retain: true });
  host.clock.advance(10_000);
  await client.expectPublish({ topic: "$SYS/broker/uptime", payload: "10 seconds" });
});

// Mosquitto CVE-2021-34432, CVE-2017-7653: forwarded, such a text disconnects every subscriber that checks it.
const badTexts = [
  ["that is not UTF-8", "00 02 c3 28"],
  ["with half a surrogate pair", "00 03 ed a0 80"],
  ["with U+0000", "00 03 'a' 00 'b'"],
  ["that ends after its packet", "00 09 'a'"],
] as const;
for (const [what, text] of badTexts) {
  Deno.test(`[CVE-2021-34432] [CVE-2017-7653] a text ${what} ends its sender's connection, wherever it stands`, async () => {
    const header = "00 04 'MQTT' 04";
    await assertEnds("malformed-packet", (it) => it.sendBytes(packetOf(0x10, `${header} 02 00 00`, text)));
    await assertEnds("malformed-packet", (it) => {
      it.sendBytes(packetOf(0x10, `${header} 06 00 00 00 01 'x'`, text, "00 01 'w'"));
    });
    for (
      const [firstByte, ...body] of [
        [0x30, text],
        [0x32, text, "00 01"],
        [0x82, "00 01", text, "00"],
        [0xa2, "00 01", text],
      ] as const
    ) {
      await assertEnds("malformed-packet", (it) => it.sendBytes(hex(CONNECT), packetOf(firstByte, ...body)));
    }
  });
}

Deno.test("[CVE-2021-34432] a topic or filter of no characters ends its sender's connection", async () => {
  for (
    const [firstByte, ...body] of [
      [0x30, "00 00"],
      [0x82, "00 01 00 00 00"],
      [0xa2, "00 01 00 00"],
    ] as const
  ) {
    await assertEnds("protocol-error", (it) => it.sendBytes(hex(CONNECT), packetOf(firstByte, ...body)));
  }
});

// Mosquitto CVE-2021-28166: a CONNACK from a client ended the broker.
Deno.test("[CVE-2021-28166] a packet that only a server sends, or nobody, ends the connection before and after CONNECT", async () => {
  const packets = ["20 02 00 00", "90 03 00 01 00", "b0 02 00 01", "d0 00", "00 00", "f0 00"];
  for (const packet of packets) {
    const reason = packet === "00 00" || packet === "f0 00" ? "malformed-packet" : "protocol-error";
    await assertEnds(reason, (attacker) => attacker.sendHex(packet));
    await assertEnds(reason, (attacker) => attacker.sendHex(CONNECT, packet));
  }
  await assertEnds("protocol-error", (attacker) => attacker.sendHex(CONNECT, CONNECT));
});

// Mosquitto CVE-2023-28366: identifiers that are never released filled the memory.
Deno.test("[CVE-2023-28366] QoS 2 messages that are begun and not released are bounded, and a repetition is none more", async () => {
  await using host = startBroker({ limits: { inboundQos2Max: 3 } });
  const client = await host.connect();
  for (const packetId of [1, 2, 3, 3, 2, 1]) {
    client.sendPublish("a", "x", { qos: 2, packetId });
    await client.expectAck("pubrec", packetId);
  }
  client.sendPublish("a", "x", { qos: 2, packetId: 4 });
  await client.expectClosed();
  assertEquals(host.broker.counters.closes["inbound-qos2-full"], 1);
  assertEquals(host.broker.counters.messagesReceived, 3);
});

// rmqtt #456: after a reconnect the repetition was delivered again.
Deno.test("[rmqtt #456] a QoS 2 message that is replayed is delivered once, across a reconnect too", async () => {
  await using host = startBroker();
  const subscriber = await host.connect();
  await subscriber.subscribe(["a", 0]);
  const before = await host.connect({ clientId: "p", cleanStart: false });
  before.sendPublish("a", "once", { qos: 2, packetId: 7 });
  await before.expectAck("pubrec", 7);
  before.cut();
  const client = await host.connect({ clientId: "p", cleanStart: false });
  for (const dup of [true, true, false]) {
    client.sendPublish("a", "once", { qos: 2, packetId: 7, dup });
    await client.expectAck("pubrec", 7);
  }
  await subscriber.expectPublish({ topic: "a", payload: "once" });
  client.sendAck("pubrel", 7);
  await client.expectAck("pubcomp", 7);
  await client.publish("a", "another", { qos: 2, packetId: 7 });
  await subscriber.expectPublish({ topic: "a", payload: "another" });
  await subscriber.expectNothing();
});

// Moquette CVE-2026-95845.
Deno.test("[CVE-2026-95845] an offline session's queue is bounded in messages and bytes, and all queues together", async () => {
  // What a message of 100 bytes on the topic "t" costs.
  const messageBytes = 301;
  for (
    const [limits, queuedEach] of [
      [{ queueMessagesMax: 4 }, [4, 4]],
      [{ queueBytesMax: 3 * messageBytes }, [3, 3]],
      [{ queueBytesMax: 3 * messageBytes - 1 }, [2, 2]],
      [{ queueTotalBytesMax: 8 * messageBytes }, [4, 4]],
      [{ queueTotalBytesMax: 9 * messageBytes }, [5, 4]],
    ] as const
  ) {
    await using host = startBroker({ limits: { sessionExpirySeconds: 60, ...limits } });
    for (const clientId of ["a", "b"]) {
      const client = await host.connect({ clientId, cleanStart: false });
      await client.subscribe(["t", 1]);
      await client.disconnect();
    }
    const publisher = await host.connect();
    for (let count = 0; count < 10; count++) await publisher.publish("t", "x".repeat(100), { qos: 1 });
    const { sessions, counters } = host.broker;
    assertEquals([sessions.get("a")!.outbound.pendingCount, sessions.get("b")!.outbound.pendingCount], [
      ...queuedEach,
    ]);
    assertEquals(counters.deliveries["dropped:full"], 20 - queuedEach[0] - queuedEach[1]);
    // emqx #14482: what nobody comes back for must end, and give its room back.
    host.clock.advance(3 * 60_000);
    assertEquals([sessions.size, sessions.queueBudget.bytes, host.broker.subscriptionCount], [1, 0, 0]);
  }
});

// NanoMQ CVE-2025-59946, CVE-2026-22040: take-over and subscribing at once left freed sessions subscribed.
Deno.test("[CVE-2025-59946] [CVE-2026-22040] 500 rounds of take-over and subscribing leave nothing behind", async () => {
  await using host = startBroker({ limits: { inflightMax: 2 } });
  const random = new Random(0x7a6b);
  const clientIds = ["a", "b", "c"];
  let last: RawClient | undefined;
  for (let round = 0; round < 500; round++) {
    const client = host.open();
    const will = random.below(3) === 0 ? { topic: "x/will" } : undefined;
    client.sendConnect({ clientId: random.pick(clientIds), cleanStart: random.below(2) === 0, will });
    const requests = [1, 2].map(() => ({ filter: random.pick(["#", "x/+", "x/1", "y"]), qos: 1 as const }));
    client.send({ type: "subscribe", packetId: 1, requests });
    client.sendPublish("x/1", "payload", { qos: 1, retain: random.below(4) === 0, packetId: 2 });
    if (random.below(2) === 0) client.send({ type: "unsubscribe", packetId: 3, filters: ["#"] });
    if (random.below(4) === 0) last?.cut();
    if (random.below(8) === 0) client.send({ type: "disconnect", reasonCode: 0 });
    if (random.below(2) === 0) await client.receive();
    last = client;
  }
  for (const clientId of clientIds) await (await host.connect({ clientId })).disconnect();
  const { broker, server } = host;
  await eventually(() => assertEquals(server.connectionCount, 0));
  assertEquals([broker.sessions.size, broker.sessions.offlineCount, broker.subscriptionCount], [0, 0, 0]);
  assertEquals([broker.sessions.queueBudget.bytes, server.outboxBytes], [0, 0]);
});

// A peer that sends and never reads: its answers were bounded by nothing.
Deno.test("a peer that does not read its answers is closed before they fill the memory", async () => {
  await using host = startBroker({ limits: { outboxBytesMax: 64 * 1024, packetBytesMax: 64 * 1024 } });
  const neighbour = await host.connect();
  const attacker = await host.connect();
  const pings = new Uint8Array(64 * 1024).fill(0xc0);
  for (let at = 1; at < pings.length; at += 2) pings[at] = 0;
  for (let count = 0; count < 100; count++) attacker.sendBytes(pings);
  await eventually(() => assertEquals(host.broker.counters.closes["slow-consumer"], 1));
  assertEquals(host.server.outboxBytes, 0);
  await neighbour.ping();
  // 64 KiB on the link, twice the bound in the outbox, one read more: not the 6.5 MB that were sent.
  assertLess(host.broker.counters.bytesReceived, 5 * 64 * 1024);
});

/** A packet with a length that fits. */
function packetOf(firstByte: number, ...texts: string[]): Uint8Array {
  const body = texts.flatMap((text) => [...hex(text)]);
  assert(body.length < 128);
  return Uint8Array.of(firstByte, body.length, ...body);
}
