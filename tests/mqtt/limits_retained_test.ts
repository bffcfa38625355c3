import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

testVersionPairs(
  "retainedMax 3: a fourth topic is refused whole, replacing and clearing are not",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { retainedMax: 3 } });
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["#", 0]);
    const client = await test.connect({ version: sender });
    for (const topic of ["1", "2", "3"]) {
      await client.publish(topic, "x", { retain: true, qos: 1 });
      await watcher.expectPublish({ topic, payload: "x" });
    }
    const refused = client.sendPublish("4", "x", { retain: true, qos: 1 });
    await client.expectAck("puback", refused, ReasonCode.quotaExceeded);
    await watcher.expectNothing();
    assertEquals(test.broker.counters.refusals["retained-full"], 1);
    assertEquals(test.broker.counters.limitsMet.retainedMax, 1);
    assertEquals(test.broker.retained.size, 3);
    await client.publish("4", "not retained");
    await watcher.expectPublish({ topic: "4", payload: "not retained" });
    await client.publish("3", "a longer one", { retain: true });
    await client.publish("2", "", { retain: true });
    await client.publish("4", "x", { retain: true });
    assertEquals(test.broker.counters.refusals["retained-full"], 1);
    assertEquals(test.broker.retained.size, 3);
  },
);

testVersions("retainedBytesMax: what fits exactly is kept, one byte more is refused", async (version) => {
  const bytes = await bytesOf(["1", "2"], "x".repeat(100));
  for (const [retainedBytesMax, kept] of [[bytes - 1, 1], [bytes, 2], [bytes + 1, 2]] as const) {
    await using test = startBroker({ limits: { retainedBytesMax } });
    const client = await test.connect({ version });
    await client.publish("1", "x".repeat(100), { retain: true });
    await client.publish("2", "x".repeat(100), { retain: true });
    assertEquals(test.broker.retained.size, kept);
    assertEquals(test.broker.counters.refusals["retained-full"], 2 - kept);
    assertEquals(test.broker.counters.limitsMet.retainedBytesMax, 2 - kept);
    // The bound holds: never is more kept than it says.
    assertEquals(test.broker.retained.bytes <= retainedBytesMax, true);
    await client.publish("1", "x".repeat(102), { retain: true });
    assertEquals(test.broker.retained.bytes <= retainedBytesMax, true);
    await client.publish("1", "x", { retain: true });
    await client.publish("2", "x", { retain: true });
    assertEquals(test.broker.retained.size, 2);
  }
});

testVersions("retained bytes return to nothing when all is cleared", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version });
  const topics = ["a", "a/b", "a/b/c", "d//e", "$x"];
  for (const topic of topics) await client.publish(topic, "kept", { retain: true });
  for (const topic of topics) await client.publish(topic, "kept longer", { retain: true });
  for (const topic of topics) await client.publish(topic, "", { retain: true });
  assertEquals(test.broker.retained.size, 0);
  assertEquals(test.broker.retained.bytes, 0);
});

async function bytesOf(topics: readonly string[], payload: string): Promise<number> {
  await using test = startBroker();
  const client = await test.connect();
  for (const topic of topics) await client.publish(topic, payload, { retain: true });
  return test.broker.retained.bytes;
}
