import { assert, assertEquals, assertMatch } from "@std/assert";
import type { BridgeOptions } from "../../bridge/mod.ts";
import type { BrokerOptions } from "../../broker/mod.ts";
import { sign, tokensOf } from "../support/tokens.ts";
import { usersOf, verifierOf } from "../support/users.ts";
import { assertProblem, BY_TLS, startBridge, StreamReader, type TestBridge } from "./support.ts";

const HOUR = 3_600_000;

async function start(options: BrokerOptions & { readonly bridge?: BridgeOptions } = {}) {
  const users = await usersOf({ ana: "1", bob: "2" });
  return { users, ...startBridge({ users, ...options }) };
}

function basic(user = "ana", password = "1"): Record<string, string> {
  return { authorization: `Basic ${btoa(`${user}:${password}`)}` };
}

async function logIn({ request }: TestBridge, user = "ana", password = "1"): Promise<string> {
  const response = await request("/session", { method: "POST", headers: basic(user, password) });
  assertEquals([response.status, await response.json()], [200, { name: user }]);
  assertEquals(response.headers.get("cache-control"), "no-store");
  return response.headers.get("set-cookie")!.split(";")[0]!;
}

/** Whether the cookie is good. */
async function isIn({ request }: TestBridge, cookie: string): Promise<boolean> {
  const response = await request("/topics/a", { headers: { cookie } });
  if (response.status === 404) return await response.body?.cancel(), true;
  await assertProblem(response, 401, "session-over");
  return false;
}

Deno.test("a cookie for credentials lets in on every route, EventSource included, and logging out ends it", async () => {
  const it = await start();
  const cookie = await logIn(it);
  assertMatch(cookie, /^pregon=[\w-]{43}$/);
  const put = await it.request("/topics/a", { method: "PUT", body: "x", headers: { cookie } });
  assertEquals(put.status, 201);
  const stream = await it.stream("/stream/a", { cookie: `other=1; ${cookie}` });
  await stream.until("live");
  stream.ask();
  const out = await it.request("/session", { method: "DELETE", headers: { cookie } });
  assertEquals([out.status, out.headers.get("cache-control")], [204, "no-store"]);
  assertEquals(out.headers.get("set-cookie"), "pregon=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
  it.publish("a", "secret");
  it.clock.advance(2_000);
  assertEquals(JSON.parse((await stream.until("bye")).at(-1)!.data).reason, "revoked");
  assert(!(await stream.rest()).includes("secret"));
  const over = await it.request("/topics/a", { headers: { cookie } });
  assertEquals(over.headers.get("set-cookie")?.includes("Max-Age=0"), true);
  assertEquals(over.headers.get("www-authenticate"), 'Session realm="Pregon"');
  await assertProblem(over, 401, "session-over");
});

Deno.test("a JSON body logs in as the header does, and what is wrong with it is said without quoting it", async () => {
  const { request } = await start();
  const post = (body: BodyInit, type = "application/json") =>
    request("/session", {
      method: "POST",
      body,
      headers: { "content-type": type, "sec-fetch-mode": "cors" },
    });
  const good = await post('{"username":"ana","password":"1"}');
  assertEquals(good.headers.get("set-cookie")!.slice(0, 7), "pregon=");
  const wrong = await post('{"username":"ana","password":"zzsecretzz"}');
  assertEquals(wrong.headers.get("www-authenticate"), 'Session realm="Pregon"');
  await assertProblem(wrong, 401, "bad-credentials");
  const bodies = [
    '"zzsecretzz',
    '["zzsecretzz"]',
    "null",
    '{"username":"ana"}',
    '{"username":1,"password":"zzsecretzz"}',
  ];
  for (const body of [...bodies, '{"username":"ana","password":["zzsecretzz"]}', new Uint8Array([0xff])]) {
    const response = await post(body);
    assert(!(await response.clone().text()).includes("zzsecretzz"));
    await assertProblem(response, 400, "invalid-body");
  }
  await assertProblem(await post('{"username":"ana","password":"1","x":1}'), 400, "unknown-parameter");
  await assertProblem(
    await post("username=ana&password=1", "application/x-www-form-urlencoded"),
    401,
    "unauthenticated",
  );
  await assertProblem(await request("/session", { method: "POST" }), 401, "unauthenticated");
  await assertProblem(
    await request("/session?username=ana", { method: "POST", headers: basic() }),
    400,
    "unknown-parameter",
  );
  const got = await request("/session");
  assertEquals(got.headers.get("allow"), "POST, DELETE");
  await assertProblem(got, 405, "method-not-allowed");
});

Deno.test("over HTTPS the cookie has the prefix that binds it to the host, and each way has its own cookie", async () => {
  const it = await start({ bridge: { allowedHosts: ["broker.example"] } });
  const secure = (path: string, init: RequestInit = {}) =>
    it.bridge.fetch(new Request(`https://broker.example${path}`, init), BY_TLS);
  const answer = await secure("/session", { method: "POST", headers: basic() });
  const set = answer.headers.get("set-cookie")!;
  assertMatch(set, /^__Host-pregon=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
  const cookie = set.split(";")[0]!;
  assertEquals((await secure("/topics/a", { headers: { cookie } })).status, 404);
  await assertProblem(
    await secure("/topics/a", { headers: { cookie: cookie.replace("__Host-", "") } }),
    401,
    "unauthenticated",
  );
  // A page that came by plain HTTP may be anybody's, although it has our name.
  const headers = { cookie, origin: "http://broker.example" };
  await assertProblem(await secure("/topics/a", { method: "POST", body: "x", headers }), 403, "cross-origin");
  const own = { cookie, origin: "https://broker.example" };
  assertEquals((await secure("/topics/a", { method: "POST", body: "x", headers: own })).status, 200);
  const plain = await it.bridge.fetch(
    new Request("http://broker.example/session", { method: "POST", headers: basic() }),
  );
  assertEquals(plain.headers.get("set-cookie"), null);
  await assertProblem(plain, 403, "tls-required");
});

Deno.test("a cookie does nothing for another origin's page, not even read", async () => {
  const it = await start({ bridge: { allowedOrigins: ["https://friend.example"] } });
  const cookie = await logIn(it);
  const send = (method: string, headers: Record<string, string>) =>
    it.request("/topics/a", { method, headers: { cookie, ...headers }, body: method === "GET" ? null : "x" });
  const foreign: Record<string, string>[] = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "http://localhost:81", "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "cross-site" },
  ];
  for (const headers of foreign) {
    for (const method of ["GET", "POST", "PUT", "DELETE"]) {
      await assertProblem(await send(method, headers), 403, "cross-origin");
    }
  }
  await assertProblem(await send("POST", { "sec-fetch-site": "same-site" }), 403, "cross-origin");
  assertEquals(it.broker.sequence, 0);
  const fine: Record<string, string>[] = [{}, { origin: "http://localhost" }, {
    origin: "https://friend.example",
  }];
  for (const headers of fine) {
    assertEquals((await send("POST", headers)).status, 200);
  }
});

Deno.test("whoever is gone, or whose token is over, has no cookie any more", async () => {
  const it = await start({ tokens: tokensOf() });
  const [ana, bob] = [await logIn(it), await logIn(it, "bob", "2")];
  const token = await sign({ sub: "tok", exp: it.clock.now() / 1000 + 60 });
  const answer = await it.request("/session", {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
  });
  const tok = answer.headers.get("set-cookie")!.split(";")[0]!;
  assertEquals([await isIn(it, ana), await isIn(it, bob), await isIn(it, tok)], [true, true, true]);
  it.users.replace(new Map([["bob", await verifierOf("2")]]));
  it.broker.identitiesChanged();
  it.clock.advance(60_000);
  assertEquals([await isIn(it, ana), await isIn(it, bob), await isIn(it, tok)], [false, true, false]);
});

Deno.test("loginIdleSeconds 7200, loginSeconds 14400: a login that nothing uses, not even a stream, ends so early, and any so late", async () => {
  const it = await start({
    limits: { loginIdleSeconds: 7200, loginSeconds: 4 * 3600, heartbeatSeconds: 86_400 },
  });
  const [idle, used] = [await logIn(it), await logIn(it)];
  const stream = await it.stream("/stream/a", { cookie: used });
  await stream.until("live");
  stream.ask();
  it.clock.advance(2 * HOUR - 1);
  assertEquals(await isIn(it, idle), true);
  it.clock.advance(2 * HOUR - 2_000);
  assertEquals([await isIn(it, idle), await isIn(it, used)], [true, true]);
  it.clock.advance(4_000);
  assertEquals([await isIn(it, idle), await isIn(it, used)], [false, false]);
  assertEquals(JSON.parse((await stream.until("bye")).at(-1)!.data).reason, "token-expired");
  const late = await logIn(it);
  it.clock.advance(2 * HOUR);
  assertEquals(await isIn(it, late), false);
});

Deno.test("loginsPerIdentityMax 3: one login more ends the one that was used longest ago", async () => {
  const it = await start({ limits: { loginsPerIdentityMax: 3 } });
  const cookies: string[] = [];
  const states = async () => {
    const found = [];
    for (const cookie of cookies) found.push(await isIn(it, cookie));
    return found;
  };
  for (const expected of [[true], [true, true], [true, true, true]]) {
    cookies.push(await logIn(it));
    it.clock.advance(1_000);
    assertEquals(await states(), expected);
  }
  it.clock.advance(1_000);
  assertEquals(await isIn(it, cookies[0]!), true);
  const other = await logIn(it, "bob", "2");
  cookies.push(await logIn(it));
  assertEquals(await states(), [true, false, true, true]);
  assertEquals([await isIn(it, other), it.broker.counters.loginsDisplaced], [true, 1]);
});

Deno.test("loginsMax 2: a full table takes nobody else until one of its logins is over", async () => {
  const it = await start({ limits: { loginsMax: 2, loginIdleSeconds: 60 } });
  const first = await logIn(it);
  await logIn(it);
  const refused = await it.request("/session", { method: "POST", headers: basic("bob", "2") });
  assertEquals(refused.headers.get("retry-after"), "60");
  await assertProblem(refused, 503, "overloaded");
  assertEquals([await isIn(it, first), it.broker.counters.loginsRefused], [true, 1]);
  it.clock.advance(60_000);
  await logIn(it, "bob", "2");
  assertEquals(it.broker.counters.loginsOpened, 3);
});

Deno.test("logging in again with the cookie ends the login before, so that nobody's cookie is kept on", async () => {
  const it = await start();
  const cookie = await logIn(it);
  const again = await it.request("/session", { method: "POST", headers: { ...basic("bob", "2"), cookie } });
  assertEquals(await again.json(), { name: "bob" });
  assertEquals(await isIn(it, cookie), false);
});

Deno.test("accessBodyBytesMax 100: a body of as much is taken and a longer one is refused", async () => {
  const it = await start({ limits: { accessBodyBytesMax: 100 } });
  for (const [length, status] of [[99, 200], [100, 200], [101, 413]] as const) {
    const body = '{"username":"ana","password":"1"}'.padEnd(length);
    const init = { method: "POST", body, headers: { "content-type": "application/json" } };
    const response = await it.request("/session", init);
    await response.body?.cancel();
    assertEquals([length, response.status], [length, status]);
    assertEquals(it.broker.counters.limitsMet.accessBodyBytesMax, status === 413 ? 1 : 0);
  }
});

Deno.test("credentials in the header go before a cookie, and rules are asked for whoever has one", async () => {
  const it = await start();
  const cookie = await logIn(it);
  await assertProblem(
    await it.request("/topics/a", { headers: { cookie, ...basic("ana", "no") } }),
    401,
    "bad-credentials",
  );
  await assertProblem(
    await it.request("/topics/$x", { method: "POST", body: "", headers: { cookie } }),
    403,
    "reserved-topic",
  );
  const reader = new StreamReader(await it.request("/stream/a", { headers: { cookie } }));
  await reader.cancel();
});

Deno.test("while memory is short nobody gets a cookie or a stream token, and those that are there stay good", async () => {
  let memory = 0;
  const it = await start({ limits: { memoryBytesMax: 1_000 }, readMemory: () => memory });
  const cookie = await logIn(it);
  memory = 1_001;
  it.broker.memory.sample();
  const again = { method: "POST", headers: { ...basic(), cookie } };
  const refused = await it.request("/session", again);
  assertEquals(refused.headers.get("retry-after"), "60");
  await assertProblem(refused, 503, "overloaded");
  const body = '{"filters": ["a"]}';
  const headers = { ...basic(), "content-type": "application/json" };
  await assertProblem(await it.request("/tokens", { method: "POST", body, headers }), 503, "overloaded");
  assertEquals(await isIn(it, cookie), true);
  memory = 0;
  it.broker.memory.sample();
  assertEquals((await it.request("/session", again)).status, 200);
  assertEquals((await it.request("/tokens", { method: "POST", body, headers })).status, 200);
});
