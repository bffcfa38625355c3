// Random rules, asked on every way on which a message can come in or go out: each must answer as the reference does,
// which is written quite differently. `deno test -- SEED` begins elsewhere.

import { assertEquals } from "@std/assert";
import { createBridge } from "../bridge/mod.ts";
import type { Rules } from "../broker/auth/rules.ts";
import type { Action } from "../broker/core/identity.ts";
import { matches } from "../broker/topic/name.ts";
import { HOST, seeded, StreamReader } from "./bridge/support.ts";
import type { RawClient } from "./support/raw_client.ts";
import {
  mayByReference,
  pick,
  randomRules,
  type ReferenceAsker,
  rulesOf,
  tomlOf,
  type WrittenRules,
} from "./support/reference_rules.ts";
import {
  authorizationOf,
  DurableBroker,
  GroupAuthenticator,
  publishAll,
  topicsCome,
} from "./support/rights_world.ts";
import { startBroker, type TestBroker } from "./support/start_broker.ts";

const RULE_SETS = 200;
const RESTARTED_RULE_SETS = 12;
const SEED = 20_261_124;

const USERS = ["ana", "b", "a/b", "+", "$SYS"];
/** Whoever shows no name is none of the users, whatever the log calls them. */
const RULE_USERS = [...USERS, "anonymous"];
const CLIENTS = ["c1", "b", "#", "a/b", "$SYS"];
const GROUPS = ["staff", "others"];
const LEVELS = ["a", "b", "ana", "c1", "anonymous", ""];
const TOPICS = [
  "a",
  "b",
  "a/b",
  "a/b/c1",
  "b/ana",
  "ana",
  "ana/a",
  "a/c1",
  "c1/ana/b",
  "/a",
  "a//b",
  "anonymous/a",
  "$SYS",
  "$SYS/a",
];
const FILTERS = ["#", "+", "a/#", "a/+", "a/b", "+/b", "ana/#", "+/ana", "+/+/b", "/+", "$SYS/#", "$SYS/+"];
const LARGE = "x".repeat(70_000);
const FREE = rulesOf('[[rule]]\nallow = "all"\ntopics = ["#", "$SYS/#"]');

const authenticator = new GroupAuthenticator("others", ["b", "$SYS"]);

/** One set of rules and somebody who asks. */
interface Case {
  readonly written: WrittenRules;
  readonly rules: Rules;
  readonly asker: ReferenceAsker;
  /** For what is tried with one only. */
  readonly filter: string;
  readonly topic: string;
}

function casesFrom(seed: number, count: number): Case[] {
  const random = seeded(seed);
  return Array.from({ length: count }, () => {
    const source = { random, levels: LEVELS, users: RULE_USERS, clients: CLIENTS, groups: GROUPS };
    const written = randomRules(source);
    const user = random() < 0.2 ? undefined : pick(random, USERS);
    return {
      written,
      rules: rulesOf(tomlOf(written)),
      filter: pick(random, FILTERS),
      topic: pick(random, TOPICS),
      asker: {
        user,
        clientId: pick(random, CLIENTS),
        method: user === undefined ? "anonymous" : "password-file",
        groups: authenticator.groupsOf(user),
      },
    };
  });
}

function may({ written, asker }: Case, action: Action, name: string, retain = false): boolean {
  return mayByReference(written, asker, { action, name, retain });
}

/** What may come of filters, sorted; once however many of them match. */
function expectedOf(one: Case, filters: readonly string[]): string[] {
  return TOPICS.filter((topic) =>
    may(one, "receive", topic) &&
    filters.some((filter) => may(one, "subscribe", filter) && matches(filter, topic))
  ).sort();
}

function receivable(one: Case): string[] {
  return TOPICS.filter((topic) => may(one, "receive", topic)).sort();
}

function connectOptions({ asker }: Case) {
  const { user, clientId } = asker;
  return { clientId: clientId!, version: 5 as const, ...(user === undefined ? {} : { username: user }) };
}

/** Says which rules and who, where an answer is wrong. */
async function explained(one: Case, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    throw new Error(`${JSON.stringify(one.asker)}\n${tomlOf(one.written)}\n${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Runs a check for every set of rules, all on one broker: what an earlier set left behind must not count. */
function testCases(name: string, check: (test: TestBroker, one: Case) => Promise<void>): void {
  Deno.test(`rights: ${name}`, async () => {
    await using test = startBroker({ authenticators: [authenticator] });
    for (const one of casesFrom(SEED, RULE_SETS)) {
      test.broker.ruleBook.replace(one.rules);
      await explained(one, () => check(test, one));
    }
  });
}

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

/** What begins with $ is the broker's, whatever rules say. */
function mayPublish(one: Case, topic: string, retain: boolean): boolean {
  return !topic.startsWith("$") && may(one, "publish", topic, retain);
}

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

/** The same person over HTTP, who has no client identifier there. */
function overHttp(one: Case): Case {
  return { ...one, asker: { ...one.asker, clientId: undefined } };
}

function testHttpCases(name: string, check: (web: Web, one: Case) => Promise<void>): void {
  testCases(name, async (test, one) => {
    const bridge = createBridge(test.broker, { random: () => 0.5 });
    const web = {
      test,
      request: (path: string, init: RequestInit = {}) =>
        bridge.fetch(
          new Request(HOST + path, { ...init, headers: { ...authorizationOf(one.asker), ...init.headers } }),
        ),
    };
    await check(web, overHttp(one));
    await bridge.close();
  });
}

interface Web {
  readonly test: TestBroker;
  request(path: string, init?: RequestInit): Promise<Response>;
}

/** 401 asks who showed no name for one. */
function refusedStatus({ asker }: Case): number {
  return asker.user === undefined ? 401 : 403;
}

async function statusOf(response: Response): Promise<number> {
  await response.body?.cancel();
  return response.status;
}

const pathOf = (topic: string) => `/topics?topic=${encodeURIComponent(topic)}`;

testHttpCases("GET of a topic and the list give what may be read", async ({ test, request }, one) => {
  publishAll(test.broker, TOPICS, { retain: true });
  for (const topic of TOPICS) {
    const status = await statusOf(await request(pathOf(topic).replace("/topics?", "/topics/?")));
    assertEquals(status, may(one, "receive", topic) ? 200 : refusedStatus(one), topic);
  }
  for (const filter of ["#", "$SYS/#"]) {
    const response = await request(`/topics/?filter=${encodeURIComponent(filter)}`);
    const { items } = await response.json();
    const listed = items.map(({ topic }: { topic: string }) => topic).sort();
    assertEquals(listed, receivable(one).filter((topic) => matches(filter, topic)));
  }
});

testHttpCases("POST, PUT and DELETE are taken as PUBLISH is", async ({ test, request }, one) => {
  test.broker.ruleBook.replace(one.rules);
  for (const topic of TOPICS) {
    for (const method of ["POST", "PUT"]) {
      const status = await statusOf(
        await request(pathOf(topic).replace("/topics?", "/topics/?"), { method, body: "x" }),
      );
      const isTaken = mayPublish(one, topic, method === "PUT");
      assertEquals(status < 300, isTaken, `${method} ${topic}: ${status}`);
    }
  }
  publishAll(test.broker, TOPICS, { retain: true });
  for (const topic of TOPICS) {
    const status = await statusOf(
      await request(pathOf(topic).replace("/topics?", "/topics/?"), { method: "DELETE" }),
    );
    // Who may not read does not learn whether there is something to clear.
    const isCleared = mayPublish(one, topic, true) && may(one, "receive", topic);
    assertEquals(status === 204, isCleared, `DELETE ${topic}: ${status}`);
  }
});

testHttpCases(
  "a stream is opened, and what comes of it is what may be read",
  async ({ test, request }, one) => {
    publishAll(test.broker, TOPICS, { retain: true });
    const { filter } = one;
    const path = `/stream/?timeout=1&filter=${encodeURIComponent(filter)}`;
    const init = { headers: { accept: "text/event-stream" } };
    const expected = expectedOf(one, [filter]);
    const response = await request(path, init);
    assertEquals(response.status, may(one, "subscribe", filter) ? 200 : refusedStatus(one));
    if (response.status !== 200) return await response.body?.cancel();
    const stream = new StreamReader(response);
    assertEquals(topicsOf(await stream.until("live")), expected, "retained");
    publishAll(test.broker, TOPICS);
    test.clock.advance(1000);
    assertEquals(topicsOf(await stream.until("bye")), expected, "live");
  },
);

testHttpCases("a stream from before the rules goes on by them", async ({ test, request }, one) => {
  test.broker.ruleBook.replace(FREE);
  const { filter } = one;
  const matching = TOPICS.filter((topic) => matches(filter, topic));
  const path = `/stream/?timeout=1&filter=${encodeURIComponent(filter)}`;
  const stream = new StreamReader(await request(path, { headers: { accept: "text/event-stream" } }));
  await stream.until("live");
  publishAll(test.broker, TOPICS);
  for (const topic of matching) assertEquals((await stream.json()).topic, topic);
  test.broker.ruleBook.replace(one.rules);
  publishAll(test.broker, TOPICS);
  test.clock.advance(1000);
  assertEquals(topicsOf(await stream.until("bye")), expectedOf(one, [filter]));
});

testHttpCases(
  "a replay, and what waits behind it, is cut short by new rules",
  async ({ test, request }, one) => {
    test.broker.ruleBook.replace(FREE);
    const { filter } = one;
    const matching = TOPICS.filter((topic) => matches(filter, topic));
    const path = `/stream/?timeout=1&filter=${encodeURIComponent(filter)}`;
    const headers = { accept: "text/event-stream" };
    const live = new StreamReader(await request(path, { headers }));
    await live.until("live");
    const cursor = live.sse.lastEventId;
    // One fills a chunk, and no more is taken before the reader asks.
    publishAll(test.broker, TOPICS, { payload: LARGE });
    const stream = new StreamReader(
      await request(path, { headers: { ...headers, "last-event-id": cursor } }),
    );
    publishAll(test.broker, TOPICS);
    test.broker.ruleBook.replace(one.rules);
    const expected = expectedOf(one, [filter]);
    const [first, ...others] = matching;
    const rest = others.filter((topic) => expected.includes(topic));
    assertEquals(topicsOf(await stream.until("live")), [first!, ...rest].sort(), "replay");
    const held: string[] = [];
    while (held.length < expected.length) held.push((await stream.json()).topic);
    assertEquals(held.sort(), expected, "held");
    test.clock.advance(1000);
    assertEquals(topicsOf(await stream.until("bye")), []);
    await live.cancel();
  },
);

function topicsOf(events: readonly { type: string; data: string }[]): string[] {
  return events.filter(({ type }) => type === "message").map(({ data }) => JSON.parse(data).topic).sort();
}
