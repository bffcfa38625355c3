import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Message } from "../../broker/mod.ts";
import { createBridge } from "../../bridge/mod.ts";
import { Broker, Log } from "../../broker/mod.ts";
import { eventually } from "../support/eventually.ts";
import { HeldStore } from "../support/held_store.ts";
import { assertProblem, identityNamed, startBridge, type TestBridge, TestServer } from "./support.ts";

const decoder = new TextDecoder();

/** Whatever the broker takes. */
function watch({ broker }: TestBridge): Message[] {
  const messages: Message[] = [];
  broker.observe((message) => messages.push(message));
  return messages;
}

Deno.test("POST publishes the body byte for byte and says who matched", async () => {
  const bridge = startBridge();
  const messages = watch(bridge);
  const body = crypto.getRandomValues(new Uint8Array(1000));
  const response = await bridge.request("/topics/a/b", { method: "POST", body });
  const { epoch } = bridge.broker;
  assertEquals(await response.json(), { id: `${epoch}-1`, topic: "a/b", matched: 0, reason_code: 16 });
  assertEquals([response.status, messages[0]!.topic, messages[0]!.retain], [200, "a/b", false]);
  assertEquals(messages[0]!.payload, body);
  const stream = await bridge.stream("/stream/a/%23");
  const second = await bridge.request("/topics/a/b", { method: "POST", body: "x" });
  const { matched, reason_code } = await second.json();
  assertEquals([matched, reason_code], [1, 0]);
  await stream.cancel();
});

Deno.test("every parameter of a publish reaches the message", async () => {
  const bridge = startBridge();
  const messages = watch(bridge);
  const query =
    "qos=2&retain=1&expiry=10m&content_type=a%2Fb&pfi=1&response_topic=re%2Fply&correlation=AAEC" +
    "&user.k=v%201&user.k=v2&user.%C3%A4=%2C&_=123";
  const response = await bridge.request(`/topics/t?${query}`, { method: "POST", body: "x" });
  assertEquals(response.status, 200);
  const { qos, retain, properties } = messages[0]!;
  assertEquals([qos, retain], [2, true]);
  assertEquals(properties, {
    expirySeconds: 600,
    contentType: "a/b",
    payloadIsText: true,
    responseTopic: "re/ply",
    correlationData: new Uint8Array([0, 1, 2]),
    userProperties: [["k", "v 1"], ["k", "v2"], ["ä", ","]],
  });
});

Deno.test("headers say the same as parameters, and a parameter beats its header", async () => {
  const bridge = startBridge();
  const messages = watch(bridge);
  const headers = new Headers({
    "MQTT-QoS": "1",
    "MQTT-Retain": "1",
    "MQTT-Message-Expiry": "60",
    "Content-Type": "application/json",
    "MQTT-Payload-Format-Indicator": "1",
    "MQTT-Response-Topic": "re%2Fply%20to",
    "MQTT-Correlation-Data": "_-8=",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  });
  headers.append("MQTT-User-Property", "a=1%2C2");
  headers.append("MQTT-User-Property", "%C3%A4=x%3Dy");
  const response = await bridge.request("/topics/t?expiry=5", { method: "POST", body: "{}", headers });
  assertEquals(response.status, 200);
  const { qos, retain, properties } = messages[0]!;
  assertEquals([qos, retain], [1, true]);
  assertEquals(properties, {
    expirySeconds: 5,
    contentType: "application/json",
    payloadIsText: true,
    responseTopic: "re/ply to",
    correlationData: new Uint8Array([0xff, 0xef]),
    userProperties: [["a", "1,2"], ["ä", "x=y"], ["traceparent", headers.get("traceparent")!]],
  });
});

Deno.test("what curl -d sends as its type is not taken for the payload's", async () => {
  const bridge = startBridge();
  const messages = watch(bridge);
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  await bridge.request("/topics/t", { method: "POST", body: "on", headers });
  assertEquals([messages[0]!.properties, decoder.decode(messages[0]!.payload)], [undefined, "on"]);
});

Deno.test("what a publish may not say is refused, and nothing is published", async () => {
  const bridge = startBridge();
  const form = new FormData();
  form.set("a", "b");
  const cases: [path: string, init: RequestInit, status: number, code: string][] = [
    ["/topics/t?retian=1", {}, 400, "unknown-parameter"],
    ["/topics/t?reply=5s", {}, 400, "unknown-parameter"],
    ["/topics/t?qos=1&qos=1", {}, 400, "duplicate-parameter"],
    ["/topics/t?qos=3", {}, 400, "invalid-parameter"],
    ["/topics/t?retain=yes", {}, 400, "invalid-parameter"],
    ["/topics/t?expiry=0", {}, 400, "invalid-parameter"],
    ["/topics/t?expiry=soon", {}, 400, "invalid-parameter"],
    ["/topics/t?response_topic=a/%2B", {}, 400, "wildcard-in-topic"],
    ["/topics/t?correlation=%21", {}, 400, "invalid-parameter"],
    ["/topics/t?user.k=%00", {}, 400, "invalid-parameter"],
    ["/topics/t", { headers: { "mqtt-qso": "1" } }, 400, "unknown-header"],
    ["/topics/t", { headers: { "mqtt-qos": "5" } }, 400, "invalid-parameter"],
    ["/topics/t", { headers: { "mqtt-user-property": "novalue" } }, 400, "invalid-parameter"],
    ["/topics/t", { headers: { "content-encoding": "gzip" } }, 415, "unsupported-media-type"],
    ["/topics/t", { body: form }, 415, "unsupported-media-type"],
    ["/topics/t?pfi=1", { body: new Uint8Array([0xc3, 0x28]) }, 422, "payload-not-text"],
    ["/topics/t?mandatory=1", {}, 409, "no-matching-subscribers"],
    ["/topics/$SYS/x", {}, 403, "reserved-topic"],
    ["/topics/$foo", {}, 403, "reserved-topic"],
    ["/topics/a/+", {}, 400, "wildcard-in-topic"],
    ["/topics/t", { method: "PUT", body: "" }, 400, "empty-state"],
    ["/topics/t?retain=0", { method: "PUT", body: "x" }, 400, "invalid-parameter"],
  ];
  for (const [path, init, status, code] of cases) {
    await assertProblem(await bridge.request(path, { method: "POST", body: "x", ...init }), status, code);
  }
  assertEquals(bridge.broker.sequence, 0);
});

Deno.test("an unknown parameter gets the name that was likely meant", async () => {
  const { request } = startBridge();
  const { hint } = await (await request("/topics/t?retian=1", { method: "POST", body: "x" })).json();
  assertEquals(hint, 'did you mean "retain"?');
});

Deno.test("PUT answers 201 for a new value, then 200, with its ETag", async () => {
  const { request, broker } = startBridge();
  const first = await request("/topics/t", { method: "PUT", body: "1" });
  const second = await request("/topics/t", { method: "PUT", body: "2" });
  assertEquals([first.status, second.status], [201, 200]);
  assertEquals([first.headers.get("etag"), second.headers.get("etag")], [
    `"${broker.epoch}-1"`,
    `"${broker.epoch}-2"`,
  ]);
  assertEquals(await (await request("/topics/t")).text(), "2");
});

Deno.test("POST with retain and an empty body clears the topic, as in MQTT", async () => {
  const { request, broker } = startBridge();
  await request("/topics/t", { method: "PUT", body: "1" });
  const response = await request("/topics/t?retain=1", { method: "POST" });
  assertEquals((await response.json()).cleared, true);
  assertEquals(broker.retained.size, 0);
});

Deno.test("a precondition that does not hold publishes nothing", async () => {
  const { request, broker } = startBridge();
  const put = (body: string, headers: Record<string, string>) =>
    request("/topics/t", { method: "PUT", body, headers });
  await assertProblem(await put("1", { "if-match": "*" }), 412, "precondition-failed");
  const first = await put("1", { "if-none-match": "*" });
  assertEquals(first.status, 201);
  await assertProblem(await put("2", { "if-none-match": "*" }), 412, "precondition-failed");
  const etag = first.headers.get("etag")!;
  assertEquals((await put("2", { "if-match": `"x-1", W/${etag}` })).status, 200);
  await assertProblem(await put("3", { "if-match": etag }), 412, "precondition-failed");
  const unless = { method: "POST", body: "3", headers: { "if-none-match": "*" } };
  await assertProblem(await request("/topics/t", unless), 412, "precondition-failed");
  assertEquals([broker.sequence, await (await request("/topics/t")).text()], [2, "2"]);
});

Deno.test("of many writers with the same If-Match one wins", async () => {
  const { request } = startBridge();
  const first = await request("/topics/t", { method: "PUT", body: "0" });
  const headers = { "if-match": first.headers.get("etag")! };
  const responses = await Promise.all(
    Array.from(
      { length: 100 },
      (_, body) => request("/topics/t", { method: "PUT", body: `${body}`, headers }),
    ),
  );
  assertEquals(responses.filter(({ status }) => status === 200).length, 1);
});

Deno.test("payloadBytesMax 1000: as much is taken and one byte more is refused, with and without a length", async () => {
  for (const bytes of [999, 1000, 1001]) {
    for (const isStreamed of [false, true]) {
      const bridge = startBridge({ limits: { payloadBytesMax: 1000 } });
      const body = new Uint8Array(bytes);
      const init = isStreamed
        ? { body: new Blob([body]).stream() }
        : { body, headers: { "content-length": `${bytes}` } };
      const response = await bridge.request("/topics/t", { method: "POST", ...init });
      assertEquals([bytes, response.status], [bytes, bytes <= 1000 ? 200 : 413]);
      assertEquals(bridge.broker.sequence, bytes <= 1000 ? 1 : 0);
      assertEquals(bridge.broker.counters.limitsMet.payloadBytesMax, bytes <= 1000 ? 0 : 1);
    }
  }
});

Deno.test("a body without an end is refused as soon as it is over the limit", async () => {
  const { request } = startBridge({ limits: { payloadBytesMax: 1000 } });
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(400)),
    cancel: () => {
      isCancelled = true;
    },
  });
  await assertProblem(await request("/topics/t", { method: "POST", body }), 413, "payload-too-large");
  assert(isCancelled);
});

Deno.test("Prefer: return=minimal answers without a body", async () => {
  const { request, broker } = startBridge();
  const response = await request("/topics/t", {
    method: "POST",
    body: "x",
    headers: { prefer: "return=minimal" },
  });
  assertEquals([response.status, response.headers.get("mqtt-message-id")], [204, `${broker.epoch}-1`]);
  assertEquals(await response.text(), "");
});

Deno.test("an Idempotency-Key publishes once and answers the same again", async () => {
  const { request, broker, clock } = startBridge();
  const post = (body: string, headers = {}) =>
    request("/topics/t", { method: "POST", body, headers: { "idempotency-key": "k1", ...headers } });
  const first = await post("x");
  const second = await post("x", { traceparent: "00-1-1-01" });
  assertEquals([first.headers.get("idempotency-replayed"), second.headers.get("idempotency-replayed")], [
    null,
    "true",
  ]);
  assertEquals(await first.text(), await second.text());
  assertEquals(broker.sequence, 1);
  await assertProblem(await post("y"), 422, "idempotency-mismatch");
  clock.advance(300_000);
  assertEquals((await post("y")).status, 200);
  assertEquals(broker.sequence, 2);
});

Deno.test("an Idempotency-Key whose request failed may try again", async () => {
  const { request, stream } = startBridge();
  const post = () =>
    request("/topics/t?mandatory=1", { method: "POST", body: "x", headers: { "idempotency-key": "k" } });
  await assertProblem(await post(), 409, "no-matching-subscribers");
  const reader = await stream("/stream/t");
  assertEquals((await post()).status, 200);
  await reader.cancel();
});

Deno.test("a second request with a key whose first is under way is told so", async () => {
  const store = new HeldStore();
  store.hold();
  const { request, broker } = startBridge({ store });
  const put = () => request("/topics/t", { method: "PUT", body: "x", headers: { "idempotency-key": "k" } });
  const first = put();
  await eventually(() => assertEquals(broker.sequence, 1));
  await assertProblem(await put(), 409, "idempotency-in-flight");
  store.release();
  assertEquals((await first).status, 201);
  assertEquals((await put()).headers.get("idempotency-replayed"), "true");
});

Deno.test("a retained publish is answered after it is stored, and not as done if it could not be", async () => {
  const store = new HeldStore();
  store.hold();
  const { request, broker } = startBridge({ store });
  let isAnswered = false;
  const answer = request("/topics/t", { method: "PUT", body: "x" }).then((response) => {
    isAnswered = true;
    return response;
  });
  await eventually(() => assertEquals(broker.sequence, 1));
  const quick = await request("/topics/t", { method: "POST", body: "qos 0" });
  assertEquals([quick.status, isAnswered], [200, false]);
  store.reject();
  await assertProblem(await answer, 503, "not-kept");
  await assertProblem(await request("/topics/t", { method: "PUT", body: "y" }), 503, "not-kept");
  assertEquals((await request("/topics/t", { method: "POST", body: "qos 0" })).status, 200);
  assertEquals(await (await request("/readyz")).text(), "store-full\n");
  store.release();
});

Deno.test("who may not publish is refused, whatever the body", async () => {
  const may = (action: string, topic: string) => action !== "publish" || topic !== "closed";
  const user = startBridge({ authenticators: [identityNamed("ann", may)] });
  await assertProblem(await user.request("/topics/closed", { method: "POST", body: "x" }), 403, "denied");
  const anonymous = startBridge({ authenticators: [identityNamed("anonymous", may)] });
  const response = await anonymous.request("/topics/closed", { method: "DELETE" });
  assertMatch(response.headers.get("www-authenticate")!, /^Basic /);
  await assertProblem(response, 401, "unauthenticated");
});

Deno.test("a message that would exceed the retained messages is refused whole", async () => {
  const { request, broker } = startBridge({ limits: { retainedMax: 1 } });
  assertEquals((await request("/topics/a", { method: "PUT", body: "1" })).status, 201);
  await assertProblem(await request("/topics/b", { method: "PUT", body: "1" }), 429, "quota-exceeded");
  assertEquals((await request("/topics/a", { method: "PUT", body: "2" })).status, 200);
  assertEquals(broker.retained.size, 1);
});

Deno.test("chunked and expected bodies arrive over a socket", async () => {
  const broker = new Broker();
  const payloads: string[] = [];
  broker.observe((message) => payloads.push(decoder.decode(message.payload)));
  await using server = new TestServer(createBridge(broker));
  const head = "POST /topics/t HTTP/1.1\r\nTransfer-Encoding: chunked";
  const { status } = await server.raw(head, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  assertEquals([status, payloads], [200, ["abcde"]]);
});

Deno.test("an upload that breaks off or stalls is the client's matter: nothing is published or logged", async () => {
  const lines: string[] = [];
  const log = new Log("info", (line) => lines.push(line));
  const { request, broker, clock } = startBridge({ log, limits: { stallSeconds: 60 } });
  const upload = (second: (controller: ReadableStreamDefaultController<Uint8Array>) => void) => {
    let count = 0;
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) =>
      ++count === 1 ? controller.enqueue(Uint8Array.of(1)) : second(controller);
    return request("/topics/t", { method: "POST", body: new ReadableStream({ pull }) });
  };
  const broken = upload((controller) => controller.error(new TypeError("connection lost")));
  await assertProblem(await broken, 400, "incomplete-body");
  const stalled = upload(() => {});
  await eventually(() => assertEquals(clock.timerCount, 1));
  clock.advance(59_999);
  assertEquals(clock.timerCount, 1);
  clock.advance(1);
  await assertProblem(await stalled, 408, "upload-stalled");
  assertEquals(broker.counters.limitsMet.stallSeconds, 1);
  assertEquals([lines, broker.sequence, clock.timerCount], [[], 0, 0]);
});

Deno.test("userPropertiesMax 3: so many are taken and one more is refused, in whichever way they come", async () => {
  const { request, broker } = startBridge({ limits: { userPropertiesMax: 3 } });
  for (const [count, status] of [[2, 200], [3, 200], [4, 400]] as const) {
    const pairs = Array.from({ length: count }, (_, index) => `k=${index}`);
    const query = pairs.map((pair) => `user.${pair}`).join("&");
    const inQuery = await request(`/topics/t?${query}`, { method: "POST", body: "x" });
    const headers = { "mqtt-user-property": pairs.slice(1).join(",") };
    const inBoth = await request("/topics/t?user.k=0", { method: "POST", body: "x", headers });
    assertEquals([count, inQuery.status, inBoth.status], [count, status, status]);
    if (status === 200) continue;
    await assertProblem(inQuery, 400, "too-many-user-properties");
    await assertProblem(inBoth, 400, "too-many-user-properties");
  }
  assertEquals([broker.sequence, broker.counters.limitsMet.userPropertiesMax], [4, 2]);
});

Deno.test("userPropertiesBytesMax 100: names and values of as many bytes are taken, one more is refused", async () => {
  const { request, broker } = startBridge({ limits: { userPropertiesBytesMax: 100 } });
  for (const [bytes, status] of [[99, 200], [100, 200], [101, 400]] as const) {
    // é is one character and two bytes.
    const query = `user.k=${"a".repeat(40)}&user.%C3%A9=${"a".repeat(bytes - 43)}`;
    const response = await request(`/topics/t?${query}`, { method: "POST", body: "x" });
    assertEquals([bytes, response.status], [bytes, status]);
    if (status === 400) await assertProblem(response, 400, "too-many-user-properties");
  }
  assertEquals([broker.sequence, broker.counters.limitsMet.userPropertiesBytesMax], [2, 1]);
});
