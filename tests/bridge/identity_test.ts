import { assertEquals } from "@std/assert";
import { sign, tokensOf } from "../support/tokens.ts";
import { usersOf, verifierOf } from "../support/users.ts";
import { assertProblem, startBridge, StreamReader } from "./support.ts";

const SECOND = 1_000;
const BASIC = 'Basic realm="Pregon", charset="UTF-8"';
const BEARER = 'Bearer realm="Pregon"';

function basic(user: string, password: string): { readonly authorization: string } {
  return { authorization: `Basic ${btoa(`${user}:${password}`)}` };
}

Deno.test("a token in the header lets in, by Bearer and in the place of a password", async () => {
  const { request, clock } = startBridge({ tokens: tokensOf() });
  const token = await sign({ sub: "ana", exp: clock.now() / SECOND + 60, publish: ["up/#"] });
  const post = (topic: string, headers: Record<string, string>) =>
    request(`/topics/${topic}`, { method: "POST", body: "x", headers });
  for (
    const headers of [
      { authorization: `Bearer ${token}` },
      { authorization: `bearer  ${token}` },
      basic("", token),
    ]
  ) {
    assertEquals((await post("up/1", headers)).status, 200);
    await assertProblem(await post("down", headers), 403, "denied");
  }
  clock.advance(60 * SECOND);
  const late = await post("up/1", { authorization: `Bearer ${token}` });
  assertEquals(late.headers.get("www-authenticate"), `${BEARER}, error="invalid_token"`);
  await assertProblem(late, 401, "bad-credentials");
});

// NanoMQ CVE-2026-32696: a header without credentials was no less than right ones.
Deno.test("a header without credentials lets nobody in, and without a header one is told what there is", async () => {
  const { request, broker } = startBridge({ tokens: tokensOf(), users: await usersOf({ ana: "1" }) });
  const headers = [
    "",
    " ",
    "Basic",
    "Basic ",
    "Basic Og==",
    "Basic YW5h",
    "Basic YW5hOg==",
    "Basic OjE=",
    "Bearer",
  ];
  for (const authorization of [...headers, "Bearer ", "Bearer x", "Bearer a b", "Digest x", "Bearer ,"]) {
    await assertProblem(await request("/topics/a", { headers: { authorization } }), 401, "bad-credentials");
  }
  const nameless = await request("/topics/a");
  assertEquals(nameless.headers.get("www-authenticate"), `${BASIC}, ${BEARER}`);
  await assertProblem(nameless, 401, "unauthenticated");
  assertEquals(broker.counters.messagesReceived, 0);
});

Deno.test("beside other methods, whoever shows what nobody knows is not taken for somebody who shows nothing", async () => {
  const { request } = startBridge({ tokens: tokensOf(), allowAnonymous: true });
  await assertProblem(await request("/topics/a"), 404, "no-retained-value");
  await assertProblem(await request("/topics/a", { headers: basic("ana", "1") }), 403, "denied");
});

Deno.test("the end of its token ends a stream with a farewell that says so, and coming back needs another", async () => {
  const { request, clock, broker } = startBridge({ tokens: tokensOf() });
  const exp = clock.now() / SECOND + 60;
  const headers = {
    accept: "text/event-stream",
    authorization: `Bearer ${await sign({ sub: "ana", exp, subscribe: ["a"] })}`,
  };
  const stream = new StreamReader(await request("/stream/a", { headers }));
  await stream.until("live");
  stream.ask();
  clock.advance(59 * SECOND);
  clock.advance(2 * SECOND);
  const bye = (await stream.until("bye")).at(-1)!;
  assertEquals(JSON.parse(bye.data).reason, "token-expired");
  await stream.rest();
  assertEquals(broker.subscriptionCount, 0);
  await assertProblem(await request("/stream/a", { headers }), 401, "bad-credentials");
});

Deno.test("a user who is gone loses the stream, and gets nothing more from the moment of going", async () => {
  const users = await usersOf({ ana: "1", bob: "2" });
  const { request, publish, clock, broker } = startBridge({ users });
  const open = async (user: string, password: string) => {
    const headers = { accept: "text/event-stream", ...basic(user, password) };
    const reader = new StreamReader(await request("/stream/a", { headers }));
    await reader.until("live");
    return reader;
  };
  const [ana, bob] = [await open("ana", "1"), await open("bob", "2")];
  users.replace(new Map([["bob", await verifierOf("2")]]));
  broker.identitiesChanged();
  publish("a", "secret");
  for (const reader of [ana!, bob!]) reader.ask();
  clock.advance(2 * SECOND);
  assertEquals((await ana!.event()).type, "bye");
  assertEquals(JSON.parse(ana!.sse.events.at(-1)!.data).reason, "revoked");
  assertEquals((await bob!.json()).payload, "secret");
  await ana!.rest();
  await bob!.cancel();
  await assertProblem(await request("/topics/a", { headers: basic("ana", "1") }), 401, "bad-credentials");
});

Deno.test("too many wrong passwords from one address are told when to come back", async () => {
  const { request, clock, broker } = startBridge({
    users: await usersOf({ ana: "1" }),
    limits: { authFailuresMax: 2, authFailureSeconds: 60 },
  });
  const get = (password: string) => request("/topics/a", { headers: basic("ana", password) });
  for (const password of ["x", "y"]) await assertProblem(await get(password), 401, "bad-credentials");
  clock.advance(10 * SECOND);
  const blocked = await get("1");
  assertEquals(blocked.headers.get("retry-after"), "50");
  await assertProblem(blocked, 429, "too-many-failures");
  assertEquals(broker.counters.authenticationsRefused["too-many-failures"], 1);
  clock.advance(50 * SECOND);
  await assertProblem(await get("1"), 404, "no-retained-value");
});

Deno.test("a password that each request shows is checked once in a while", async () => {
  const { request, broker } = startBridge({ users: await usersOf({ ana: "1" }) });
  for (let count = 0; count < 5; count++) await request("/topics/a", { headers: basic("ana", "1") });
  assertEquals(broker.counters.authentication.passwordCacheHits, 4);
});
