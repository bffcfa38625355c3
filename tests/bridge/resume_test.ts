import { assert, assertEquals, assertLess } from "@std/assert";
import { found } from "../support/found.ts";
import {
  type Envelope,
  envelopes,
  identityNamed,
  seeded,
  type SseEvent,
  SseParser,
  startBridge,
  type StreamReader,
} from "./support.ts";
import { endOfTurn } from "../support/end_of_turn.ts";

/** What a stream says up to `live`, in short. */
async function opening(
  reader: StreamReader,
): Promise<{ resume: string; reset: unknown; payloads: unknown[]; live: unknown }> {
  const events = await reader.until("live");
  const data = (type: string) =>
    events.filter((event) => event.type === type).map((event) => JSON.parse(event.data))[0];
  await reader.cancel();
  return {
    resume: data("ready").resume,
    reset: data("reset"),
    payloads: envelopes(events).map(({ payload }) => payload),
    live: data("live"),
  };
}

Deno.test("a stream goes on after its last id with what it missed, marked as replay", async () => {
  const { stream, publish, broker } = startBridge();
  publish("t", "kept", { retain: true });
  publish("t", "2", { retain: true });
  publish("other", "x");
  publish("t", "4");
  const reader = await stream("/stream/t", { "last-event-id": `${broker.epoch}-1` });
  publish("t", "5");
  const events = await reader.until("live");
  assertEquals(JSON.parse(events[0]!.data).resume, "resumed");
  const seen = envelopes(events).map(({ payload, replay, retain }) => [payload, replay, retain]);
  assertEquals(seen, [["2", true, false], ["4", true, false]]);
  assertEquals(events.map(({ lastEventId }) => lastEventId.split("-")[1]), [undefined, "2", "4", "4"]);
  assertEquals(JSON.parse(events.at(-1)!.data), { retained: 0, replayed: 2 });
  const live = await reader.json();
  assertEquals([live.payload, live.replay], ["5", undefined]);
  await reader.cancel();
});

Deno.test("every way to say where a stream was leads to the same replay", async () => {
  const { stream, publish, broker, clock } = startBridge();
  publish("t", "1");
  await endOfTurn();
  clock.advance(60_000);
  publish("t", "2");
  await endOfTurn();
  clock.advance(60_000);
  publish("t", "3");
  const id = `${broker.epoch}-1`;
  const ways: [path: string, headers: Record<string, string>, payloads: string[]][] = [
    [`/stream/t?since=${id}`, {}, ["2", "3"]],
    [`/stream/t?last_event_id=${id}`, {}, ["2", "3"]],
    ["/stream/t", { "last-event-id": id }, ["2", "3"]],
    ["/stream/t?since=1m", {}, ["2", "3"]],
    ["/stream/t?since=59", {}, ["3"]],
    ["/stream/t?since=10m", {}, ["1", "2", "3"]],
    ["/stream/t?since=2026-01-01T00:01:00Z", {}, ["2", "3"]],
    ["/stream/t?since=2026-01-01T01:01:00.001%2B01:00", {}, ["3"]],
    ["/stream/t?since=2026-01-01T01:01:00.001+01:00", {}, ["3"]],
    ["/stream/t?since=all", {}, ["1", "2", "3"]],
    ["/stream/t?since=2030-01-01T00:00:00Z", {}, []],
  ];
  for (const [path, headers, payloads] of ways) {
    const { resume, payloads: found } = await opening(await stream(path, headers));
    assertEquals([path, resume, found], [path, "resumed", payloads]);
  }
});

Deno.test("Last-Event-ID beats last_event_id, which beats since", async () => {
  const { stream, publish, broker } = startBridge();
  for (const payload of ["1", "2", "3"]) publish("t", payload);
  const id = (sequence: number) => `${broker.epoch}-${sequence}`;
  const query = `since=all&last_event_id=${id(1)}`;
  assertEquals((await opening(await stream(`/stream/t?${query}`))).payloads, ["2", "3"]);
  const { payloads } = await opening(await stream(`/stream/t?${query}`, { "last-event-id": id(2) }));
  assertEquals(payloads, ["3"]);
  assertEquals((await opening(await stream(`/stream/t?${query}`, { "last-event-id": "" }))).payloads, [
    "2",
    "3",
  ]);
});

Deno.test("a cursor that the log cannot serve leads to a reset and the whole snapshot", async () => {
  const { stream, publish, broker } = startBridge({ limits: { replayMessagesMax: 3 } });
  publish("t", "retained", { retain: true });
  for (let sequence = 2; sequence <= 10; sequence++) publish("t", `${sequence}`);
  // The log holds 8, 9 and 10.
  const id = (sequence: number) => `${broker.epoch}-${sequence}`;
  const cases: [id: string, reason: string | undefined, payloads: string[]][] = [
    [id(10), undefined, []],
    [id(8), undefined, ["9", "10"]],
    [id(7), undefined, ["8", "9", "10"]],
    [id(6), "evicted", ["retained"]],
    [id(0), "evicted", ["retained"]],
    [id(11), "unknown-id", ["retained"]],
    ["other-9", "epoch", ["retained"]],
    ["nonsense", "unknown-id", ["retained"]],
  ];
  for (const [requested, reason, payloads] of cases) {
    const found = await opening(await stream("/stream/t", { "last-event-id": requested }));
    assertEquals([requested, found.resume], [requested, reason ? "reset" : "resumed"]);
    assertEquals(found.reset, reason && { reason, requested, oldest: id(8) });
    assertEquals(found.payloads, payloads);
  }
  const since = await opening(await stream("/stream/t?since=1h"));
  assertEquals([since.resume, since.payloads], ["reset", ["retained"]]);
});

Deno.test("replaySeconds 10: time evicts too", async () => {
  const { stream, publish, broker, clock } = startBridge({ limits: { replaySeconds: 10 } });
  publish("t", "1");
  await endOfTurn();
  clock.advance(5_000);
  publish("t", "2");
  const id = (sequence: number) => `${broker.epoch}-${sequence}`;
  for (const milliseconds of [4_999, 1]) {
    clock.advance(milliseconds);
    assertEquals((await opening(await stream("/stream/t", { "last-event-id": id(0) }))).payloads, ["1", "2"]);
  }
  clock.advance(1);
  assertEquals((await opening(await stream("/stream/t", { "last-event-id": id(1) }))).payloads, ["2"]);
  assertEquals((await opening(await stream("/stream/t", { "last-event-id": id(0) }))).resume, "reset");
});

Deno.test("a message that expired, or may no longer be received, is not replayed", async () => {
  let isAllowed = true;
  const can = (action: string, topic: string) => action !== "receive" || topic !== "a/closed" || isAllowed;
  const authenticators = [{
    name: "test",
    authenticate: () => ({ granted: true, identity: { name: "ann", can } }) as const,
  }];
  const { stream, request, publish, clock } = startBridge({ authenticators });
  await request("/topics/a/short?expiry=5", { method: "POST", body: "short" });
  await request("/topics/a/long?expiry=60", { method: "POST", body: "long" });
  publish("a/closed", "closed");
  clock.advance(5_000);
  const events = await (await stream("/stream/a/%23?since=all")).until("live");
  assertEquals(envelopes(events).map(({ payload, expiry }) => [payload, expiry]), [["long", 55], [
    "closed",
    undefined,
  ]]);
  isAllowed = false;
  assertEquals((await opening(await stream("/stream/a/%23?since=all"))).payloads, ["long"]);
});

Deno.test("what waits behind a replay and expires, or may no longer be received, is passed over once", async () => {
  let isAllowed = true;
  const can = (action: string, topic: string) => action !== "receive" || topic !== "a/closed" || isAllowed;
  const { stream, request, publish, clock } = startBridge({ authenticators: [identityNamed("ann", can)] });
  // More than a chunk: what follows waits until the reader asks for it.
  for (const name of ["1", "2"]) publish(`a/${name}`, "x".repeat(70_000));
  const reader = await stream("/stream/a/%23?since=all");
  publish("a/open", "held");
  publish("a/closed", "held");
  await request("/topics/a/short?expiry=5", { method: "POST", body: "short" });
  clock.advance(5_000);
  isAllowed = false;
  await reader.until("live");
  assertEquals((await reader.json()).topic, "a/open");
  publish("a/after");
  assertEquals((await reader.json()).topic, "a/after");
  await reader.cancel();
});

Deno.test("cut at any byte and resumed, a stream loses nothing and repeats nothing", async () => {
  const random = seeded(3);
  const { stream, publish } = startBridge();
  const received: string[] = [];
  let published = 0;
  let lastEventId = "";
  for (let round = 0; round < 200; round++) {
    const reader = await stream(
      "/stream/t?retained=none",
      lastEventId ? { "last-event-id": lastEventId } : {},
    );
    for (let index = Math.floor(random() * 5); index > 0; index--) publish("t", `${++published}`);
    await reader.chunk();
    if (reader.sse.events.length === 0 || random() < 0.5) reader.ask();
    for (let index = Math.floor(random() * 5); index > 0; index--) publish("t", `${++published}`);
    if (random() < 0.5) await Promise.resolve();
    // A parser of its own sees only what came before the cut.
    const bytes = new TextEncoder().encode(reader.text);
    const cut = round < 199 ? Math.floor(random() * (bytes.length + 1)) : bytes.length;
    const seen = reparse(bytes.subarray(0, cut));
    received.push(...envelopes(seen.events).map(({ payload }) => payload!));
    lastEventId = seen.lastEventId || lastEventId;
    await reader.cancel();
    if (!lastEventId) { // Not yet live even once: it starts afresh.
      received.length = 0;
      received.push(...Array.from({ length: published }, (_, index) => `${index + 1}`));
      lastEventId = await cursorNow(stream);
    }
  }
  const final = await stream("/stream/t?retained=none", { "last-event-id": lastEventId });
  received.push(...envelopes(await final.until("live")).map(({ payload }) => payload!));
  await final.cancel();
  assertEquals(received, Array.from({ length: published }, (_, index) => `${index + 1}`));
});

Deno.test("a stream that is cut within its snapshot gets the whole of it again", async () => {
  const { stream, publish } = startBridge();
  for (let index = 0; index < 5_000; index++) publish(`s/${index}`, "x".repeat(50), { retain: true });
  const reader = await stream("/stream/s/%23");
  await reader.chunk();
  assert(envelopes(reader.sse.events).length < 5_000);
  assertEquals(reader.sse.lastEventId, "");
  await reader.cancel();
  const again = await stream("/stream/s/%23");
  assertEquals(envelopes(await again.until("live")).length, 5_000);
  await again.cancel();
});

Deno.test("50,000 retained messages reach a slow reader in small chunks, and what changes meanwhile once", async () => {
  const { stream, publish, broker } = startBridge();
  for (let index = 0; index < 50_000; index++) publish(`s/${index % 100}/${index}`, "old", { retain: true });
  const reader = await stream("/stream?filter=s/%23&filter=s/1/%2B");
  const random = seeded(4);
  const state = new Map<string, string>();
  const ids = new Set<string>();
  let updates = 0;
  let isLive = false;
  let taken = 0;
  const take = (event: SseEvent) => {
    if (event.type === "live") isLive = true;
    if (event.type !== "message") return;
    const { topic, payload, id, retain }: Envelope = JSON.parse(event.data);
    assertEquals(retain, !isLive);
    assert(!ids.has(id));
    ids.add(id);
    if (payload === "") state.delete(topic);
    else state.set(topic, payload!);
  };
  while (!state.has("s/end")) {
    const chunk = await reader.chunk();
    assertLess(chunk!.length, 70_000);
    const wasLive = isLive;
    while (taken < reader.sse.events.length) take(reader.sse.events[taken++]!);
    if (isLive && !wasLive) publish("s/end", "end");
    for (let index = 0; index < 20 && !isLive; index++) {
      const at = Math.floor(random() * 50_000);
      publish(`s/${at % 100}/${at}`, random() < 0.3 ? "" : `new ${++updates}`, { retain: true });
    }
  }
  state.delete("s/end");
  assert(updates > 100);
  const retained = new Map<string, string>();
  const everybody = { name: "test", can: () => true };
  for (const { topic, payload } of found(broker.retained.matching(everybody, "s/#"))) {
    retained.set(topic, new TextDecoder().decode(payload));
  }
  assertEquals(state.size, retained.size);
  for (const [topic, payload] of retained) assertEquals([topic, state.get(topic)], [topic, payload]);
  await reader.cancel();
});

Deno.test("what comes during a slow snapshot is taken from the log when it is too much to hold", async () => {
  const { stream, publish } = startBridge({ limits: { streamBytesMax: 10_000 } });
  for (let index = 0; index < 5_000; index++) publish(`s/${index}`, "x".repeat(50), { retain: true });
  const reader = await stream("/stream/s/%23");
  for (let index = 0; index < 1_000; index++) publish("s/live", `${index}`);
  await reader.until("live");
  for (let index = 0; index < 1_000; index++) assertEquals((await reader.json()).payload, `${index}`);
  publish("s/live", "after");
  assertEquals((await reader.json()).payload, "after");
  await reader.cancel();
});

Deno.test("a reader that even the log cannot wait for is told so, and never gets a part silently", async () => {
  const { stream, publish, broker } = startBridge({
    limits: { streamBytesMax: 10_000, replayMessagesMax: 100 },
  });
  for (let index = 0; index < 5_000; index++) publish(`s/${index}`, "x".repeat(50), { retain: true });
  const reader = await stream("/stream/s/%23");
  for (let index = 0; index < 1_000; index++) publish("s/live", `${index}`);
  const events = await reader.until("bye");
  assertEquals(JSON.parse(events.at(-1)!.data), { reason: "slow-consumer" });
  assertEquals(envelopes(events).filter(({ topic }) => topic === "s/live").length, 0);
  assertEquals([broker.subscriptionCount, broker.counters.streamsSlow], [0, 1]);
});

Deno.test("a long log without a match is searched without holding up others", async () => {
  const { stream, publish } = startBridge();
  for (let index = 0; index < 30_000; index++) publish(`busy/${index % 10}`, "x");
  publish("quiet", "found");
  const reader = await stream("/stream/quiet?since=all");
  assertEquals((await opening(reader)).payloads, ["found"]);
});

function reparse(bytes: Uint8Array): StreamReader["sse"] {
  const parser = new SseParser();
  parser.push(bytes);
  return parser;
}

async function cursorNow(stream: (path: string) => Promise<StreamReader>): Promise<string> {
  const reader = await stream("/stream/t?retained=none");
  const events = await reader.until("live");
  await reader.cancel();
  return events.at(-1)!.lastEventId;
}
