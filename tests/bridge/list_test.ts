import { assert, assertEquals } from "@std/assert";
import { silentLog } from "../../broker/mod.ts";
import { HttpServer } from "../../bridge/http_server.ts";
import { eventually } from "../support/eventually.ts";
import { assertProblem, identityNamed, startBridge, type TestBridge } from "./support.ts";

interface Page {
  readonly items: { readonly topic: string }[];
  readonly next: string | null;
}

Deno.test("a filter lists the retained messages that it matches", async () => {
  const { request, publish, broker } = startBridge();
  publish("home/kitchen/temp", "21.5", { retain: true, qos: 1 });
  publish("home/hall/temp", "19", { retain: true });
  publish("home/hall/light", "on", { retain: true });
  publish("home/a/b/temp", "no", { retain: true });
  const response = await request("/topics/home/+/temp");
  const id = (sequence: number) => `${broker.epoch}-${sequence}`;
  const time = "2026-01-01T00:00:00.000Z";
  assertEquals(await response.json(), {
    items: [
      { topic: "home/hall/temp", payload: "19", qos: 0, retain: true, id: id(2), time, size: 2 },
      { topic: "home/kitchen/temp", payload: "21.5", qos: 1, retain: true, id: id(1), time, size: 4 },
    ],
    next: null,
    last_event_id: id(4),
  });
  assertEquals(response.headers.get("mqtt-last-event-id"), id(4));
});

Deno.test("pages follow each other without repeating or leaving out, while values change", async () => {
  const { request, publish } = startBridge();
  const topics = Array.from({ length: 250 }, (_, index) => `s/${index % 7}/${index} ä`);
  for (const topic of topics) publish(topic, "1", { retain: true });
  const found: string[] = [];
  let next: string | null = "/topics/s/%23?limit=33&payload=none";
  while (next !== null) {
    const response = await request(next);
    const page: Page = await response.json();
    found.push(...page.items.map(({ topic }) => topic));
    assertEquals(response.headers.get("link"), page.next === null ? null : `<${page.next}>; rel="next"`);
    for (const topic of topics.slice(0, 50)) publish(topic, "2", { retain: true });
    next = page.next;
  }
  assertEquals(found.length, 250);
  assertEquals(new Set(found).size, 250);
});

Deno.test("a page ends where its messages are many bytes, and the next goes on there", async () => {
  const { request, publish } = startBridge();
  for (let index = 0; index < 30; index++) {
    publish(`s/${index}`, new Uint8Array(256 * 1024), { retain: true });
  }
  let count = 0;
  let next: string | null = "/topics/s/%23?limit=1000";
  for (let pages = 0; next !== null; pages++) {
    const page: Page = await (await request(next)).json();
    count += page.items.length;
    assertEquals(page.items.length < 20 && pages < 5, true);
    next = page.next;
  }
  assertEquals(count, 30);
});

Deno.test("listMax 5: limit takes as much and refuses one more", async () => {
  const { request, broker } = startBridge({ limits: { listMax: 5 } });
  const status = async (limit: number) => (await request(`/topics/%23?limit=${limit}`)).status;
  assertEquals(await Promise.all([0, 1, 4, 5, 6].map(status)), [400, 200, 200, 200, 400]);
  assertEquals(broker.counters.limitsMet.listMax, 1);
});

Deno.test("map and tree show the same messages by topic and by level", async () => {
  const { request, publish } = startBridge();
  publish("a", "1", { retain: true });
  publish("a/b", "2", { retain: true });
  publish("a/__proto__", "3", { retain: true });
  const map = await (await request("/topics/%23?shape=map")).text();
  assertEquals(Object.keys(JSON.parse(map).items), ["a", "a/__proto__", "a/b"]);
  const { items } = await (await request("/topics/%23?shape=tree")).json();
  assertEquals(items.levels.a.value.payload, "1");
  assertEquals(items.levels.a.levels.b.value.payload, "2");
  assertEquals(Object.keys(items.levels.a.levels), ["__proto__", "b"]);
});

Deno.test("depth leaves out what is deeper below the filter", async () => {
  const { request, publish } = startBridge();
  for (const topic of ["h", "h/a", "h/a/b", "h/a/b/c"]) publish(topic, "x", { retain: true });
  const page: Page = await (await request("/topics/h/%23?depth=2")).json();
  assertEquals(page.items.map(({ topic }) => topic), ["h", "h/a", "h/a/b"]);
});

Deno.test("changed_since lists what is newer, and everything since another epoch", async () => {
  const { request, publish, broker } = startBridge();
  for (const topic of ["a", "b", "c"]) publish(topic, "x", { retain: true });
  const topics = async (since: string) => {
    const page: Page = await (await request(`/topics/%23?changed_since=${since}`)).json();
    return page.items.map(({ topic }) => topic);
  };
  assertEquals(await topics(`${broker.epoch}-1`), ["b", "c"]);
  assertEquals(await topics("other-1"), ["a", "b", "c"]);
  await assertProblem(await request("/topics/%23?changed_since=x"), 400, "invalid-parameter");
});

Deno.test("NDJSON lists everything, a message a line", async () => {
  const { request, publish } = startBridge();
  for (let index = 0; index < 1_234; index++) publish(`s/${index}`, "x", { retain: true });
  const headers = { accept: "application/x-ndjson" };
  const response = await request("/topics/%23", { headers });
  assertEquals(response.headers.get("content-type"), "application/x-ndjson");
  const lines = (await response.text()).trimEnd().split("\n");
  assertEquals(new Set(lines.map((line) => JSON.parse(line).topic)).size, 1_234);
  const limited = await request("/topics/%23?limit=7", { headers });
  assertEquals((await limited.text()).trimEnd().split("\n").length, 7);
});

Deno.test("topics that the reader may not receive are left out of lists", async () => {
  const may = (action: string, topic: string) => action !== "receive" || !topic.startsWith("closed");
  const { request, publish } = startBridge({ authenticators: [identityNamed("ann", may)] });
  publish("closed/a", "x", { retain: true });
  publish("open", "x", { retain: true });
  const page: Page = await (await request("/topics/%23?limit=1")).json();
  assertEquals(page.items.map(({ topic }) => topic), ["open"]);
});

Deno.test("a list that lost its # says so", async () => {
  const { request } = startBridge();
  const { warnings } = await (await request("/topics?filter=home/")).json();
  assertEquals(warnings, ["filter ends in '/': did the shell or URL drop '#'? write %23"]);
  const { hint } = await (await request("/topics/home/")).json();
  assertEquals(hint, "topic ends in '/': did the shell or URL drop '#'? write %23");
});

Deno.test("deep=1 stands for /#", async () => {
  const { request, publish } = startBridge();
  publish("home/a/b", "x", { retain: true });
  const page: Page = await (await request("/topics/home?deep=1")).json();
  assertEquals(page.items.map(({ topic }) => topic), ["home/a/b"]);
});

Deno.test("a list is JSON or NDJSON and nothing else", async () => {
  const { request } = startBridge();
  const type = async (accept: string) =>
    (await request("/topics/%23", { headers: { accept } })).headers.get("content-type");
  assertEquals(await type("*/*"), "application/json");
  assertEquals(await type("text/html, application/xhtml+xml, */*;q=0.8"), "application/json");
  assertEquals(await type("application/json;q=0.1, application/jsonl"), "application/jsonl");
  await assertProblem(
    await request("/topics/%23", { headers: { accept: "image/png" } }),
    406,
    "not-acceptable",
  );
});

Deno.test("a topic that is too long for a URL does not stop the pages", async () => {
  const { request, publish } = startBridge();
  for (let index = 0; index < 40; index++) {
    publish(`${index}`.padStart(2, "0") + (index % 3 ? "x".repeat(20_000) : ""), "x", { retain: true });
  }
  let count = 0;
  for (let next: string | null = "/topics/%23?limit=4"; next !== null;) {
    const response = await request(next);
    assertEquals(response.status, 200);
    const page: Page = await response.json();
    count += page.items.length;
    next = page.next;
  }
  assertEquals(count, 40);
});

/** Topics `<number>/a`, and one that ends in b. */
function publishMany({ publish }: TestBridge, count = 10_000): void {
  for (let index = 0; index < count; index++) publish(`${index}/a`, "x", { retain: true });
  publish("5/b", "x", { retain: true });
}

/** Lets the search go on for a slice. */
function nextTurn({ broker }: TestBridge): Promise<void> {
  return new Promise((resolve) => broker.turn.later(resolve));
}

for (const accept of ["application/json", "application/x-ndjson"]) {
  Deno.test(`a list of few of many topics lets others have their turn meanwhile, as ${accept}`, async () => {
    const test = startBridge();
    publishMany(test);
    let hasAnswered = false;
    const text = test.request("/topics/+/b", { headers: { accept } }).then((response) => response.text());
    const listed = text.then(() => hasAnswered = true);
    await nextTurn(test);
    assertEquals(hasAnswered, false);
    test.publish("6/b", "y", { retain: true });
    test.publish("5/b", "", { retain: true });
    await listed;
    assertEquals((await text).match(/"topic":"[^"]*"/g), ['"topic":"6/b"']);
    await test.broker.close();
  });

  Deno.test(`a list is searched no further for somebody who is gone, as ${accept}`, async () => {
    let askedCount = 0;
    const may = (action: string) => action !== "receive" || ++askedCount < 0;
    const test = startBridge({ authenticators: [identityNamed("ann", may)] });
    publishMany(test);
    const gone = new AbortController();
    const response = test.request("/topics/+/+", { headers: { accept }, signal: gone.signal });
    if (accept !== "application/json") {
      const reader = (await response).body!.getReader();
      void reader.read();
      while (askedCount === 0) await nextTurn(test);
      await reader.cancel();
    } else {
      while (askedCount === 0) await nextTurn(test);
      gone.abort();
    }
    for (let turns = 0; turns < 20; turns++) await nextTurn(test);
    assert(askedCount < 6_000, `${askedCount} of 10,001 were looked at`);
    await response;
    await test.broker.close();
  });
}

Deno.test("a list is searched no further for a client that closed its connection", async () => {
  let askedCount = 0;
  let leave = () => {};
  const may = (action: string) => {
    if (action === "receive" && ++askedCount === 1) leave();
    return action !== "receive";
  };
  const test = startBridge({ authenticators: [identityNamed("ann", may)] });
  publishMany(test, 50_000);
  const server = new HttpServer((request, info) => test.bridge.fetch(request, info), {
    hostname: "127.0.0.1",
    port: 0,
    log: silentLog,
    clock: test.clock,
  });
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  leave = () => connection.close();
  await connection.write(new TextEncoder().encode("GET /topics/%2B/%2B HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  await eventually(() => assert(askedCount > 0));
  await server.shutdown();
  assert(askedCount < 40_000, `${askedCount} of 50,001 were looked at`);
  await test.broker.close();
});

Deno.test("a list shows no message whose right was taken away while it was searched", async () => {
  let isOpen = true;
  let askedCount = 0;
  const may = (action: string, topic: string) => {
    if (action !== "receive" || topic !== "0/b") return true;
    askedCount++;
    return isOpen;
  };
  const test = startBridge({ authenticators: [identityNamed("ann", may)] });
  publishMany(test);
  test.publish("0/b", "x", { retain: true });
  const listed = test.request("/topics/+/b");
  while (askedCount === 0) await nextTurn(test);
  isOpen = false;
  const page: Page = await (await listed).json();
  assertEquals(page.items.map(({ topic }) => topic), ["5/b"]);
  await test.broker.close();
});
