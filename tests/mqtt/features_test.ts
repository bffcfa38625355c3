import { assert, assertEquals } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { BEFORE_5, testVersions } from "../support/versions.ts";

testVersions(
  "a publish above Maximum QoS closes the connection, a subscription is granted it",
  async (version) => {
    await using test = startBroker({ features: { maximumQos: 1 } });
    const watcher = await test.connect({ version });
    assertEquals(await watcher.subscribe(["a", 2], ["b", 0]), [1, 0]);
    const client = await test.connect({ version });
    await client.publish("a", "1", { qos: 1 });
    await watcher.takePublish({ topic: "a", payload: "1", qos: 1 });
    client.sendPublish("a", "2", { qos: 2 });
    await client.expectEnded(ReasonCode.qosNotSupported);
    await watcher.expectNothing();
  },
);

testVersions("a will that the broker cannot keep closes the connection without CONNACK", async (version) => {
  await using test = startBroker({ features: { maximumQos: 1, retainAvailable: false } });
  for (const will of [{ topic: "w", qos: 2 }, { topic: "w", retain: true }] as const) {
    const client = test.open();
    client.sendConnect({ version, will });
    await client.expectClosed();
  }
  await test.connect({ version, will: { topic: "w", qos: 1 } });
}, BEFORE_5); // 5.0 has a CONNACK for it: tests/mqtt5/features_test.ts.

testVersions("without retained messages RETAIN closes the connection", async (version) => {
  await using test = startBroker({ features: { retainAvailable: false } });
  const client = await test.connect({ version });
  client.sendPublish("a", "x", { qos: 1, retain: true });
  await client.expectEnded(ReasonCode.retainNotSupported);
  assertEquals(test.broker.retained.size, 0);
});

testVersions(
  "[MQTT-3.8.3-2] without wildcards and sharing each such filter fails, the others do not",
  async (version) => {
    await using test = startBroker({
      features: { wildcardSubscriptionsAvailable: false, sharedSubscriptionsAvailable: false },
    });
    const client = await test.connect({ version });
    assertEquals(await client.subscribe(["a/#", 1], ["a/b", 1], ["+", 0], ["$share/g/a", 0]), [
      0x80,
      1,
      0x80,
      0x80,
    ]);
    await (await test.connect()).publish("a/b", "x");
    await client.expectPublish({ topic: "a/b", payload: "x" });
    await client.expectNothing();
    assertEquals(test.broker.counters.subscriptionsRefused, 3);
  },
  BEFORE_5, // At 5.0 the client was told, and it is an error to ask all the same.
);

// CVE-2020-13849: without a bound a client holds its connection for ever, at no cost.
testVersions("a silent client is found out however long a keep-alive it wants, or none", async (version) => {
  await using test = startBroker({ features: { keepAliveSecondsMax: 10 } });
  for (const keepAliveSeconds of [0, 600]) {
    const client = await test.connect({ version, keepAliveSeconds });
    test.clock.advance(15_000);
    await client.ping();
    test.clock.advance(16_000);
    await client.expectEnded(ReasonCode.keepAliveTimeout);
  }
  const line = test.log.find((line) => line.includes("keep-alive-timeout"));
  assert(line?.includes("1.5 times the keep-alive of 10 seconds"), line);
});

Deno.test("without retained messages the figures of $SYS come anew each time", async () => {
  await using test = startBroker({
    features: { retainAvailable: false },
    sysIntervalSeconds: 10,
    version: "1",
  });
  const client = await test.connect();
  await client.subscribe(["$SYS/broker/version", 0]);
  await client.expectNothing();
  for (let round = 0; round < 2; round++) {
    test.clock.advance(10_000);
    await client.expectPublish({ topic: "$SYS/broker/version", payload: "pregon 1" });
  }
});
