import { assert, assertEquals } from "@std/assert";
import { BY_TLS, startBridge } from "./support.ts";

const FRIEND = "https://friend.example";
const PREFLIGHT = { "access-control-request-method": "PUT", "access-control-request-headers": "mqtt-qos" };

function corsOf({ headers }: Response): string[] {
  return [...headers.keys()].filter((name) => name.startsWith("access-control-"));
}

Deno.test("no origin gets a CORS header unless it is listed, letter by letter", async () => {
  const lists = [undefined, [], [FRIEND]];
  for (const allowedOrigins of lists) {
    const { request } = startBridge({ bridge: allowedOrigins ? { allowedOrigins } : {} });
    for (
      const origin of [
        "https://evil.example",
        "null",
        "*",
        `${FRIEND}.evil`,
        `${FRIEND}:444`,
        "http://friend.example",
      ]
    ) {
      for (const init of [{}, { method: "OPTIONS", headers: PREFLIGHT }, { method: "POST", body: "x" }]) {
        const response = await request("/topics/a", { ...init, headers: { ...init.headers, origin } });
        assertEquals([origin, corsOf(response)], [origin, []]);
        assertEquals(response.headers.get("cross-origin-resource-policy"), "same-origin");
        assertEquals(response.headers.get("vary")?.includes("Origin") ?? false, allowedOrigins?.length === 1);
        assert(response.status >= 400);
      }
    }
  }
});

Deno.test("a listed origin may send, with credentials, what the bridge reads, and read what it answers", async () => {
  const { request } = startBridge({ bridge: { allowedOrigins: [FRIEND] } });
  const preflight = await request("/topics/a", {
    method: "OPTIONS",
    headers: { origin: FRIEND, ...PREFLIGHT },
  });
  const { headers } = preflight;
  assertEquals([preflight.status, headers.get("access-control-max-age")], [204, "7200"]);
  assertEquals(headers.get("access-control-allow-methods"), "GET, HEAD, POST, PUT, DELETE");
  for (const name of ["authorization", "mqtt-qos", "idempotency-key", "if-match", "last-event-id"]) {
    assert(headers.get("access-control-allow-headers")!.split(", ").includes(name), name);
  }
  const put = await request("/topics/a", { method: "PUT", body: "x", headers: { origin: FRIEND } });
  const get = await request("/topics/a", { headers: { origin: FRIEND } });
  const missing = await request("/topics/none", { headers: { origin: FRIEND } });
  const stream = await request("/stream/a", { headers: { origin: FRIEND, accept: "text/event-stream" } });
  await stream.body!.cancel();
  assertEquals([put.status, get.status, missing.status, stream.status], [201, 200, 404, 200]);
  for (const response of [preflight, put, get, missing, stream]) {
    assertEquals(response.headers.get("access-control-allow-origin"), FRIEND);
    assertEquals(response.headers.get("access-control-allow-credentials"), "true");
    assertEquals(response.headers.get("cross-origin-resource-policy"), "cross-origin");
    assert(response.headers.get("vary")!.includes("Origin"));
    for (const name of corsOf(response)) assert(!response.headers.get(name)!.includes("*"), name);
  }
  const exposed = get.headers.get("access-control-expose-headers")!.toLowerCase().split(", ");
  for (const name of ["etag", "link", "location", "retry-after", "idempotency-replayed"]) {
    assert(exposed.includes(name), name);
  }
  for (const response of [put, get]) {
    for (const name of response.headers.keys()) {
      if (name.startsWith("mqtt-")) assert(exposed.includes(name), name);
    }
  }
});

Deno.test("OPTIONS that is no preflight is a method like any other", async () => {
  const { request } = startBridge({ bridge: { allowedOrigins: [FRIEND] } });
  assertEquals((await request("/topics/a", { method: "OPTIONS", headers: { origin: FRIEND } })).status, 405);
  assertEquals((await request("/topics/a", { method: "OPTIONS", headers: PREFLIGHT })).status, 405);
});

Deno.test("every answer, right or wrong, tells browsers to trust it with nothing", async () => {
  const { request, bridge } = startBridge({ bridge: { allowedHosts: ["broker.example"] } });
  const paths = [
    "/",
    "/limits",
    "/problems",
    "/healthz",
    "/none",
    "/topics/a",
    "/topics/+",
    "/session",
    "/tokens",
  ];
  for (const path of paths) {
    const { headers } = await request(path);
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("referrer-policy"), "no-referrer");
    assertEquals(headers.get("cross-origin-resource-policy"), "same-origin");
    assert(headers.get("content-security-policy")!.includes("default-src 'none'"), path);
    assertEquals(headers.get("strict-transport-security"), null);
  }
  const over = async (url: string) =>
    (await bridge.fetch(new Request(url), BY_TLS)).headers.get("strict-transport-security");
  assertEquals(await over("https://broker.example/limits"), "max-age=31536000");
  assertEquals(await over("https://localhost/limits"), null);
  assertEquals(
    (await bridge.fetch(new Request("http://evil.example/"))).headers.get("referrer-policy"),
    "no-referrer",
  );
});

const BROWSER_HEADERS = [
  "x-content-type-options",
  "referrer-policy",
  "cross-origin-resource-policy",
  "content-security-policy",
];

Deno.test("the answer to a publish has what browsers read if one may be asking, and a refusal has it always", async () => {
  const { request } = startBridge({});
  const guarded = async (headers: Record<string, string>, path = "/topics/a") => {
    const answer = await request(path, { method: "POST", body: "1", headers });
    await answer.body?.cancel();
    return [answer.status, BROWSER_HEADERS.filter((name) => answer.headers.has(name)).length];
  };
  assertEquals(await guarded({}), [200, 0]);
  assertEquals(await guarded({ "origin": "http://localhost" }), [200, 4]);
  assertEquals(await guarded({ "sec-fetch-site": "same-origin" }), [200, 4]);
  assertEquals(await guarded({ "sec-fetch-mode": "navigate" }), [200, 4]);
  assertEquals(await guarded({}, "/topics/a?retian=1"), [400, 4]);
  assertEquals(await guarded({}, "/topics/$SYS/a"), [403, 4]);
});
