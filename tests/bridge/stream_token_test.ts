import { assert, assertEquals, assertMatch } from "@std/assert";
import { usersOf, verifierOf } from "../support/users.ts";
import { parseRulesFile } from "../../broker/auth/rules_file.ts";
import { DEFAULT_LIMITS, type Limits } from "../../broker/mod.ts";
import { assertProblem, startBridge, type TestBridge } from "./support.ts";

const ANA = { authorization: `Basic ${btoa("ana:1")}` };
const JSON_TYPE = { "content-type": "application/json" };
const SSE = { accept: "text/event-stream" };

async function start(limits: Partial<Limits> = {}) {
  const users = await usersOf({ ana: "1", bob: "2" });
  return { users, ...startBridge({ users, limits }) };
}

function ask(
  { request }: TestBridge,
  wish: unknown,
  headers: Record<string, string> = ANA,
): Promise<Response> {
  return request("/tokens", {
    method: "POST",
    body: JSON.stringify(wish),
    headers: { ...JSON_TYPE, ...headers },
  });
}

async function tokenFor(it: TestBridge, ...filters: string[]): Promise<string> {
  const response = await ask(it, { filters, ttl: "60s" });
  assertEquals([response.status, response.headers.get("cache-control")], [200, "no-store"]);
  return (await response.json()).token;
}

Deno.test("a stream token follows its filters as often as one likes, by both routes, and nothing else", async () => {
  const it = await start();
  const token = await tokenFor(it, "home/#", "a/+");
  assertMatch(token, /^st_[\w-]{43}$/);
  for (const path of ["/stream/home/%23", "/topics/home/+/x", "/stream?filter=a/b&filter=home/1"]) {
    const stream = await it.stream(`${path}${path.includes("?") ? "&" : "?"}token=${token}`);
    assertEquals(stream.response.status, 200);
    await stream.until("live");
    await stream.cancel();
  }
  for (const path of ["/stream/%23", "/stream/a/%23", "/stream?filter=home/1&filter=b", "/stream/$SYS/%23"]) {
    const response = await it.request(`${path}${path.includes("?") ? "&" : "?"}token=${token}`, {
      headers: SSE,
    });
    await assertProblem(response, 403, "denied");
  }
  const share = await it.request(`/stream?filter=$share/g/home/1&token=${token}`, { headers: SSE });
  await assertProblem(share, 403, "denied");
  const head = await it.request(`/stream/home/1?token=${token}`, { method: "HEAD", headers: SSE });
  assertEquals(head.status, 200);
});

Deno.test("a stream token is taken for streams of events only, and credentials never in a URL", async () => {
  const it = await start();
  const token = await tokenFor(it, "#");
  const cases: [path: string, init: RequestInit][] = [
    ["/topics/a", {}],
    ["/topics/a", { headers: { accept: "application/json" } }],
    ["/stream/a", { headers: { accept: "application/x-ndjson" } }],
    ["/stream/a", { headers: { accept: "*/*" } }],
    ["/topics/a", { method: "POST", body: "x", headers: SSE }],
    ["/topics/a", { method: "PUT", body: "x" }],
    ["/topics/a", { method: "DELETE" }],
    ["/tokens", { method: "POST", body: '{"filters":["a"]}', headers: { ...JSON_TYPE, ...SSE } }],
  ];
  for (const [path, init] of cases) {
    for (const name of ["token", "%74oken"]) {
      await assertProblem(await it.request(`${path}?${name}=${token}`, init), 400, "invalid-parameter");
    }
  }
  for (const name of ["access_token", "authorization", "password"]) {
    await assertProblem(await it.request(`/stream/a?${name}=1`, { headers: SSE }), 401, "unauthenticated");
  }
  for (const other of ["st_", "", `${token}x`, btoa("ana:1"), `st_${"A".repeat(43)}`]) {
    await assertProblem(
      await it.request(`/stream/a?token=${encodeURIComponent(other)}`, { headers: SSE }),
      401,
      "stream-token-over",
    );
  }
  const bearer = await it.request("/stream/a", { headers: { ...SSE, authorization: `Bearer ${token}` } });
  await assertProblem(bearer, 401, "bad-credentials");
  // Also beside better credentials it is what counts.
  const both = await it.request(`/stream/a?token=${token}x`, { headers: { ...SSE, ...ANA } });
  await assertProblem(both, 401, "stream-token-over");
  assertEquals(it.broker.sequence, 0);
});

Deno.test("the end of a stream token ends its streams with a farewell, and it opens no other", async () => {
  const it = await start();
  const token = await tokenFor(it, "a");
  const stream = await it.stream(`/stream/a?token=${token}`);
  await stream.until("live");
  stream.ask();
  it.clock.advance(59_999);
  assertEquals((await it.request(`/stream/a?token=${token}`, { method: "HEAD", headers: SSE })).status, 200);
  it.clock.advance(1_001);
  assertEquals(JSON.parse((await stream.until("bye")).at(-1)!.data).reason, "token-expired");
  const late = await it.request(`/stream/a?token=${token}`, { headers: SSE });
  await assertProblem(late, 401, "stream-token-over");
});

Deno.test("a stream token is worth no more than its issuer at any moment, and ends with the issuer", async () => {
  const it = await start();
  const rulesOf = (text: string) => parseRulesFile({ name: "acl", text }, DEFAULT_LIMITS);
  it.broker.ruleBook.replace(rulesOf('[[rule]]\nallow = ["subscribe", "read"]\ntopics = "a/#"'));
  await assertProblem(await ask(it, { filters: ["a/1", "b"] }), 403, "denied");
  const token = await tokenFor(it, "a/#");
  const stream = await it.stream(`/stream/a/%23?token=${token}`);
  await stream.until("live");
  it.publish("a/1", "1");
  assertEquals((await stream.json()).payload, "1");
  it.broker.ruleBook.replace(
    rulesOf('[[rule]]\ndeny = "read"\ntopics = "a/1"\n[[rule]]\nallow = "all"\ntopics = "#"'),
  );
  it.publish("a/1", "2");
  it.publish("a/2", "3");
  assertEquals((await stream.json()).payload, "3");
  stream.ask();
  it.users.replace(new Map([["bob", await verifierOf("2")]]));
  it.broker.identitiesChanged();
  it.publish("a/2", "4");
  it.clock.advance(2_000);
  assertEquals(JSON.parse((await stream.event()).data).reason, "revoked");
  const late = await it.request(`/stream/a/2?token=${token}`, { headers: SSE });
  await assertProblem(late, 401, "stream-token-over");
});

Deno.test("logging out ends the stream tokens that the cookie got", async () => {
  const it = await start();
  const login = await it.request("/session", { method: "POST", headers: ANA });
  const cookie = login.headers.get("set-cookie")!.split(";")[0]!;
  const { token } = await (await ask(it, { filters: ["a"] }, { cookie })).json();
  const head = () => it.request(`/stream/a?token=${token}`, { method: "HEAD", headers: SSE });
  assertEquals((await head()).status, 200);
  await it.request("/session", { method: "DELETE", headers: { cookie } });
  assertEquals((await head()).status, 401);
});

Deno.test("streamTokenSecondsMax 100: the time of a stream token has a bound, and all that is asked of it is checked", async () => {
  const it = await start({ streamTokenSecondsMax: 100, filtersPerStreamMax: 2 });
  const cases: [wish: unknown, status: number, code: string][] = [
    [{}, 400, "invalid-body"],
    [{ filters: [] }, 400, "invalid-body"],
    [{ filters: "a" }, 400, "invalid-body"],
    [{ filters: ["a", 1] }, 400, "invalid-body"],
    [{ filters: ["a"], ttl: {} }, 400, "invalid-body"],
    [{ filters: ["a"], tll: 1 }, 400, "unknown-parameter"],
    [{ filters: ["a/#/b"] }, 400, "invalid-filter"],
    [{ filters: ["$share/g/a"] }, 400, "shared-filter"],
    [{ filters: ["a"], ttl: "0" }, 400, "invalid-parameter"],
    [{ filters: ["a"], ttl: "1y" }, 400, "invalid-parameter"],
    [{ filters: ["a"], ttl: 101 }, 400, "invalid-parameter"],
    [{ filters: ["a", "b", "c"] }, 400, "too-many-filters"],
  ];
  for (const [wish, status, code] of cases) await assertProblem(await ask(it, wish), status, code);
  assertEquals(it.broker.counters.limitsMet.streamTokenSecondsMax, 1);
  for (const ttl of [99, "100", "100s", undefined]) {
    const { expires, filters } = await (await ask(it, { filters: ["a", "b"], ttl })).json();
    const seconds = (Date.parse(expires) - it.clock.now()) / 1000;
    assertEquals([seconds, filters], [ttl === 99 ? 99 : 100, ["a", "b"]]);
  }
  await assertProblem(await ask(it, { filters: ["a"] }, {}), 401, "unauthenticated");
  const open = startBridge();
  await assertProblem(await ask(open, { filters: ["a"] }, {}), 401, "unauthenticated");
});

Deno.test("streamTokensPerIdentityMax 2, streamTokensMax 3: one stream token more is refused until one is over", async () => {
  const it = await start({ streamTokensPerIdentityMax: 2, streamTokensMax: 3 });
  const bob = { authorization: `Basic ${btoa("bob:2")}` };
  const first = await tokenFor(it, "a");
  await tokenFor(it, "a");
  const refused = await ask(it, { filters: ["a"] });
  assert(refused.headers.has("retry-after"));
  await assertProblem(refused, 429, "too-many-tokens");
  assertEquals((await ask(it, { filters: ["a"] }, bob)).status, 200);
  await assertProblem(await ask(it, { filters: ["a"] }, bob), 503, "overloaded");
  const { streamTokensIssued, streamTokensRefused } = it.broker.counters;
  assertEquals([streamTokensIssued, streamTokensRefused], [3, 2]);
  const { limitsMet } = it.broker.counters;
  assertEquals([limitsMet.streamTokensPerIdentityMax, limitsMet.streamTokensMax], [1, 1]);
  assertEquals((await it.request(`/stream/a?token=${first}`, { method: "HEAD", headers: SSE })).status, 200);
  it.clock.advance(60_000);
  await tokenFor(it, "a");
});
