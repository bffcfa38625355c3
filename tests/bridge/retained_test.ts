import { assertEquals } from "@std/assert";
import { assertProblem, identityNamed, startBridge } from "./support.ts";

Deno.test("GET answers the retained payload with all that is known of it", async () => {
  const { request, broker, clock } = startBridge();
  const payload = crypto.getRandomValues(new Uint8Array(300));
  payload[0] = 0xff;
  const query = "qos=1&expiry=60&user.k=%C3%A4%2C&response_topic=re&correlation=AAE&content_type=image/png";
  await request(`/topics/t?${query}`, { method: "PUT", body: payload });
  await request("/topics/other", { method: "POST", body: "x" });
  clock.advance(10_500);
  const response = await request("/topics/t");
  assertEquals(new Uint8Array(await response.arrayBuffer()), payload);
  const { headers } = response;
  const names = ["etag", "mqtt-qos", "mqtt-message-expiry", "mqtt-user-property", "mqtt-response-topic"];
  assertEquals(names.map((name) => headers.get(name)), [
    `"${broker.epoch}-1"`,
    "1",
    "50",
    "k=%C3%A4%2C",
    "re",
  ]);
  assertEquals(headers.get("content-type"), "image/png");
  assertEquals(headers.get("mqtt-correlation-data"), "AAE");
  assertEquals(headers.get("mqtt-last-event-id"), `${broker.epoch}-2`);
  assertEquals(headers.get("last-modified"), "Thu, 01 Jan 2026 00:00:00 GMT");
  assertEquals(headers.get("cache-control"), "no-cache");
  assertEquals(headers.get("vary"), "Accept, Authorization, Cookie");
});

Deno.test("HEAD has the headers of GET and no body", async () => {
  const { request, publish } = startBridge();
  publish("t", "21.5", { retain: true });
  const [get, head] = await Promise.all([request("/topics/t"), request("/topics/t", { method: "HEAD" })]);
  assertEquals([head.status, await head.text()], [200, ""]);
  assertEquals([...head.headers], [...get.headers]);
  assertEquals(head.headers.get("content-length"), "4");
  await get.body?.cancel();
});

Deno.test("a reader that has the message is told that nothing changed", async () => {
  const { request, publish } = startBridge();
  publish("t", "1", { retain: true });
  const first = await request("/topics/t");
  await first.body?.cancel();
  const etag = first.headers.get("etag")!;
  for (const known of [etag, `W/${etag}`, `"x-1", ${etag}`, "*"]) {
    const response = await request("/topics/t", { headers: { "if-none-match": known } });
    assertEquals([known, response.status, await response.text()], [known, 304, ""]);
    assertEquals(response.headers.get("etag"), etag);
  }
  publish("t", "2", { retain: true });
  const changed = await request("/topics/t", { headers: { "if-none-match": etag } });
  assertEquals([changed.status, await changed.text()], [200, "2"]);
});

Deno.test("a topic without a retained message is not found, and neither is an expired one", async () => {
  const { request, publish, clock } = startBridge();
  await assertProblem(await request("/topics/t"), 404, "no-retained-value");
  publish("t", "not retained");
  await assertProblem(await request("/topics/t"), 404, "no-retained-value");
  await request("/topics/t?expiry=5", { method: "PUT", body: "x" });
  clock.advance(5_000);
  await assertProblem(await request("/topics/t"), 404, "no-retained-value");
});

Deno.test("format=json answers an envelope", async () => {
  const { request, broker } = startBridge();
  await request("/topics/t?expiry=60&user.a=1", { method: "PUT", body: "21.5" });
  const response = await request("/topics/t?format=json");
  assertEquals(response.headers.get("content-type"), "application/json");
  assertEquals(await response.json(), {
    topic: "t",
    payload: "21.5",
    qos: 0,
    retain: true,
    id: `${broker.epoch}-1`,
    time: "2026-01-01T00:00:00.000Z",
    size: 4,
    content_type: "text/plain;charset=UTF-8",
    expiry: 60,
    user: [["a", "1"]],
  });
});

Deno.test("what a browser would run goes out as text, under a policy that runs nothing", async () => {
  const { request } = startBridge();
  const active = [
    "text/html",
    "TEXT/HTML; charset=utf-8",
    "image/svg+xml",
    "application/xhtml+xml",
    "text/xml",
    "application/javascript",
    "text/javascript",
    "multipart/x-mixed-replace; boundary=a",
  ];
  for (const type of active) {
    await request(`/topics/t?content_type=${encodeURIComponent(type)}`, { method: "PUT", body: "<script>" });
    const { headers, body } = await request("/topics/t");
    await body?.cancel();
    assertEquals([type, headers.get("content-type")], [type, "text/plain; charset=utf-8"]);
    assertEquals(headers.get("mqtt-content-type"), type);
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("content-security-policy"), "sandbox; default-src 'none'");
  }
});

Deno.test("a content type that is none cannot make a header", async () => {
  const { request } = startBridge();
  for (const type of ["x\r\nset-cookie: a=b", "text", "ä/ö", "a/b\u2028", "text/html\t;", ""]) {
    await request(`/topics/t?content_type=${encodeURIComponent(type)}`, { method: "PUT", body: "x" });
    const { headers, body } = await request("/topics/t");
    await body?.cancel();
    assertEquals([type, headers.get("content-type")], [type, "application/octet-stream"]);
    assertEquals(headers.get("set-cookie"), null);
  }
});

Deno.test("without a content type, text is text and other bytes are bytes", async () => {
  const { request, publish } = startBridge();
  publish("text", "grün", { retain: true });
  publish("bytes", new Uint8Array([0xc3, 0x28]), { retain: true });
  const type = async (topic: string) => {
    const response = await request(`/topics/${topic}`);
    await response.body?.cancel();
    return response.headers.get("content-type");
  };
  assertEquals(await type("text"), "text/plain; charset=utf-8");
  assertEquals(await type("bytes"), "application/octet-stream");
});

Deno.test("DELETE clears the topic, and live subscribers see the empty message", async () => {
  const { request, publish, stream, broker } = startBridge();
  await assertProblem(await request("/topics/t", { method: "DELETE" }), 404, "no-retained-value");
  publish("t", "1", { retain: true });
  const reader = await stream("/stream/t?retained=none&rap=1");
  await reader.until("live");
  await assertProblem(
    await request("/topics/t", { method: "DELETE", headers: { "if-match": '"x-1"' } }),
    412,
    "precondition-failed",
  );
  const response = await request("/topics/t", { method: "DELETE" });
  assertEquals([response.status, response.headers.get("mqtt-message-id")], [204, `${broker.epoch}-2`]);
  const { payload, retain } = await reader.json();
  assertEquals([payload, retain, broker.retained.size], ["", true, 0]);
  await reader.cancel();
});

Deno.test("who may not receive a topic cannot read it", async () => {
  const may = (action: string, topic: string) => action !== "receive" || topic !== "closed";
  const { request, publish } = startBridge({ authenticators: [identityNamed("ann", may)] });
  publish("closed", "secret", { retain: true });
  await assertProblem(await request("/topics/closed"), 403, "denied");
  await assertProblem(await request("/topics/closed", { method: "DELETE" }), 404, "no-retained-value");
});

Deno.test("unknown parameters of a read are refused", async () => {
  const { request, publish } = startBridge();
  publish("t", "1", { retain: true });
  await assertProblem(await request("/topics/t?wait=5"), 400, "unknown-parameter");
  await assertProblem(await request("/topics/t?format=xml"), 400, "invalid-parameter");
});

Deno.test("a property too long for a header is named instead, and the envelope has it", async () => {
  const { request, broker } = startBridge();
  const long = "x".repeat(5_000);
  broker.publish({ name: "test", can: () => true }, {
    topic: "t",
    payload: new Uint8Array(1),
    qos: 0,
    retain: true,
    properties: {
      responseTopic: long,
      contentType: `a/${long}`,
      userProperties: [["k", long]],
      payloadIsText: true,
    },
  });
  const { headers, body } = await request("/topics/t");
  await body?.cancel();
  assertEquals(headers.get("mqtt-omitted-headers"), "mqtt-response-topic, mqtt-user-property");
  assertEquals([headers.get("content-type"), headers.get("mqtt-payload-format-indicator")], [
    "application/octet-stream",
    "1",
  ]);
  const { response_topic, user } = await (await request("/topics/t?format=json")).json();
  assertEquals([response_topic, user], [long, [["k", long]]]);
});
