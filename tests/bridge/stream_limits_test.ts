import { assertEquals } from "@std/assert";
import { createBridge } from "../../bridge/mod.ts";
import { Broker } from "../../broker/mod.ts";
import { eventually } from "../support/eventually.ts";
import { assertProblem, envelopes, identityNamed, startBridge, StreamReader, TestServer } from "./support.ts";

const NDJSON = { accept: "application/x-ndjson" };

Deno.test("HEAD runs the checks of a stream and opens none", async () => {
  const { request, bridge } = startBridge({ limits: { streamsMax: 1 } });
  const head = (path: string, accept = "text/event-stream") =>
    request(path, { method: "HEAD", headers: { accept } });
  const good = await head("/stream?filter=a/%23");
  assertEquals([good.status, good.headers.get("content-type")], [200, "text/event-stream"]);
  assertEquals((await head("/stream?filter=a%23")).status, 400);
  assertEquals((await head("/stream/a", "image/png")).status, 406);
  assertEquals(bridge.streamCount, 0);
  const reader = new StreamReader(await request("/stream/a"));
  const full = await head("/stream/a");
  assertEquals([full.status, Number(full.headers.get("retry-after"))], [503, 30]);
  await reader.cancel();
});

Deno.test("filtersPerStreamMax 3: a stream takes as many filters and no more", async () => {
  const { request, broker } = startBridge({ limits: { filtersPerStreamMax: 3 } });
  const open = (count: number) => {
    const query = Array.from({ length: count }, (_, index) => `filter=a/${index}`).join("&");
    return request(`/stream?${query}`);
  };
  for (const count of [2, 3]) await (await open(count)).body?.cancel();
  await assertProblem(await open(4), 400, "too-many-filters");
  assertEquals(broker.counters.limitsMet.filtersPerStreamMax, 1);
  assertEquals(broker.subscriptionCount, 0);
});

Deno.test("streamsMax 2: one more is told to come back later, in a way that EventSource obeys", async () => {
  const { request, stream, broker } = startBridge({ limits: { streamsMax: 2 } });
  const readers = [await stream("/stream/a"), await stream("/stream/a")];
  const refused = await stream("/stream/a");
  assertEquals([refused.response.status, JSON.parse((await refused.event()).data).reason], [
    200,
    "overloaded",
  ]);
  assertEquals([refused.sse.retry, await refused.chunk()], [30_000, undefined]);
  const lines = await request("/stream/a", { headers: NDJSON });
  assertEquals(lines.headers.get("retry-after"), "30");
  await assertProblem(lines, 503, "overloaded");
  assertEquals([broker.subscriptionCount, broker.counters.streamsRefused], [2, 2]);
  assertEquals(broker.counters.limitsMet.streamsMax, 2);
  await readers.shift()!.cancel();
  readers.push(await stream("/stream/a"));
  await readers[1]!.until("live");
  for (const reader of readers) await reader.cancel();
});

Deno.test("streamsPerIdentityMax 2: streams are counted for each name, but not for all who have none", async () => {
  const limits = { streamsPerIdentityMax: 2 };
  for (const [name, status] of [["ann", 429], ["anonymous", 200]] as const) {
    const { request, broker } = startBridge({ limits, authenticators: [identityNamed(name)] });
    const responses = [];
    for (let index = 0; index < 3; index++) responses.push(await request("/stream/a", { headers: NDJSON }));
    assertEquals(responses.map((response) => response.status), [200, 200, status]);
    assertEquals(broker.counters.limitsMet.streamsPerIdentityMax, status === 429 ? 1 : 0);
    for (const response of responses) await response.body?.cancel();
  }
});

Deno.test("a filter that may not be subscribed is a real error, since coming back would not help", async () => {
  const may = (action: string, topic: string) => action !== "subscribe" || topic !== "closed/#";
  const { request, broker } = startBridge({ authenticators: [identityNamed("ann", may)] });
  const headers = { accept: "text/event-stream" };
  await assertProblem(await request("/stream?filter=a&filter=closed/%23", { headers }), 403, "denied");
  assertEquals(broker.subscriptionCount, 0);
});

Deno.test("a stream sees only topics that its identity may receive", async () => {
  const may = (action: string, topic: string) => action !== "receive" || topic !== "a/closed";
  const { stream, publish } = startBridge({ authenticators: [identityNamed("ann", may)] });
  publish("a/closed", "1", { retain: true });
  publish("a/open", "2", { retain: true });
  const reader = await stream("/stream/a/%23");
  publish("a/closed", "3");
  publish("a/open", "4");
  const payloads = [...envelopes(await reader.until("live")), await reader.json()].map(({ payload }) =>
    payload
  );
  assertEquals(payloads, ["2", "4"]);
  await reader.cancel();
});

Deno.test("parameters of a stream are checked", async () => {
  const { request } = startBridge();
  const cases = [
    "throttle=1s",
    "no_local=x",
    "qos=3",
    "since=yesterday",
    "limit=0",
    "timeout=61",
    "overflow=x",
    "event=x",
  ];
  for (const query of cases) {
    const response = await request(`/stream/a?${query}`);
    assertEquals([query, response.status], [query, 400]);
    await response.body?.cancel();
  }
});

Deno.test("a filter that lost its # is served with a warning", async () => {
  const { stream } = startBridge();
  const reader = await stream("/stream/home/");
  const { warnings } = await reader.json("ready");
  assertEquals(warnings, ["filter ends in '/': did the shell or URL drop '#'? write %23"]);
  await reader.cancel();
});

Deno.test("when the bridge closes, every stream says farewell with a time of its own to come back", async () => {
  let seed = 0;
  const { stream, bridge, broker, clock } = startBridge({ bridge: { random: () => (seed += 0.01) % 1 } });
  const readers = await Promise.all(Array.from({ length: 50 }, () => stream("/stream/a")));
  for (const reader of readers) {
    await reader.until("live");
    reader.ask();
  }
  await bridge.close();
  const retries = new Set<number>();
  for (const reader of readers) {
    const bye = await reader.json("bye");
    assertEquals([bye.reason, await reader.chunk(), reader.sse.retry], ["shutdown", undefined, bye.retry_ms]);
    retries.add(bye.retry_ms);
  }
  assertEquals(retries.size, 50);
  assertEquals([bridge.streamCount, broker.subscriptionCount, clock.timerCount], [0, 0, 0]);
  const late = await stream("/stream/a");
  assertEquals((await late.json("bye")).reason, "shutdown");
  await bridge.close();
});

Deno.test("lingerSeconds 1: closing does not wait longer for a reader that takes nothing", async () => {
  const { stream, bridge, clock, broker } = startBridge({ limits: { lingerSeconds: 1 } });
  await stream("/stream/a");
  const closed = bridge.close();
  clock.advance(999);
  assertEquals([bridge.streamCount, broker.counters.limitsMet.lingerSeconds], [1, 0]);
  clock.advance(1);
  await closed;
  assertEquals(broker.counters.limitsMet.lingerSeconds, 1);
  assertEquals([bridge.streamCount, clock.timerCount], [0, 0]);
});

Deno.test("connecting and leaving 2,000 times leaves nothing behind", async () => {
  const { request, bridge, broker, clock, publish } = startBridge();
  publish("a/b", "x", { retain: true });
  for (let round = 0; round < 2_000; round++) {
    const headers = { accept: ["text/event-stream", "text/plain", "application/x-ndjson"][round % 3]! };
    const response = await request("/stream?filter=a/%23&filter=b&timeout=30", { headers });
    if (round % 2 === 0) {
      const reader = new StreamReader(response);
      await reader.chunk();
      reader.ask();
      publish("b", "y");
      await reader.cancel();
    } else {
      await response.body!.cancel();
    }
  }
  assertEquals([bridge.streamCount, broker.subscriptionCount, clock.timerCount], [0, 0, 0]);
  assertEquals(broker.counters.streamsOpened, 2_000);
});

Deno.test("clients that hang up on a socket are forgotten, silent or not", async () => {
  const broker = new Broker();
  const bridge = createBridge(broker);
  await using server = new TestServer(bridge);
  for (let round = 0; round < 50; round++) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await connection.write(new TextEncoder().encode("GET /stream/a HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    await connection.read(new Uint8Array(4096));
  }
  await eventually(() => assertEquals([bridge.streamCount, broker.subscriptionCount], [0, 0]));
});

Deno.test("over a socket, Last-Event-ID goes on where the stream ended", async () => {
  const broker = new Broker();
  const bridge = createBridge(broker, { random: () => 0 });
  await using server = new TestServer(bridge);
  const response = await fetch(`${server.origin}/stream/t?limit=5`, {
    headers: { accept: "text/event-stream" },
  });
  const reader = new StreamReader(response);
  await reader.until("live");
  const identity = { name: "publisher", can: () => true };
  for (let index = 0; index < 10; index++) {
    broker.publish(identity, { topic: "t", payload: new Uint8Array([0x30 + index]), qos: 0, retain: false });
  }
  const first = envelopes(await reader.until("bye"));
  await reader.rest();
  const headers = { accept: "text/event-stream", "last-event-id": reader.sse.lastEventId };
  const again = new StreamReader(await fetch(`${server.origin}/stream/t?limit=5`, { headers }));
  const second = envelopes(await again.until("bye"));
  await again.rest();
  assertEquals([...first, ...second].map(({ payload }) => payload), [..."0123456789"]);
});

Deno.test("waitSecondsMax 20: timeout takes as many seconds and no more, and ends the stream then", async () => {
  const { request, stream, clock, broker } = startBridge({ limits: { waitSecondsMax: 20 } });
  for (const seconds of [19, 20]) {
    const reader = await stream(`/stream/a?timeout=${seconds}`);
    await reader.until("live");
    reader.ask();
    clock.advance(seconds * 1000 - 1);
    assertEquals(reader.sse.events.length, 2);
    clock.advance(1);
    assertEquals(await reader.json("bye"), { reason: "timeout" });
  }
  await assertProblem(await request("/stream/a?timeout=21", { headers: NDJSON }), 400, "invalid-parameter");
  assertEquals(broker.counters.limitsMet.waitSecondsMax, 1);
});

for (const [random, retryMs] of [[0, 3_000], [0.5, 4_500], [0.999, 5_997]] as const) {
  Deno.test(`retrySecondsMin 3, retrySecondsMax 6: with ${random} of 1 by chance a client comes back after ${retryMs} ms`, async () => {
    const limits = { retrySecondsMin: 3, retrySecondsMax: 6 };
    const { stream, bridge } = startBridge({ limits, bridge: { random: () => random } });
    const reader = await stream("/stream/a");
    await reader.until("live");
    assertEquals(reader.sse.retry, retryMs);
    reader.ask();
    await bridge.close();
    assertEquals(await reader.json("bye"), { reason: "shutdown", retry_ms: retryMs });
  });
}

for (const seconds of [9, 10, 11]) {
  Deno.test(`heartbeatSeconds 10: after ${seconds} seconds of silence there is ${seconds < 10 ? "none yet" : "one"}`, async () => {
    const { stream, clock } = startBridge({ limits: { heartbeatSeconds: 10 } });
    const reader = await stream("/stream/a");
    await reader.until("live");
    reader.ask();
    await Promise.resolve();
    clock.advance(seconds * 1000);
    if (seconds >= 10) await reader.chunk();
    assertEquals(reader.sse.comments, seconds >= 10 ? ["ok", "hb"] : ["ok"]);
    await reader.cancel();
  });
}
