import { assert, assertEquals, assertMatch } from "@std/assert";
import { createBridge } from "../../bridge/mod.ts";
import { PROBLEMS } from "../../bridge/middleware/problem.ts";
import { Broker, type Credentials, type Grant, Log } from "../../broker/mod.ts";
import { assertProblem, problemOf, seeded, startBridge, TestServer } from "./support.ts";

Deno.test("a page of another origin cannot publish, even to an open broker", async () => {
  const { request, broker } = startBridge({ bridge: { allowedOrigins: ["https://friend.example"] } });
  const status = async (method: string, headers: Record<string, string>) => {
    const response = await request("/topics/t", { method, headers, body: method === "GET" ? null : "x" });
    await response.body?.cancel();
    return response.status;
  };
  const refused: Record<string, string>[] = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "http://localhost:81" },
    { origin: "http://localhost.evil.example" },
    { "sec-fetch-site": "cross-site" },
  ];
  for (const headers of refused) {
    for (const method of ["POST", "PUT", "DELETE"]) {
      assertEquals([headers, await status(method, headers)], [headers, 403]);
    }
  }
  assertEquals(broker.sequence, 0);
  assertEquals(await status("GET", { origin: "https://evil.example" }), 404);
  assertEquals(await status("POST", {}), 200);
  assertEquals(await status("POST", { origin: "http://localhost", "sec-fetch-site": "same-origin" }), 200);
  assertEquals(await status("POST", { origin: "https://localhost" }), 200);
  assertEquals(
    await status("POST", { origin: "https://friend.example", "sec-fetch-site": "cross-site" }),
    200,
  );
});

Deno.test("a page of another origin cannot upgrade to a WebSocket either, and no page of ours is kept from asking", async () => {
  const { request, bridge } = startBridge();
  for (const upgrade of ["websocket", "WebSocket", "h2c, websocket"]) {
    for (const path of ["/stream/t", "/mqtt"]) {
      const headers = { upgrade, connection: "Upgrade", origin: "https://evil.example" };
      await assertProblem(await request(path, { headers }), 403, "cross-origin");
    }
  }
  const own = await request("/mqtt", { headers: { upgrade: "websocket", origin: "http://localhost" } });
  await assertProblem(own, 404, "not-found");
  assertEquals(bridge.streamCount, 0);
});

Deno.test("only known host names are answered, so that no page can pass its own for ours", async () => {
  const server = new TestServer(createBridge(new Broker(), { allowedHosts: ["Broker.Example"] }));
  await using _ = server;
  const status = async (host: string, path = "/limits") => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await connection.write(
      new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
    );
    return Number((await new Response(connection.readable).text()).slice(9, 12));
  };
  for (
    const host of ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]", "[::1]:8080", "broker.example:8080"]
  ) {
    assertEquals([host, await status(host)], [host, 200]);
  }
  for (const host of ["evil.example", "localhost.evil.example", "evil.example:80", "127.0.0.2", "[::2]"]) {
    assertEquals([host, await status(host), await status(host)], [host, 421, 421]);
  }
  assertEquals(await status("10.1.2.3", "/healthz"), 200);
});

Deno.test("urlBytesMax 100: a URL of as much is taken and a longer one is refused", async () => {
  const { request, broker } = startBridge({ limits: { urlBytesMax: 100 } });
  for (const [length, status] of [[99, 404], [100, 404], [101, 414]] as const) {
    const path = `/topics/${"a".repeat(length - "http://localhost/topics/".length)}`;
    const response = await request(path);
    await response.body?.cancel();
    assertEquals([length, response.status], [length, status]);
    assertEquals(broker.counters.limitsMet.urlBytesMax, status === 414 ? 1 : 0);
  }
});

Deno.test("Basic credentials reach the authenticator as they are, and its answer decides", async () => {
  const seen: Credentials[] = [];
  let grant: Grant = { granted: true, identity: { name: "ann", can: () => true } };
  const authenticators = [{
    name: "test",
    authenticate: (credentials: Credentials) => {
      seen.push(credentials);
      return grant;
    },
  }];
  const { request } = startBridge({ authenticators });
  const get = (authorization?: string) =>
    request("/topics/t", authorization ? { headers: { authorization } } : {});
  const bytes = new Uint8Array([...new TextEncoder().encode("änn:a:"), 0xff]);
  await assertProblem(await get(`Basic ${bytes.toBase64()}`), 404, "no-retained-value");
  await assertProblem(await get(), 404, "no-retained-value");
  assertEquals(seen.map(({ username }) => username), ["änn", undefined]);
  assertEquals([seen[0]!.password, seen[0]!.clientId], [new Uint8Array([0x61, 0x3a, 0xff]), undefined]);
  for (
    const bad of ["Basic", "Basic %%%", `Basic ${btoa("nocolon")}`, `Basic ${btoa("\xff:x")}`, "Bearer abc"]
  ) {
    await assertProblem(await get(bad), 401, "bad-credentials");
  }
  grant = { granted: false, reason: "bad-credentials" };
  const refused = await get(`Basic ${btoa("ann:wrong")}`);
  assertMatch(refused.headers.get("www-authenticate")!, /^Basic realm=/);
  await assertProblem(refused, 401, "bad-credentials");
  grant = { granted: false, reason: "not-authorized" };
  await assertProblem(await get(), 401, "unauthenticated");
  await assertProblem(await get(`Basic ${btoa("ann:x")}`), 403, "denied");
  grant = { granted: false, reason: "unavailable" };
  const later = await get();
  assertEquals(later.headers.get("retry-after"), "5");
  await assertProblem(later, 503, "unavailable");
  grant = { granted: false, reason: "busy" };
  const busy = await get();
  assertEquals(busy.headers.get("retry-after"), "5");
  await assertProblem(busy, 503, "overloaded");
});

Deno.test("routes and methods that do not exist say so in the same form", async () => {
  const { request } = startBridge();
  for (
    const path of [
      "/nothing",
      "/topic/a",
      "/streams/x",
      "/publish",
      "/metrics",
      "/problems/none",
      "//topics/a",
    ]
  ) {
    await assertProblem(await request(path), 404, "not-found");
  }
  const cases: [method: string, path: string, allow: string][] = [
    ["PATCH", "/topics/a", "GET, HEAD, POST, PUT, DELETE"],
    ["POST", "/stream/a", "GET, HEAD"],
    ["DELETE", "/", "GET, HEAD"],
    ["POST", "/healthz", "GET, HEAD"],
    ["OPTIONS", "/limits", "GET, HEAD"],
  ];
  for (const [method, path, allow] of cases) {
    const response = await request(path, { method });
    assertEquals([path, response.headers.get("allow")], [path, allow]);
    await assertProblem(response, 405, "method-not-allowed");
  }
});

Deno.test("every problem has a page that explains it", async () => {
  const { request } = startBridge();
  for (const [code, { title, help }] of Object.entries(PROBLEMS)) {
    const text = await (await request(`/problems/${code}`)).text();
    assert(text.includes(title) && text.includes(help));
  }
  assert((await (await request("/problems")).text()).includes("wildcard-in-topic"));
});

Deno.test("a defect is a problem without a stack, which the log has under the same number", async () => {
  const lines: string[] = [];
  const log = new Log("error", (line) => lines.push(line));
  const { request, broker } = startBridge({ log });
  broker.retained.get = () => {
    throw new Error("secret detail");
  };
  const response = await request("/topics/t");
  assertEquals(response.status, 500);
  const problem = await problemOf(response);
  assertEquals([problem.type, JSON.stringify(problem).includes("secret")], [
    "/problems/internal-error",
    false,
  ]);
  assertEquals(lines.length, 1);
  assert(lines[0]!.includes("http-failed") && lines[0]!.includes(problem.instance.slice(8)));
  assert(lines[0]!.includes("secret detail"));
});

Deno.test("limits, health and readiness are there to ask", async () => {
  const { request, bridge, broker } = startBridge();
  const limits = await (await request("/limits")).json();
  assertEquals(limits.payload_bytes_max, broker.limits.payloadBytesMax);
  assertEquals(
    Object.keys(limits).length,
    Object.keys(broker.limits).length + Object.keys(broker.features).length,
  );
  assertEquals([limits.maximum_qos, limits.retain_available], [2, true]);
  assertEquals([limits.retry_seconds_min, limits.retry_seconds_max], [2, 4]);
  const text = async (path: string) => {
    const response = await request(path);
    return [response.status, await response.text()];
  };
  assertEquals([await text("/healthz"), await text("/readyz")], [[200, "ok\n"], [200, "ready\n"]]);
  bridge.startDraining();
  assertEquals([await text("/healthz"), await text("/readyz")], [[200, "ok\n"], [503, "draining\n"]]);
  await assertProblem(await request("/topics/t", { method: "PUT", body: "x" }), 503, "draining");
  assertEquals(broker.sequence, 0);
});

Deno.test("who opens the port sees what to try", async () => {
  const { request } = startBridge();
  const response = await request("/", { headers: { host: "localhost:8080" } });
  assertMatch(await response.text(), /curl -d on http:\/\/localhost:8080\/topics\/home\/lamp\/set/);
  assertEquals(response.headers.get("content-type"), "text/plain; charset=utf-8");
});

Deno.test("whatever a client sends, it gets an answer below 500 and leaves nothing behind", async () => {
  const random = seeded(6);
  const broker = new Broker();
  const bridge = createBridge(broker);
  const pieces = [
    "/topics/",
    "/stream",
    "/",
    "?",
    "&",
    "=",
    "%",
    "%2",
    "%00",
    "%C3",
    "+",
    "#",
    "%23",
    "..",
    ".",
    "$share/",
    "$SYS/",
    "filter=",
    "topic=",
    "since=",
    "limit=",
    "retain=1",
    "user.",
    "9",
    "all",
    "a",
    "\u00e4",
    ";",
    "//",
    "qos=2",
    "timeout=0",
    "after=",
    "shape=tree",
  ];
  const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"];
  const types = [
    "text/event-stream",
    "application/json",
    "*/*",
    "text/plain;q=0",
    "application/x-ndjson",
    ",",
  ];
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)]!;
  for (let round = 0; round < 3_000; round++) {
    const path = "/" + Array.from({ length: Math.floor(random() * 9) }, () => pick(pieces)).join("");
    const method = pick(methods);
    // Not `new Request(path)`, which would tidy it up.
    const request = new Request("http://localhost/", {
      method,
      headers: { accept: pick(types), "last-event-id": pick(pieces.slice(-6, -1)).replace("\u00e4", "x") },
      body: method === "GET" || method === "HEAD" ? null : pick(pieces),
    });
    Object.defineProperty(request, "url", { value: `http://localhost${path}` });
    const response = await bridge.fetch(request);
    assert(response.status < 500, `${method} ${path}: ${response.status}`);
    await response.body?.cancel();
  }
  assertEquals([bridge.streamCount, broker.subscriptionCount], [0, 0]);
});
