// Random rules, asked on every way on which a message can come in or go out by MQTT: each must answer as the reference does,
// which is written quite differently. `bridge/rights_parity_test.ts` asks the same over HTTP.

import { assertEquals } from "@std/assert";
import type { RawClient } from "./support/raw_client.ts";
import {
  authenticator,
  type Case,
  casesFrom,
  connectOptions,
  expectedOf,
  explained,
  FILTERS,
  FREE,
  may,
  mayPublish,
  receivable,
  SEED,
  testCases,
  TOPICS,
} from "./support/rights_cases.ts";
import { DurableBroker, publishAll, topicsCome } from "./support/rights_world.ts";
import type { TestBroker } from "./support/start_broker.ts";

const RESTARTED_RULE_SETS = 12;

testCases("subscriptions are granted, and what comes live of them is what may be read", async (test, one) => {
  const client = await test.connect(connectOptions(one));
  const codes = await client.subscribe(...FILTERS.map((filter) => [filter, 0] as const));
  assertEquals(codes, FILTERS.map((filter) => may(one, "subscribe", filter) ? 0 : 0x87));
  publishAll(test.broker, TOPICS);
  assertEquals(await topicsCome(client), expectedOf(one, FILTERS));
  client.cut();
});

testCases("a group is given what each of its members alone would be", async (test, one) => {
  const client = await test.connect(connectOptions(one));
  const { filter } = one;
  const codes = await client.subscribe([`$share/g/${filter}`, 0]);
  assertEquals(codes, [may(one, "subscribe", filter) ? 0 : 0x87]);
  publishAll(test.broker, TOPICS);
  assertEquals(await topicsCome(client), expectedOf(one, [filter]));
  client.cut();
});

testCases("what is retained comes as what is live does", async (test, one) => {
  publishAll(test.broker, TOPICS, { retain: true });
  const client = await test.connect(connectOptions(one));
  const { filter } = one;
  await client.subscribe([filter, 0]);
  assertEquals(await topicsCome(client), expectedOf(one, [filter]));
  client.cut();
});

testCases("a subscription from before the rules gives what a new one would", async (test, one) => {
  test.broker.ruleBook.replace(FREE);
  const client = await test.connect(connectOptions(one));
  await client.subscribe(...FILTERS.map((filter) => [filter, 0] as const));
  publishAll(test.broker, TOPICS);
  assertEquals((await topicsCome(client)).length, TOPICS.length);
  test.broker.ruleBook.replace(one.rules);
  publishAll(test.broker, TOPICS);
  assertEquals(await topicsCome(client), expectedOf(one, FILTERS));
  client.cut();
});

testCases("what waited offline from before the rules comes as far as it may be read", async (test, one) => {
  const client = await queuedFor(test, one, 1);
  client.cut();
  publishAll(test.broker, TOPICS, { qos: 1 });
  test.broker.ruleBook.replace(one.rules);
  const again = await test.connect({ ...connectOptions(one), cleanStart: false });
  assertEquals(await topicsCome(again), receivable(one));
  await endSession(test, one, again);
});

testCases("what waited offline under the rules is what would have come live", async (test, one) => {
  const client = await queuedFor(test, one, 1);
  client.cut();
  await test.settle();
  test.broker.ruleBook.replace(one.rules);
  publishAll(test.broker, TOPICS, { qos: 1 });
  test.broker.ruleBook.replace(FREE);
  const again = await test.connect({ ...connectOptions(one), cleanStart: false });
  assertEquals(await topicsCome(again), expectedOf(one, FILTERS));
  await endSession(test, one, again);
});

testCases("what was under way at QoS 2 is sent again as far as it may be read", async (test, one) => {
  const client = await queuedFor(test, one, 2);
  publishAll(test.broker, TOPICS, { qos: 2 });
  assertEquals((await topicsCome(client)).length, TOPICS.length);
  client.cut();
  await test.settle();
  test.broker.ruleBook.replace(one.rules);
  const again = await test.connect({ ...connectOptions(one), cleanStart: false });
  assertEquals(await topicsCome(again), receivable(one));
  await endSession(test, one, again);
});

/** A session that is kept, with all subscriptions: granted by other rules than those of the case. */
async function queuedFor(test: TestBroker, one: Case, qos: 1 | 2): Promise<RawClient> {
  test.broker.ruleBook.replace(FREE);
  const client = await test.connect({ ...connectOptions(one), cleanStart: false });
  await client.subscribe(...FILTERS.map((filter) => [filter, qos] as const));
  return client;
}

async function endSession(test: TestBroker, one: Case, client: RawClient): Promise<void> {
  client.cut();
  (await test.connect(connectOptions(one))).cut();
}

testCases("PUBLISH and the will at CONNECT are taken alike, retained and not", async (test, one) => {
  const client = await test.connect(connectOptions(one));
  for (const retain of [false, true]) {
    const taken: string[] = [];
    const forget = test.broker.observe(({ topic }) => taken.push(topic));
    for (const topic of TOPICS) {
      const packetId = client.sendPublish(topic, "x", { qos: 1, retain });
      await client.expectAck("puback", packetId, mayPublish(one, topic, retain) ? 0 : 0x87);
    }
    forget();
    assertEquals(taken, TOPICS.filter((topic) => mayPublish(one, topic, retain)));
  }
  client.cut();
  const { topic } = one;
  for (const retain of [false, true]) {
    const other = test.open();
    other.sendConnect({ ...connectOptions(one), will: { topic, retain } });
    const connack = await other.receive();
    assertEquals(
      connack?.type === "connack" && connack.reasonCode,
      mayPublish(one, topic, retain) ? 0 : 0x87,
    );
    other.cut();
  }
});

testCases("a will from before the rules fires as far as they let it", async (test, one) => {
  const topics = TOPICS.filter((topic) => !topic.startsWith("$"));
  const fired: string[] = [];
  const forget = test.broker.observe(({ topic }) => fired.push(topic));
  const wills = topics.map((topic, index) => ({ topic, retain: index % 2 === 0 }));
  for (const will of wills) {
    test.broker.ruleBook.replace(FREE);
    const client = await test.connect({ ...connectOptions(one), will });
    test.broker.ruleBook.replace(one.rules);
    // It fires before the next one is let in, who takes the identifier over.
    (await test.connect(connectOptions(one))).cut();
    await client.expectEnded(0x8e);
  }
  forget();
  const allowed = wills.filter(({ topic, retain }) => may(one, "publish", topic, retain));
  assertEquals(fired, allowed.map(({ topic }) => topic));
});

Deno.test("rights: after a restart, sessions, wills and what is retained are under the rules as before", async () => {
  for (const one of casesFrom(SEED + 1, RESTARTED_RULE_SETS)) {
    await explained(one, () => restarted(one));
  }
});

async function restarted(one: Case): Promise<void> {
  const folder = await Deno.makeTempDir();
  const kept = { ...connectOptions(one), cleanStart: false, sessionExpirySeconds: 3600 };
  const topic = one.topic.replace(/^\$/, "");
  {
    await using before = await DurableBroker.open(folder, { authenticator, rules: FREE });
    const client = await before.connect({ ...kept, will: { topic, qos: 1, retain: true, delaySeconds: 60 } });
    await client.subscribe(...FILTERS.map((filter) => [filter, 1] as const));
    client.cut();
    publishAll(before.broker, TOPICS, { qos: 1, retain: true });
  }
  {
    await using after = await DurableBroker.open(folder, { authenticator, rules: one.rules });
    publishAll(after.broker, TOPICS, { qos: 1 });
    const fired: string[] = [];
    after.broker.observe((message) => fired.push(message.topic));
    after.clock.advance(61_000);
    after.broker.sessions.expire();
    assertEquals(fired, may(one, "publish", topic, true) ? [topic] : [], "will");
    const client = await after.connect(kept);
    const willCame = fired.filter((topic) => expectedOf(one, FILTERS).includes(topic));
    const expected = [...receivable(one), ...expectedOf(one, FILTERS), ...willCame].sort();
    assertEquals(await topicsCome(client), expected, "queue");
    await client.subscribe([one.filter, 0]);
    assertEquals(await topicsCome(client), expectedOf(one, [one.filter]), "retained");
  }
  await Deno.remove(folder, { recursive: true });
}
