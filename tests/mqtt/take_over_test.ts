import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

testVersionPairs(
  "[MQTT-3.1.4-2] [MQTT5-3.1.4-3] a client identifier that connects again takes over: the old connection is closed",
  async (old, young) => {
    await using test = startBroker();
    const first = await test.connect({ version: old, clientId: "same" });
    const second = await test.connect({ version: young, clientId: "same" });
    await first.expectEnded(ReasonCode.sessionTakenOver);
    await second.subscribe(["a", 0]);
    await second.publish("a", "served");
    await second.expectPublish({ topic: "a", payload: "served" });
    assertEquals(test.broker.counters.closes["session-taken-over"], 1);
    assertEquals(test.broker.sessions.size, 1);
  },
);

testVersionPairs(
  "[MQTT-3.1.4-2] [MQTT5-3.1.4-3] a kept session is taken over with what was under way",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const first = await test.connect({ version: receiver, clientId: "same", cleanStart: false });
    await first.subscribe(["a", 1]);
    await publisher.publish("a", "1", { qos: 1 });
    const packetId = await first.expectPublish({ topic: "a", payload: "1", qos: 1 });
    const second = await test.connect({ version: receiver, clientId: "same", cleanStart: false });
    await first.expectEnded(ReasonCode.sessionTakenOver);
    await second.takePublish({ topic: "a", payload: "1", qos: 1, dup: true, packetId });
    await publisher.publish("a", "2", { qos: 1 });
    await second.takePublish({ topic: "a", payload: "2", qos: 1 });
  },
);

testVersionPairs(
  "[MQTT-3.1.2-8] [MQTT5-3.1.2-8] a take-over publishes the will of the old connection, once",
  async (sender, receiver) => {
    await using test = startBroker();
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["will/#", 0]);
    const will = (topic: string) => ({ topic: `will/${topic}` });
    const first = await test.connect({ version: sender, clientId: "same", will: will("old") });
    const second = await test.connect({ version: sender, clientId: "same", will: will("new") });
    await first.expectEnded(ReasonCode.sessionTakenOver);
    await watcher.expectPublish({ topic: "will/old", payload: "gone" });
    await watcher.expectNothing();
    await second.disconnect();
    await watcher.expectNothing();
  },
);

testVersionPairs(
  "what the old connection sends after the take-over is not handled",
  async (sender, receiver) => {
    await using test = startBroker();
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["a", 0]);
    const first = await test.connect({ version: sender, clientId: "same" });
    await test.connect({ clientId: "same" });
    first.isConnected = false;
    first.sendPublish("a", "too late");
    await watcher.expectNothing();
    await first.expectEnded(ReasonCode.sessionTakenOver);
  },
);

testVersions(
  "a client that is taken over by its own will's reader keeps its session whole",
  async (version) => {
    await using test = startBroker();
    const first = await test.connect({
      version,
      clientId: "same",
      cleanStart: false,
      will: { topic: "w", qos: 1 },
    });
    await first.subscribe(["w", 1]);
    const second = await test.connect({ version, clientId: "same", cleanStart: false });
    await first.expectEnded(ReasonCode.sessionTakenOver);
    await second.takePublish({ topic: "w", payload: "gone", qos: 1 });
    await second.expectNothing();
  },
);

testVersions("a hundred take-overs in a row leave one connection and one session", async (version) => {
  await using test = startBroker();
  for (let round = 0; round < 100; round++) {
    const client = await test.connect({ version, clientId: "same", cleanStart: round % 3 === 0 });
    await client.subscribe(["a", 1]);
  }
  await test.settle();
  assertEquals(test.server.connectionCount, 1);
  assertEquals(test.broker.sessions.size, 1);
  assertEquals(test.broker.subscriptionCount, 1);
  assertEquals(test.broker.counters.closes["session-taken-over"], 99);
});
