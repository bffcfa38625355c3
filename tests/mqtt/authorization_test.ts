import { assertEquals } from "@std/assert";
import type { Action } from "../../broker/core/identity.ts";
import { startBroker, type TestBroker } from "../support/start_broker.ts";
import { BEFORE_5, testVersionPairs, testVersions } from "../support/versions.ts";

/** A broker where each user name has the rights that the test says. */
function startWith(rights: Record<string, (action: Action, name: string) => boolean>): TestBroker {
  return startBroker({
    clientIdPerUser: false,
    authenticators: [{
      name: "rights",
      authenticate: ({ username = "" }) => ({
        granted: true,
        identity: { name: username, can: (action, name) => rights[username]?.(action, name) ?? true },
      }),
    }],
  });
}

testVersions(
  "[MQTT-3.3.5-2] a message that may not be published is acknowledged and goes nowhere",
  async (version) => {
    await using test = startWith({ reader: (action) => action !== "publish" });
    const watcher = await test.connect();
    await watcher.subscribe(["#", 2]);
    const client = await test.connect({ version, username: "reader" });
    for (const qos of [0, 1, 2] as const) await client.publish("a", "x", { qos, retain: true });
    await watcher.expectNothing();
    assertEquals(test.broker.retained.size, 0);
    assertEquals(test.broker.counters.refusals.denied, 3);
  },
  BEFORE_5, // 5.0 has an answer: tests/mqtt5/flow_test.ts
);

testVersionPairs(
  "who may not receive a topic is not given it, live or retained",
  async (sender, receiver) => {
    await using test = startWith({
      outsider: (action, name) => action !== "receive" || !name.startsWith("secret/"),
    });
    const publisher = await test.connect({ version: sender });
    const client = await test.connect({ version: receiver, username: "outsider" });
    await client.subscribe(["#", 1]);
    await publisher.publish("secret/a", "x", { qos: 1, retain: true });
    await publisher.publish("open/a", "y", { qos: 1, retain: true });
    await client.takePublish({ topic: "open/a", payload: "y", qos: 1 });
    await client.subscribe(["+/a", 1]);
    await client.takePublish({ topic: "open/a", payload: "y", qos: 1, retain: true });
    await client.expectNothing();
    assertEquals(test.broker.counters.deliveries["dropped:denied"], 1);
  },
);

testVersionPairs(
  "a session that another identity resumes gives it nothing it may not receive",
  async (sender, receiver) => {
    await using test = startWith({ outsider: (action) => action !== "receive" });
    const publisher = await test.connect({ version: sender });
    const first = await test.connect({
      version: receiver,
      clientId: "s",
      cleanStart: false,
      username: "insider",
    });
    await first.subscribe(["a", 1]);
    await publisher.publish("a", "live", { qos: 1 });
    await first.expectPublish({ topic: "a", payload: "live", qos: 1 });
    first.cut();
    await publisher.publish("a", "queued", { qos: 1 });
    const second = await test.connect({
      version: receiver,
      clientId: "s",
      cleanStart: false,
      username: "outsider",
    });
    await second.expectNothing();
    await publisher.publish("a", "later", { qos: 1 });
    await second.expectNothing();
  },
);
