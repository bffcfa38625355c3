import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { subscribeFailure, testVersionPairs, testVersions } from "../support/versions.ts";

/** A filter, the topics that it matches and some that it does not. */
const MATCHES: readonly (readonly [filter: string, matching: string[], other: string[]])[] = [
  ["#", ["a", "a/b", "/", "/a", "a//b"], []],
  ["a/#", ["a", "a/", "a/b", "a/b/c"], ["b", "ab", "/a", "A"]],
  ["+", ["a", "é"], ["a/b", "/a", "/"]],
  ["+/+", ["a/b", "/a", "/", "a/"], ["a", "a/b/c"]],
  ["/+", ["/a", "/"], ["a", "a/b"]],
  ["a/+", ["a/b", "a/"], ["a", "a/b/c"]],
  ["a/+/c", ["a/b/c", "a//c"], ["a/c", "a/b/d", "a/b/c/d"]],
  ["+/a/#", ["x/a", "x/a/b", "/a"], ["a", "x/b"]],
  ["a/b", ["a/b"], ["a/b/", "/a/b", "a//b", "A/b"]],
];

testVersionPairs(
  "[MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-3.3.2-3] [MQTT5-4.7.1-1] [MQTT5-4.7.1-2] [MQTT5-3.3.2-3] wildcards match by levels, and the topic itself is delivered",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    for (const [filter, matching, other] of MATCHES) {
      const client = await test.connect({ version: receiver });
      assertEquals(await client.subscribe([filter, 0]), [0], filter);
      for (const topic of other) await publisher.publish(topic, "no");
      for (const topic of matching) {
        await publisher.publish(topic, filter);
        await client.expectPublish({ topic, payload: filter });
      }
      await client.expectNothing();
      await client.disconnect();
    }
  },
);

testVersions(
  "[MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT5-4.7.1-1] [MQTT5-4.7.1-2] misplaced wildcards are refused in SUBACK",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    const filters = ["a#", "#a", "a/#/b", "#/", "a+", "+a", "a/b+/c", "a/+b", "++", "##", "+#"];
    const codes = await client.subscribe(...filters.map((filter) => [filter, 0] as const));
    assertEquals(codes, filters.map(() => subscribeFailure(version, ReasonCode.topicFilterInvalid)));
    assertEquals(test.broker.counters.subscriptionsRefused, filters.length);
    assertEquals(test.broker.subscriptionCount, 0);
  },
);

testVersionPairs(
  "[MQTT-3.3.2-2] [MQTT-4.7.1-1] [MQTT5-3.3.2-2] [MQTT5-4.7.0-1] a topic with wildcards is closed and never routed",
  async (sender, receiver) => {
    for (const topic of ["a/+", "a/#", "#", "+", "a+b"]) {
      await using test = startBroker();
      const watcher = await test.connect({ version: receiver });
      await watcher.subscribe(["#", 0]);
      const client = await test.connect({ version: sender });
      client.sendPublish(topic, "x");
      await client.expectEnded(ReasonCode.topicNameInvalid);
      await watcher.expectNothing();
      assertEquals(test.broker.counters.closes["protocol-error"], 1);
    }
  },
);

testVersions(
  "[MQTT-4.7.2-1] [MQTT5-4.7.2-1] wildcards at the root do not match topics that begin with $",
  async (version) => {
    await using test = startBroker({ sysIntervalSeconds: 10, version: "1.2.3" });
    const wild = await test.connect({ version });
    await wild.subscribe(["#", 0], ["+/broker/version", 0], ["+/#", 0]);
    await wild.expectNothing();
    const exact = await test.connect({ version });
    await exact.subscribe(["$SYS/broker/version", 0]);
    await exact.expectPublish({ topic: "$SYS/broker/version", payload: "pregon 1.2.3", retain: true });
    const below = await test.connect({ version });
    await below.subscribe(["$SYS/broker/clients/+", 0]);
    for (let count = 0; count < 5; count++) {
      const { topic } = await below.receivePublish();
      assertEquals(topic.startsWith("$SYS/broker/clients/"), true);
    }
    test.clock.advance(10_000);
    await below.receivePublish();
    await wild.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-4.7.2-1] [MQTT5-4.7.2-1] clients may not publish below $, and are acknowledged all the same before 5.0",
  async (sender, receiver) => {
    await using test = startBroker();
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["$SYS/#", 0], ["$x", 0], ["#", 0]);
    const client = await test.connect({ version: sender });
    const atQos1 = client.sendPublish("$SYS/broker/version", "forged", { qos: 1, retain: true });
    await client.expectAck("puback", atQos1, ReasonCode.notAuthorized);
    const atQos2 = client.sendPublish("$x", "y", { qos: 2 });
    await client.expectAck("pubrec", atQos2, ReasonCode.notAuthorized);
    await watcher.expectNothing();
    assertEquals(test.broker.counters.refusals["reserved-topic"], 2);
    assertEquals(test.broker.retained.size, 0);
  },
);

testVersions(
  "[MQTT-4.7.3-4] [MQTT5-4.7.3-4] no character of a name is changed or folded",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    const names = [
      "a/b",
      "A/b",
      "a//b",
      "/a/b",
      "a/b/",
      "\u00e9",
      "e\u0301",
      "\ufeffa",
      "a",
      " a",
      "a ",
      "a b",
      "\u{1f600}",
    ];
    await client.subscribe(...names.map((name) => [name, 0] as const));
    for (const name of names) {
      await client.publish(name, name);
      await client.expectPublish({ topic: name, payload: name });
      await client.expectNothing();
    }
  },
);
