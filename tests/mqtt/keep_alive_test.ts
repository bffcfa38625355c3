import { assertEquals } from "@std/assert";
import { startBroker } from "../support/start_broker.ts";
import { testVersions } from "../support/versions.ts";

testVersions(
  "[MQTT-3.1.2-24] a silent client is closed at 1.5 times its keep-alive and its will published",
  async (version) => {
    await using test = startBroker();
    const watcher = await test.connect();
    await watcher.subscribe(["will", 0]);
    const client = await test.connect({ version, keepAliveSeconds: 10, will: { topic: "will" } });
    test.clock.advance(15_000);
    await watcher.expectNothing();
    test.clock.advance(15_500);
    await client.expectClosed();
    await watcher.expectPublish({ topic: "will", payload: "gone" });
    assertEquals(test.broker.counters.closes["keep-alive-timeout"], 1);
  },
);

testVersions("[MQTT-3.1.2-24] whatever packet a client sends keeps it alive", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version, keepAliveSeconds: 2 });
  const neighbour = await test.connect();
  const packets = ["c0 00", "30 04 00 01 'a' 31", "62 02 00 01", "40 02 00 01"];
  for (let round = 0; round < 12; round++) {
    test.clock.advance(2_900);
    client.sendHex(packets[round % packets.length]!);
    await neighbour.ping();
  }
  for (let round = 0; round < 3; round++) await client.expectHex("d0 00", "70 02 00 01");
  test.clock.advance(4_000);
  await client.expectClosed();
});

Deno.test("[MQTT-3.1.2-24] bytes that make no packet do not keep a client alive", async () => {
  await using test = startBroker();
  const client = await test.connect({ keepAliveSeconds: 2 });
  const neighbour = await test.connect();
  client.sendHex("30 7f");
  for (let second = 0; second < 5; second++) {
    client.sendHex("00");
    await neighbour.ping();
    test.clock.advance(1_000);
  }
  await client.expectClosed();
  assertEquals(test.broker.counters.closes["keep-alive-timeout"], 1);
});

testVersions("[MQTT-3.1.2-24] what the broker sends does not keep a client alive", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version, keepAliveSeconds: 2 });
  await client.subscribe(["a", 0]);
  const publisher = await test.connect();
  for (let second = 0; second < 4; second++) {
    publisher.sendPublish("a", "x");
    await publisher.ping();
    test.clock.advance(1_000);
  }
  for (let second = 0; second < 4; second++) await client.receivePublish();
  await client.expectClosed();
});

testVersions("[MQTT-3.1.2-24] keep-alive 0 is none", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version, keepAliveSeconds: 0 });
  test.clock.advance(24 * 3_600_000);
  await client.ping();
});

Deno.test("[MQTT-3.1.2-24] the longest keep-alive is 65535 seconds", async () => {
  await using test = startBroker();
  const client = await test.connect({ keepAliveSeconds: 0xffff });
  test.clock.advance(0xffff * 1500);
  await client.ping();
  test.clock.advance(0xffff * 1500 + 1000);
  await client.expectClosed();
});
