// The random rules of `rights_parity_test.ts` over HTTP: publishing, reading, listing, streams and their replay.

import { assertEquals } from "@std/assert";
import { createBridge } from "../../bridge/mod.ts";
import { matches } from "../../broker/topic/name.ts";
import {
  type Case,
  expectedOf,
  FREE,
  may,
  mayPublish,
  receivable,
  testCases,
  TOPICS,
} from "../support/rights_cases.ts";
import { authorizationOf, publishAll } from "../support/rights_world.ts";
import type { TestBroker } from "../support/start_broker.ts";
import { HOST, StreamReader } from "./support.ts";

/** One message of it fills a chunk, and no more is taken before the reader asks. */
const LARGE = "x".repeat(70_000);

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

const pathOf = (topic: string) => `/topics/?topic=${encodeURIComponent(topic)}`;

testHttpCases("GET of a topic and the list give what may be read", async ({ test, request }, one) => {
  publishAll(test.broker, TOPICS, { retain: true });
  for (const topic of TOPICS) {
    const status = await statusOf(await request(pathOf(topic)));
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
        await request(pathOf(topic), { method, body: "x" }),
      );
      const isTaken = mayPublish(one, topic, method === "PUT");
      assertEquals(status < 300, isTaken, `${method} ${topic}: ${status}`);
    }
  }
  publishAll(test.broker, TOPICS, { retain: true });
  for (const topic of TOPICS) {
    const status = await statusOf(
      await request(pathOf(topic), { method: "DELETE" }),
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
