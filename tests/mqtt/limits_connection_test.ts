import { assertEquals, assertGreater } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { hex } from "../packet/fixtures.ts";
import { eventually } from "../support/eventually.ts";
import { packetHex } from "../support/packet_hex.ts";
import { connectPacket, frameOf, publishFields } from "../support/raw_client.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

testVersions(
  "connectionsMax 3: a fourth link is closed at once, and has a place when another goes",
  async (version) => {
    await using test = startBroker({ limits: { connectionsMax: 3 } });
    const clients = [await test.connect(), await test.connect(), test.open()];
    const refused = test.open();
    refused.sendConnect({ version });
    await refused.expectClosed();
    assertEquals(test.broker.counters.closes["too-many-connections"], 1);
    assertEquals(test.server.connectionCount, 3);
    clients[0]!.cut();
    await clients[1]!.ping();
    await test.connect();
    assertEquals(test.broker.counters.connectionsAccepted, 4);
    assertEquals(test.broker.counters.connectionsMax, 3);
  },
);

testVersions(
  "connectTimeoutSeconds 10: a link without CONNECT is closed then, one with a trickle of bytes too",
  async (version) => {
    await using test = startBroker({ limits: { connectTimeoutSeconds: 10 } });
    const silent = test.open();
    const slow = test.open();
    slow.sendHex("10 0d 00 04 'MQ'");
    const connected = await test.connect({ version });
    await connected.ping();
    test.clock.advance(9_500);
    assertEquals(test.server.connectionCount, 3);
    slow.sendHex("'TT'");
    test.clock.advance(500);
    await silent.expectClosed();
    await slow.expectClosed();
    await connected.ping();
    assertEquals(test.broker.counters.closes["not-connected-in-time"], 2);
  },
);

testVersions("connectTimeoutSeconds holds for an authenticator that never answers", async (version) => {
  await using test = startBroker({
    limits: { connectTimeoutSeconds: 10 },
    authenticators: [{ name: "asleep", authenticate: () => new Promise(() => {}) }],
  });
  const client = test.open();
  client.sendConnect({ version });
  client.sendPublish("a", "x");
  await eventually(() => assertGreater(test.broker.counters.bytesReceived, 0));
  test.clock.advance(10_000);
  await client.expectClosed();
  assertEquals(test.broker.counters.closes["not-connected-in-time"], 1);
  assertEquals(test.broker.sessions.size, 0);
});

Deno.test("connectBytesMax: a CONNECT of that size is taken, a larger one is closed before it came whole", async () => {
  const connectBytesMax = 200;
  for (const [bytes, isAccepted] of [[199, true], [200, true], [201, false]] as const) {
    await using test = startBroker({ limits: { connectBytesMax, clientIdBytesMax: 1000 } });
    const client = test.open();
    // Two bytes of remaining length from 128 on, so three before the body.
    const idBytes = bytes - 3 - 12;
    const fields = hex(`00 04 'MQTT' 04 02 00 00 00 ${idBytes.toString(16)}`);
    const body = new Uint8Array([...fields, ...new Uint8Array(idBytes).fill(0x61)]);
    const packet = frameOf(0x10, body);
    assertEquals(packet.length, bytes);
    client.sendBytes(isAccepted ? packet : packet.subarray(0, 3));
    if (isAccepted) await client.expectHex("20 02 00 00");
    await (isAccepted ? client.expectNothing() : client.expectClosed());
    assertEquals(test.broker.counters.closes["packet-too-large"], isAccepted ? 0 : 1);
    assertEquals(test.broker.counters.limitsMet.connectBytesMax, isAccepted ? 0 : 1);
  }
});

testVersionPairs(
  "packetBytesMax: a packet of that size is taken, a larger one is closed before it came whole",
  async (sender, receiver) => {
    const packetBytesMax = 1000;
    for (const [bytes, isAccepted] of [[999, true], [1000, true], [1001, false]] as const) {
      await using test = startBroker({ limits: { packetBytesMax } });
      const watcher = await test.connect({ version: receiver });
      await watcher.subscribe(["a", 0]);
      const client = await test.connect({ version: sender });
      const before = packetHex("00 01 'a' {00}", sender);
      const payload = new Uint8Array(bytes - 3 - before.length).fill(0x78);
      const packet = frameOf(0x30, new Uint8Array([...before, ...payload]));
      assertEquals(packet.length, bytes);
      client.sendBytes(isAccepted ? packet : packet.subarray(0, 3));
      if (isAccepted) await watcher.expectPublish({ topic: "a", payload: "x".repeat(payload.length) });
      else await client.expectEnded(ReasonCode.packetTooLarge);
      await watcher.expectNothing();
      assertEquals(test.broker.counters.closes["packet-too-large"], isAccepted ? 0 : 1);
      assertEquals(test.broker.counters.limitsMet.packetBytesMax, isAccepted ? 0 : 1);
    }
  },
);

testVersions("the bound of packets counts from CONNECT on, in the same write too", async (version) => {
  await using test = startBroker({ limits: { connectBytesMax: 100 } });
  const client = test.open();
  client.version = version;
  const publish = publishFields("a", "x".repeat(500), { qos: 1, packetId: 1 });
  client.send(connectPacket({ version }), publish);
  await client.expectConnack();
  await client.expectAck("puback", 1);
});
