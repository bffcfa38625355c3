import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

testVersions(
  "[MQTT-3.1.2-4] [MQTT-4.1.0-1] [MQTT5-3.1.2-5] [MQTT5-4.1.0-1] a kept session goes on with its subscriptions",
  async (version) => {
    await using test = startBroker();
    const before = await test.connect({ version, clientId: "keeper", cleanStart: false });
    await before.subscribe(["kept/#", 1]);
    before.cut();
    const after = await test.connect({ version, clientId: "keeper", cleanStart: false });
    await after.publish("kept/a", "1", { qos: 0 });
    await after.expectPublish({ topic: "kept/a", payload: "1" });
  },
);

testVersions(
  "[MQTT-3.2.2-1] [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT5-3.2.2-2] [MQTT5-3.2.2-3] CONNACK says whether the session was there",
  async (version) => {
    await using test = startBroker();
    const present: boolean[] = [];
    for (const cleanStart of [false, false, true, false, false, true, true]) {
      const client = test.open();
      present.push(await client.connect({ version, clientId: "c", cleanStart }));
      await client.disconnect();
    }
    assertEquals(present, [false, true, false, false, true, false, false]);
  },
  [4, 5],
);

Deno.test("session present is 0 in CONNACK of MQTT 3.1, whose byte is reserved", async () => {
  await using test = startBroker();
  for (let round = 0; round < 2; round++) {
    const client = test.open();
    client.sendConnect({ version: 3, clientId: "c", cleanStart: false });
    await client.expectHex("20 02 00 00");
    await client.disconnect();
  }
});

testVersionPairs(
  "[MQTT-3.1.2-6] [MQTT-3.1.4-3] a clean session discards the one before, and is not kept itself",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const first = await test.connect({ version: receiver, clientId: "c", cleanStart: false });
    await first.subscribe(["old", 1]);
    first.cut();
    await publisher.publish("old", "queued", { qos: 1 });

    const clean = await test.connect({ version: receiver, clientId: "c", cleanStart: true });
    await clean.expectNothing();
    await clean.subscribe(["new", 1]);
    clean.cut();
    await publisher.publish("old", "2", { qos: 1 });
    await publisher.publish("new", "3", { qos: 1 });

    const last = await test.connect({ version: receiver, clientId: "c", cleanStart: false });
    await publisher.publish("old", "4", { qos: 1 });
    await publisher.publish("new", "5", { qos: 1 });
    await last.expectNothing();
    assertEquals(test.broker.subscriptionCount, 0);
    assertEquals(test.broker.sessions.queueBudget.bytes, 0);
  },
);

testVersions(
  "[MQTT-3.1.2-6] a clean session over a connected kept one discards that too",
  async (version) => {
    await using test = startBroker();
    const kept = await test.connect({ version, clientId: "c", cleanStart: false });
    await kept.subscribe(["a", 2]);
    const clean = await test.connect({ version, clientId: "c", cleanStart: true });
    await kept.expectEnded(ReasonCode.sessionTakenOver);
    await clean.publish("a", "1", { qos: 1 });
    await clean.expectNothing();
    assertEquals(test.broker.sessions.size, 1);
  },
);

testVersionPairs(
  "[MQTT-3.1.2-6] the identifiers of a discarded session's QoS 2 messages mean nothing to the next",
  async (sender, receiver) => {
    await using test = startBroker();
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["a", 0]);
    const kept = await test.connect({ version: sender, clientId: "c", cleanStart: false });
    kept.sendPublish("a", "1", { qos: 2, packetId: 7 });
    await kept.expectAck("pubrec", 7);
    kept.cut();
    const clean = await test.connect({ version: sender, clientId: "c", cleanStart: true });
    clean.sendPublish("a", "2", { qos: 2, packetId: 7 });
    await clean.expectAck("pubrec", 7);
    await watcher.expectPublish({ topic: "a", payload: "1" });
    await watcher.expectPublish({ topic: "a", payload: "2" });
  },
);

testVersionPairs(
  "[MQTT-4.1.0-2] [MQTT5-4.1.0-1] a session lasts as long as its connection, however quiet",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { sessionExpirySeconds: 60 } });
    const client = await test.connect({ version: receiver, clientId: "quiet", cleanStart: false });
    await client.subscribe(["a", 0]);
    test.clock.advance(3_600_000);
    const publisher = await test.connect({ version: sender });
    await publisher.publish("a", "still here");
    await client.expectPublish({ topic: "a", payload: "still here" });
  },
);

testVersionPairs(
  "[MQTT-3.1.2-7] a retained message outlives the session that published it",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    await publisher.publish("r", "kept", { retain: true });
    await publisher.disconnect();
    assertEquals(test.broker.sessions.size, 0);
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["r", 0]);
    await subscriber.expectPublish({ topic: "r", payload: "kept", retain: true });
  },
);
