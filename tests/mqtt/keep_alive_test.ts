import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

testVersionPairs(
  "[MQTT-3.1.2-24] [MQTT5-3.1.2-22] a silent client is closed at 1.5 times its keep-alive and its will published",
  async (sender, receiver) => {
    await using test = startBroker();
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["will", 0]);
    const client = await test.connect({ version: sender, keepAliveSeconds: 10, will: { topic: "will" } });
    test.clock.advance(15_000);
    await watcher.expectNothing();
    test.clock.advance(15_500);
    await client.expectEnded(ReasonCode.keepAliveTimeout);
    await watcher.expectPublish({ topic: "will", payload: "gone" });
    assertEquals(test.broker.counters.closes["keep-alive-timeout"], 1);
  },
);

testVersionPairs(
  "[MQTT-3.1.2-24] [MQTT5-3.1.2-22] whatever packet a client sends keeps it alive",
  async (sender, receiver) => {
    await using test = startBroker();
    const client = await test.connect({ version: sender, keepAliveSeconds: 2 });
    const neighbour = await test.connect({ version: receiver });
    const packets = ["c0 00", "30 [00 01 'a' {00} 31]", "62 02 00 01", "40 02 00 01"];
    for (let round = 0; round < 12; round++) {
      test.clock.advance(2_900);
      client.sendHex(packets[round % packets.length]!);
      await neighbour.ping();
    }
    for (let round = 0; round < 3; round++) {
      await client.expectHex("d0 00");
      await client.expectAck("pubcomp", 1, ReasonCode.packetIdentifierNotFound);
    }
    test.clock.advance(4_000);
    await client.expectEnded(ReasonCode.keepAliveTimeout);
  },
);

testVersionPairs(
  "[MQTT-3.1.2-24] [MQTT5-3.1.2-22] bytes that make no packet do not keep a client alive",
  async (sender, receiver) => {
    await using test = startBroker();
    const client = await test.connect({ version: sender, keepAliveSeconds: 2 });
    const neighbour = await test.connect({ version: receiver });
    client.sendHex("30 7f");
    for (let second = 0; second < 5; second++) {
      client.sendHex("00");
      await neighbour.ping();
      test.clock.advance(1_000);
    }
    await client.expectEnded(ReasonCode.keepAliveTimeout);
    assertEquals(test.broker.counters.closes["keep-alive-timeout"], 1);
  },
);

testVersionPairs(
  "[MQTT-3.1.2-24] [MQTT5-3.1.2-22] what the broker sends does not keep a client alive",
  async (sender, receiver) => {
    await using test = startBroker();
    const client = await test.connect({ version: receiver, keepAliveSeconds: 2 });
    await client.subscribe(["a", 0]);
    const publisher = await test.connect({ version: sender });
    for (let second = 0; second < 4; second++) {
      publisher.sendPublish("a", "x");
      await publisher.ping();
      test.clock.advance(1_000);
    }
    for (let second = 0; second < 4; second++) await client.receivePublish();
    await client.expectEnded(ReasonCode.keepAliveTimeout);
  },
);

testVersions("[MQTT-3.1.2-24] [MQTT5-3.1.2-22] keep-alive 0 is none", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version, keepAliveSeconds: 0 });
  test.clock.advance(24 * 3_600_000);
  await client.ping();
});

testVersions("[MQTT-3.1.2-24] [MQTT5-3.1.2-22] the longest keep-alive is 65535 seconds", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version, keepAliveSeconds: 0xffff });
  test.clock.advance(0xffff * 1500);
  await client.ping();
  test.clock.advance(0xffff * 1500 + 1000);
  await client.expectEnded(ReasonCode.keepAliveTimeout);
});
