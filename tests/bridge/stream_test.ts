import { assert, assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import { assertProblem, envelopes, startBridge, StreamReader } from "./support.ts";

const NDJSON = { accept: "application/x-ndjson" };
const TEXT = { accept: "text/plain" };
const JSON_TYPE = { accept: "application/json" };

Deno.test("a stream tells that it is ready, the retained messages, and that it is live, in its first chunk", async () => {
  const { stream, publish, broker } = startBridge();
  publish("home/a", "1", { retain: true, qos: 1 });
  publish("home/b", "2", { retain: true });
  const reader = await stream("/stream?filter=home/%2B&filter=alarm/%23&qos=1");
  const { headers } = reader.response;
  assertEquals(headers.get("content-type"), "text/event-stream");
  assertEquals(headers.get("cache-control"), "no-store, no-transform");
  assertEquals(headers.get("x-accel-buffering"), "no");
  await reader.chunk();
  assert(reader.text.startsWith(": ok\n\nretry: 3000\nevent: ready\ndata: "));
  const ready = await reader.json("ready");
  assertMatch(ready.stream, /^s_[0-9a-f]{16}$/);
  assertEquals({ ...ready, stream: "" }, {
    stream: "",
    resume: "fresh",
    filters: [{ filter: "home/+", qos: 1 }, { filter: "alarm/#", qos: 1 }],
    replay: { oldest: `${broker.epoch}-1`, max_age_s: 300 },
    warnings: [],
  });
  const snapshot = [await reader.event(), await reader.event()];
  assertEquals(snapshot.map(({ lastEventId }) => lastEventId), ["", ""]);
  const time = "2026-01-01T00:00:00.000Z";
  assertEquals(envelopes(snapshot)[0], {
    topic: "home/a",
    payload: "1",
    qos: 1,
    retain: true,
    id: `${broker.epoch}-1`,
    time,
  });
  const live = await reader.event();
  assertEquals([live.type, live.lastEventId, live.data], [
    "live",
    `${broker.epoch}-2`,
    '{"retained":2,"replayed":0}',
  ]);
  await reader.cancel();
});

Deno.test("live messages come in order, once each, however many filters match", async () => {
  const { stream, publish, broker } = startBridge();
  const reader = await stream("/stream?filter=a/%23&filter=a/+&filter=%23");
  await reader.until("live");
  for (let index = 1; index <= 500; index++) publish(index % 2 ? "a/b" : "c", `${index}`);
  for (let index = 1; index <= 500; index++) {
    const { type, data, lastEventId } = await reader.event();
    assertEquals([type, JSON.parse(data).payload, lastEventId], [
      "message",
      `${index}`,
      `${broker.epoch}-${index}`,
    ]);
    assertEquals(JSON.parse(data).retain, false);
  }
  await reader.cancel();
});

Deno.test("EventSource works on the topic's own URL", async () => {
  const { stream, publish } = startBridge();
  const reader = await stream("/topics/home/+/temp");
  await reader.until("live");
  publish("home/hall/temp", "19");
  assertEquals((await reader.json()).payload, "19");
  await reader.cancel();
});

Deno.test("curl gets a JSON object a line, with everything but messages marked as an event", async () => {
  const { request, publish, broker } = startBridge();
  publish("a", "1", { retain: true });
  const reader = new StreamReader(await request("/stream/a", { headers: { accept: "*/*" } }));
  assertEquals(reader.response.headers.get("content-type"), "application/x-ndjson");
  await reader.chunk();
  publish("a", "2");
  await reader.chunk();
  const lines = reader.text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map((line) => line.event ?? line.payload), ["ready", "1", "live", "2"]);
  assertEquals(lines[2], { event: "live", retained: 1, replayed: 0, id: `${broker.epoch}-1` });
  await reader.cancel();
});

Deno.test("text lines are topic and payload and nothing else", async () => {
  const { stream, publish } = startBridge();
  publish("a/1", "one", { retain: true });
  const reader = await stream("/stream/a/%23?limit=3", TEXT);
  publish("a/2", new Uint8Array([0xff]));
  publish("a/3", "");
  const bytes = [...await reader.chunk() ?? []];
  while (!reader.isDone) bytes.push(...await reader.chunk() ?? []);
  assertEquals(
    new Uint8Array(bytes),
    new Uint8Array([..."a/1 one\na/2 \xff\na/3 \n"].map((c) => c.charCodeAt(0))),
  );
});

Deno.test("one JSON object is for who says when it ends", async () => {
  const { request, stream, publish, broker, clock } = startBridge();
  await assertProblem(await request("/stream/a", { headers: JSON_TYPE }), 406, "not-acceptable");
  publish("a", "1", { retain: true });
  const limited = await stream("/stream/a?limit=2", JSON_TYPE);
  publish("a", "2");
  const { items, last_event_id } = JSON.parse(await limited.rest());
  assertEquals([items.length, items[1].payload, last_event_id], [2, "2", `${broker.epoch}-2`]);
  const timed = await stream(`/stream/a?since=${last_event_id}&timeout=30s`, JSON_TYPE);
  publish("other", "x");
  clock.advance(30_000);
  assertEquals(JSON.parse(await timed.rest()), {
    items: [],
    last_event_id: `${broker.epoch}-3`,
    resume: "resumed",
    reason: "timeout",
    dropped: 0,
  });
  assertEquals(clock.timerCount, 0);
});

Deno.test("limit and timeout end a stream, and SSE says which", async () => {
  const { stream, publish, clock, bridge, broker } = startBridge();
  const limited = await stream("/stream/a?limit=2");
  for (const payload of ["1", "2", "3"]) publish("a", payload);
  assertEquals(envelopes(await limited.until("bye")).map(({ payload }) => payload), ["1", "2"]);
  assertEquals(await limited.chunk(), undefined);
  const timed = await stream("/stream/a?timeout=2s");
  clock.advance(1_999);
  assertEquals(bridge.streamCount, 1);
  clock.advance(1);
  assertEquals(JSON.parse((await timed.until("bye")).at(-1)!.data), { reason: "timeout" });
  assertEquals([bridge.streamCount, broker.subscriptionCount, clock.timerCount], [0, 0, 0]);
  const pastOnly = await stream("/stream/a?since=all&timeout=0&quiet=1", NDJSON);
  clock.advance(0);
  assertEquals((await pastOnly.rest()).trimEnd().split("\n").map((line) => JSON.parse(line).payload), [
    "1",
    "2",
    "3",
  ]);
});

Deno.test("a limit that the retained messages reach ends the stream among them", async () => {
  const { stream, publish } = startBridge();
  for (let index = 0; index < 5; index++) publish(`a/${index}`, "x", { retain: true });
  const reader = await stream("/stream/a/%23?limit=3");
  const events = await reader.until("bye");
  assertEquals([envelopes(events).length, events.at(-1)!.lastEventId], [3, ""]);
});

Deno.test("payload= chooses how a payload is shown, and bytes are never shown as text", async () => {
  const { stream, publish } = startBridge();
  const payloads = ['{"a":\n1e400}', "plain", new Uint8Array([0xc3, 0x28])];
  const seen: Record<string, unknown[]> = {};
  for (const form of ["auto", "json", "base64", "none"]) {
    const reader = await stream(`/stream/t?payload=${form}`);
    await reader.until("live");
    for (const payload of payloads) publish("t", payload);
    seen[form] = [];
    for (const _ of payloads) {
      const { data } = await reader.event();
      seen[form].push(/,("(?:payload|payload_base64|json)":.*),"qos"/.exec(data)?.[1]);
    }
    await reader.cancel();
  }
  assertEquals(seen, {
    auto: ['"payload":"{\\"a\\":\\n1e400}"', '"payload":"plain"', '"payload_base64":"wyg="'],
    json: ['"json":{"a": 1e400}', '"payload":"plain"', '"payload_base64":"wyg="'],
    base64: ['"payload_base64":"eyJhIjoKMWU0MDB9"', '"payload_base64":"cGxhaW4="', '"payload_base64":"wyg="'],
    none: [undefined, undefined, undefined],
  });
});

Deno.test("rap=1 keeps the retain flag of live messages", async () => {
  const { stream, publish } = startBridge();
  const plain = await stream("/stream/t?retained=none");
  const kept = await stream("/stream/t?retained=none&rap=1");
  await plain.until("live");
  await kept.until("live");
  publish("t", "x", { retain: true });
  assertEquals([(await plain.json()).retain, (await kept.json()).retain], [false, true]);
  await plain.cancel();
  await kept.cancel();
});

Deno.test("quiet=1 leaves out what is no message, and still moves the cursor", async () => {
  const { stream, publish, broker } = startBridge();
  publish("t", "x", { retain: true });
  const reader = await stream("/stream/t?quiet=1");
  await reader.chunk();
  assertEquals(reader.sse.events.map(({ type }) => type), ["message"]);
  assertEquals(reader.sse.lastEventId, `${broker.epoch}-1`);
  await reader.cancel();
});

Deno.test("a silent stream gets a heartbeat that moves its cursor past what it did not want", async () => {
  const { stream, publish, broker, clock } = startBridge();
  const reader = await stream("/stream/quiet");
  await reader.until("live");
  for (let index = 0; index < 100; index++) publish("busy", "x");
  reader.ask();
  await Promise.resolve();
  clock.advance(14_000);
  assertEquals(reader.sse.lastEventId, `${broker.epoch}-0`);
  clock.advance(2_000);
  await reader.chunk();
  assertEquals([reader.sse.lastEventId, reader.sse.comments], [`${broker.epoch}-100`, ["ok", "hb"]]);
  reader.ask();
  await Promise.resolve();
  publish("quiet", "x");
  await reader.chunk();
  reader.ask();
  clock.advance(14_000);
  assertEquals(reader.sse.comments.length, 2);
  await reader.cancel();
});

Deno.test("all streams share one timer", async () => {
  const { stream, clock } = startBridge();
  const readers = await Promise.all(Array.from({ length: 20 }, () => stream("/stream/a")));
  assertEquals(clock.timerCount, 1);
  for (const reader of readers) await reader.cancel();
  assertEquals(clock.timerCount, 0);
});

Deno.test("100 streams get the very same bytes of a message", async () => {
  const { stream, publish } = startBridge();
  const readers = await Promise.all(
    Array.from({ length: 100 }, (_, index) => stream(`/stream/${index % 2 ? "%23" : "+"}`)),
  );
  for (const reader of readers) {
    await reader.chunk();
    reader.ask();
  }
  await Promise.resolve();
  publish("t", "x");
  const chunks = await Promise.all(readers.map((reader) => reader.chunk()));
  for (const chunk of chunks) assertStrictEquals(chunk!.buffer, chunks[0]!.buffer);
  for (const reader of readers) await reader.cancel();
});

Deno.test("messages of one turn are one chunk", async () => {
  const { stream, publish } = startBridge();
  const reader = await stream("/stream/t");
  await reader.until("live");
  reader.ask();
  await Promise.resolve();
  for (let index = 0; index < 50; index++) publish("t", `${index}`);
  await reader.chunk();
  assertEquals(envelopes(reader.sse.events).length, 50);
  await reader.cancel();
});
