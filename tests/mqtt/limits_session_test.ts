import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { expectRefused } from "../mqtt5/support.ts";
import { startBroker } from "../support/start_broker.ts";
import { subscribeFailure, testVersionPairs, testVersions } from "../support/versions.ts";

testVersions(
  "sessionsMax 3: a fourth client is answered 0x03 and closed; one that has a session is not",
  async (version) => {
    await using test = startBroker({ limits: { sessionsMax: 3 } });
    const first = await test.connect({ version, clientId: "1", cleanStart: false });
    await first.disconnect();
    await test.connect({ version, clientId: "2" });
    await test.connect({ version, clientId: "3" });
    assertEquals(test.broker.counters.sessionsRefused, 0);
    const refused = test.open();
    refused.sendConnect({ version, clientId: "4", will: { topic: "will" } });
    await refused.expectRefused(3, ReasonCode.serverUnavailable);
    assertEquals(test.broker.counters.sessionsRefused, 1);
    await test.connect({ version, clientId: "1", cleanStart: true });
    const three = await test.connect({ version, clientId: "3" });
    await three.disconnect();
    await test.connect({ version, clientId: "4" });
    assertEquals(test.broker.sessions.size, 3);
  },
);

testVersionPairs(
  "sessionExpirySeconds 100: a session is gone so long after its connection, with all it held",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { sessionExpirySeconds: 100 } });
    const connect = () => test.connect({ version: receiver, clientId: "s", cleanStart: false });
    let client = await connect();
    await client.subscribe(["a", 1]);
    client.cut();
    const publisher = await test.connect({ version: sender });
    await publisher.publish("a", "1", { qos: 1 });

    test.clock.advance(99_000);
    client = await connect();
    await client.takePublish({ topic: "a", payload: "1", qos: 1 });
    test.clock.advance(500_000);
    assertEquals(test.broker.counters.sessionsExpired, 0);
    client.cut();
    await publisher.publish("a", "2", { qos: 1 });

    // It is looked for once a minute.
    test.clock.advance(160_500);
    assertEquals(test.broker.counters.sessionsExpired, 1);
    assertEquals(test.broker.subscriptionCount, 0);
    assertEquals(test.broker.sessions.queueBudget.bytes, 0);
    client = await connect();
    await client.expectNothing();
  },
);

testVersions(
  "subscriptionsPerSessionMax 3: a fourth filter is refused in SUBACK, an old one may change",
  async (version) => {
    await using test = startBroker({ limits: { subscriptionsPerSessionMax: 3 } });
    const client = await test.connect({ version });
    assertEquals(await client.subscribe(["a", 0], ["b", 0]), [0, 0]);
    assertEquals(await client.subscribe(["c", 0], ["d", 0], ["a", 2]), [
      0,
      subscribeFailure(version, ReasonCode.quotaExceeded),
      2,
    ]);
    assertEquals(test.broker.counters.subscriptionsRefused, 1);
    assertEquals(test.broker.counters.limitsMet.subscriptionsPerSessionMax, 1);
    await client.publish("d", "x");
    await client.expectNothing();
    await client.unsubscribe("b");
    assertEquals(await client.subscribe(["d", 1]), [1]);
    const other = await test.connect({ version });
    assertEquals(await other.subscribe(["a", 0]), [0]);
  },
);

testVersions(
  "subscriptionsMax 3: a fourth filter of whichever session is refused in SUBACK",
  async (version) => {
    await using test = startBroker({ limits: { subscriptionsMax: 3 } });
    const one = await test.connect({ version });
    const two = await test.connect({ version });
    const full = subscribeFailure(version, ReasonCode.quotaExceeded);
    assertEquals(await one.subscribe(["a", 0], ["b/+", 0]), [0, 0]);
    assertEquals(await two.subscribe(["a", 0], ["c", 0]), [0, full]);
    assertEquals(await two.subscribe(["a", 1]), [1]);
    assertEquals(test.broker.counters.subscriptionsRefused, 1);
    assertEquals(test.broker.counters.limitsMet.subscriptionsMax, 1);
    await one.disconnect();
    assertEquals(await two.subscribe(["c", 0], ["d", 0], ["e", 0]), [0, 0, full]);
    assertEquals(test.broker.subscriptionCount, 3);
  },
);

testVersionPairs(
  "topicLevelsMax 4: deeper topics are closed, deeper filters refused",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { topicLevelsMax: 4 } });
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["#", 0]);
    const client = await test.connect({ version: sender });
    const codes = await client.subscribe(["a/b/c", 0], ["a/b/c/d", 0], ["a/b/c/d/e", 0], ["a/+/+/+/#", 0]);
    const tooDeep = subscribeFailure(sender, ReasonCode.topicFilterInvalid);
    assertEquals(codes, [0, 0, tooDeep, tooDeep]);
    assertEquals(test.broker.counters.subscriptionsRefused, 2);
    for (const topic of ["a/b/c", "a/b/c/d"]) {
      await client.publish(topic, "x");
      await watcher.expectPublish({ topic, payload: "x" });
      await client.expectPublish({ topic, payload: "x" });
    }
    client.sendPublish("a/b/c/d/e", "x");
    await client.expectEnded(ReasonCode.topicNameInvalid);
    await watcher.expectNothing();
    assertEquals(test.broker.counters.closes["protocol-error"], 1);
    const willing = test.open();
    willing.sendConnect({ version: sender, will: { topic: "a/b/c/d/e" } });
    if (sender === 5) await expectRefused(willing, ReasonCode.topicNameInvalid);
    else await willing.expectClosed();
    assertEquals(test.broker.counters.limitsMet.topicLevelsMax, 4);
  },
);

testVersions(
  "filterNodesMax 4: while the filters with wildcards take up so many levels, one more is refused in SUBACK",
  async (version) => {
    await using test = startBroker({ limits: { filterNodesMax: 4 } });
    const client = await test.connect({ version });
    const full = subscribeFailure(version, ReasonCode.quotaExceeded);
    assertEquals(await client.subscribe(["a/+/c", 0], ["+", 0], ["x/#", 0]), [0, 0, full]);
    assertEquals(await client.subscribe(["+", 1]), [1]);
    assertEquals(test.broker.counters.subscriptionsRefused, 1);
    assertEquals(test.broker.counters.limitsMet.filterNodesMax, 1);
    await client.unsubscribe("+");
    assertEquals(await client.subscribe(["x/#", 0], ["+", 0]), [0, full]);
  },
);

testVersions(
  "filterShapesMax 2: a filter of a third shape is refused in SUBACK, more of the two are taken",
  async (version) => {
    await using test = startBroker({ limits: { filterShapesMax: 2 } });
    const client = await test.connect({ version });
    const full = subscribeFailure(version, ReasonCode.quotaExceeded);
    assertEquals(await client.subscribe(["a/+", 0], ["b/+/#", 0], ["+", 0], ["a/+/c", 0]), [
      0,
      0,
      full,
      full,
    ]);
    assertEquals(await client.subscribe(["a/b/c", 0], ["c/+", 0], ["a/+", 1], ["#", 0]), [0, 0, 1, 0]);
    assertEquals(test.broker.counters.subscriptionsRefused, 2);
    assertEquals(test.broker.counters.limitsMet.filterShapesMax, 2);
    await client.unsubscribe("a/+", "b/+/#", "c/+");
    assertEquals(await client.subscribe(["+/x", 0], ["a/+", 0]), [0, full]);
  },
);

testVersions(
  "filterShapesPerSessionMax 3: a filter beyond is refused in SUBACK, the others' are not, and the share goes with the session",
  async (version) => {
    await using test = startBroker({ limits: { filterShapesPerSessionMax: 3 } });
    const persistent = { version, clientId: "greedy", cleanStart: false, sessionExpirySeconds: 60 };
    const full = subscribeFailure(version, ReasonCode.quotaExceeded);
    const greedy = await test.connect(persistent);
    assertEquals(await greedy.subscribe(["a/+", 0], ["a/+/c", 0], ["a/+/c/d", 0], ["+", 0]), [
      0,
      0,
      full,
      full,
    ]);
    assertEquals(test.broker.counters.limitsMet.filterShapesPerSessionMax, 2);
    const other = await test.connect({ version });
    assertEquals(await other.subscribe(["+/b/c", 0], ["+/b/c/d", 0]), [0, full]);
    // Taken over it is the same share, begun anew an empty one.
    const over = await test.connect(persistent);
    assertEquals(await over.subscribe(["+", 0], ["a/+", 1], ["x/+/y", 0]), [full, 1, 0]);
    await over.disconnect();
    const anew = await test.connect({ ...persistent, cleanStart: true });
    assertEquals(await anew.subscribe(["+/+/+", 0], ["a/+", 0]), [0, full]);
    await anew.publish("p/q/r", "x");
    await anew.takePublish({ topic: "p/q/r", payload: "x" });
  },
);
