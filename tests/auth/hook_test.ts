import { assert, assertEquals } from "@std/assert";
import type { Authenticator, Credentials } from "../../broker/auth/authenticator.ts";
import { HookAuthenticator } from "../../broker/auth/hook.ts";
import type { Limits } from "../../broker/core/limits.ts";
import { credentialsOf, testAuthenticator } from "../contract/authenticator_contract.ts";
import { TestAuthTools } from "../support/auth_tools.ts";
import { HookServer } from "../support/hook_server.ts";
import { eventually } from "../support/eventually.ts";

function start(server: { readonly url: string }, limits: Partial<Limits> = {}) {
  const tools = new TestAuthTools(limits);
  const { clock, log, counters } = tools;
  const hook = new HookAuthenticator({
    url: server.url,
    limits: tools.limits,
    clock,
    log,
    counters,
  });
  return { hook, tools, counts: counters.authentication };
}

async function outcome(hook: Authenticator, credentials: Partial<Credentials>): Promise<string> {
  const grant = await hook.authenticate({ ...credentialsOf(undefined), ...credentials });
  return grant === undefined ? "ignored" : grant.granted ? grant.identity.name : grant.reason;
}

/** One for the whole contract, which has no end of its own: it keeps no test from ending. */
const contractServer = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
  const { username, password } = await request.json();
  if (username === "unknown") return Response.json({ result: "ignore" });
  return Response.json({ result: password === "right" ? "allow" : "deny" });
});
contractServer.unref();

testAuthenticator({
  name: "hook",
  create: () => start({ url: `http://127.0.0.1:${contractServer.addr.port}/` }).hook,
  known: [[credentialsOf("ana", "right"), "ana"], [credentialsOf("bob", "right"), "bob"]],
  // NanoMQ CVE-2026-32696: what is missing was no less than right.
  refused: [
    credentialsOf("ana", "wrong"),
    credentialsOf("ana", ""),
    credentialsOf("ana"),
    credentialsOf("", ""),
    credentialsOf("", "right"),
    credentialsOf(undefined, "right"),
    { username: "ana", password: Uint8Array.of(0xff) },
  ],
  foreign: [{}, { token: "x" }, credentialsOf("unknown", "right")],
});

Deno.test("the hook is told what was shown, by whom, from where and how, and nothing that was not", async () => {
  await using server = new HookServer();
  const { hook } = start(server);
  await outcome(hook, { ...credentialsOf("ana", "geheim"), clientId: "c", peer: "192.0.2.1:5" });
  await outcome(hook, { ...credentialsOf("ana"), clientId: undefined, peer: "192.0.2.1:6" });
  assertEquals(server.questions, [
    { username: "ana", password: "geheim", client_id: "c", peer: "192.0.2.1:5", method: "mqtt" },
    { username: "ana", peer: "192.0.2.1:6", method: "http" },
  ]);
  assertEquals(server.headers[0]!.get("content-type"), "application/json");
});

Deno.test("who is let in has the name, groups, rights and time that the hook says", async () => {
  await using server = new HookServer();
  const { hook, tools } = start(server);
  const expires = tools.clock.now() / 1000 + 60;
  server.answer = () => ({ result: "allow", name: "device-7", groups: ["g"], publish: ["up/#"], expires });
  const grant = await hook.authenticate(credentialsOf("ana", "x"));
  assert(grant?.granted);
  const { identity } = grant;
  assertEquals([identity.name, identity.method, identity.groups], ["device-7", "hook", ["g"]]);
  assertEquals(["up/a", "a"].map((topic) => identity.can("publish", topic)), [true, false]);
  assertEquals([identity.can("receive", "up/a"), identity.can("subscribe", "up/a")], [false, false]);
  assertEquals(identity.ended?.(expires * 1000 - 1), undefined);
  assertEquals(identity.ended?.(expires * 1000), "token-expired");
});

Deno.test("a hook that fails, or says what makes no sense, lets nobody in, and is asked again each time", async () => {
  await using server = new HookServer();
  const { hook, tools, counts } = start(server, { authAnswerBytesMax: 1_000 });
  const allow = { result: "allow" };
  const answers: unknown[] = [
    new Response("{}", { status: 500 }),
    new Response(JSON.stringify(allow), { status: 201 }),
    new Response("allow"),
    new Response(""),
    new Response(Uint8Array.of(0xff)),
    [allow],
    null,
    {},
    { result: true },
    { result: "ALLOW" },
    { ...allow, name: "" },
    { ...allow, name: 7 },
    { ...allow, name: null },
    { ...allow, name: "anonymous" },
    { ...allow, name: "broker" },
    { ...allow, publish: "#" },
    { ...allow, subscribe: ["a#"] },
    { ...allow, groups: "admin" },
    { ...allow, expires: "soon" },
    { ...allow, padding: "x".repeat(1_000) },
  ];
  for (const [index, answer] of answers.entries()) {
    server.answer = () => answer;
    const shown = JSON.stringify(answer);
    assertEquals(await outcome(hook, credentialsOf("ana", "geheim")), "unavailable", shown);
    assertEquals([server.questions.length, counts.hookFailures], [index + 1, index + 1], shown);
  }
  server.answer = () => ({ ...allow, expires: tools.clock.now() / 1000 });
  assertEquals(await outcome(hook, credentialsOf("ana", "geheim")), "bad-credentials");
  const lines = tools.lines.filter((line) => line.includes("hook-"));
  assertEquals(lines.length, 2, "A row of failures is one line, and its end another");
  assert(!tools.lines.join("").includes("geheim"));
});

Deno.test("only the URL of the options is asked, wherever its service sends one", async () => {
  await using server = new HookServer();
  await using elsewhere = new HookServer();
  elsewhere.answer = () => ({ result: "allow" });
  const { hook } = start(server);
  for (const status of [301, 302, 303, 307, 308]) {
    server.answer = () => Response.redirect(elsewhere.url, status);
    assertEquals(await outcome(hook, credentialsOf("ana", "x")), "unavailable");
  }
  assertEquals([server.questions.length, elsewhere.questions.length], [5, 0]);
});

Deno.test("a hook that nobody serves, and one that takes too long, let nobody in", async () => {
  const url = "http://127.0.0.1:1/secret-path";
  const { hook, tools } = start({ url });
  assertEquals(await outcome(hook, credentialsOf("ana", "x")), "unavailable");
  assert(!tools.lines.join("").includes("secret-path"), tools.lines.join(""));
  await using server = new HookServer();
  const held = Promise.withResolvers<unknown>();
  server.answer = () => held.promise;
  const slow = start(server);
  const asked = outcome(slow.hook, credentialsOf("ana", "x"));
  await eventually(() => assertEquals(server.questions.length, 1));
  slow.tools.clock.advance(slow.tools.limits.hookSeconds * 1000);
  assertEquals(await asked, "unavailable");
  assert(slow.tools.lines[0]!.includes("The hook did not answer in 5 seconds"));
  assertEquals(slow.tools.clock.timerCount, 0);
  held.resolve({ result: "allow" });
});

for (
  const [milliseconds, expected] of [[6_999, "ana"], [7_000, "unavailable"], [7_001, "unavailable"]] as const
) {
  Deno.test(`hookSeconds 7: who is answered after ${milliseconds} ms is ${expected}`, async () => {
    await using server = new HookServer();
    const held = Promise.withResolvers<unknown>();
    server.answer = () => held.promise;
    const { hook, tools, counts } = start(server, { hookSeconds: 7 });
    const asked = outcome(hook, credentialsOf("ana", "x"));
    await eventually(() => assertEquals(server.questions.length, 1));
    tools.clock.advance(milliseconds);
    held.resolve({ result: "allow" });
    assertEquals([await asked, counts.hookFailures], [expected, expected === "ana" ? 0 : 1]);
    assertEquals(tools.counters.limitsMet.hookSeconds, counts.hookFailures);
  });
}

Deno.test("authAnswerBytesMax: an answer of so many bytes is read, a longer one lets nobody in", async () => {
  await using server = new HookServer();
  server.answer = () => new Response('{"result":"allow"}');
  for (const [spare, expected] of [[1, "ana"], [0, "ana"], [-1, "unavailable"]] as const) {
    const { hook, tools, counts } = start(server, {
      authAnswerBytesMax: '{"result":"allow"}'.length + spare,
    });
    assertEquals(await outcome(hook, credentialsOf("ana", "x")), expected);
    assertEquals(counts.hookFailures, spare < 0 ? 1 : 0);
    assertEquals(tools.counters.limitsMet.authAnswerBytesMax, counts.hookFailures);
  }
});

Deno.test("hookCacheSeconds 30, hookRefusalCacheSeconds 3: a yes and a no count so long and no longer", async () => {
  await using server = new HookServer();
  const { hook, tools } = start(server, { hookCacheSeconds: 30, hookRefusalCacheSeconds: 3 });
  server.answer = ({ password }) => ({ result: password === "right" ? "allow" : "deny" });
  for (const [password, seconds] of [["right", 30], ["wrong", 3]] as const) {
    const asked = server.questions.length;
    const askAgainAfter = async (milliseconds: number) => {
      tools.clock.advance(milliseconds);
      await outcome(hook, credentialsOf("ana", password));
      return server.questions.length - asked;
    };
    assertEquals(await askAgainAfter(0), 1);
    assertEquals([await askAgainAfter(seconds * 1000 - 1), await askAgainAfter(1)], [1, 2]);
    assertEquals(await askAgainAfter(seconds * 1000 + 1), 3);
  }
});

Deno.test("hookCacheMax 2: a third answer takes the place of the oldest", async () => {
  await using server = new HookServer();
  server.answer = () => ({ result: "allow" });
  const { hook, tools, counts } = start(server, { hookCacheMax: 2 });
  const ask = async (...users: string[]) => {
    for (const user of users) await outcome(hook, credentialsOf(user, "x"));
    return [counts.hookRequests, counts.hookCacheHits, tools.counters.limitsMet.hookCacheMax];
  };
  assertEquals(await ask("1", "1", "2", "1", "2"), [2, 3, 0]);
  assertEquals(await ask("3", "2", "3"), [3, 5, 1]);
  assertEquals(await ask("1"), [4, 5, 2]);
});

Deno.test("hookRequestsMax 2, hookRequestsWaitingMax 1: so many are asked at once, so many wait, and one more is told that the broker is busy", async () => {
  await using server = new HookServer();
  const held = Promise.withResolvers<unknown>();
  server.answer = () => held.promise;
  const { hook, tools } = start(server, { hookRequestsMax: 2, hookRequestsWaitingMax: 1 });
  const { limitsMet } = tools.counters;
  const asked = ["1", "2", "3"].map((user) => outcome(hook, credentialsOf(user, "x")));
  await eventually(() => assertEquals(server.questions.length, 2));
  assertEquals([limitsMet.hookRequestsMax, limitsMet.hookRequestsWaitingMax], [1, 0]);
  assertEquals(await outcome(hook, credentialsOf("4", "x")), "busy");
  assertEquals([limitsMet.hookRequestsMax, limitsMet.hookRequestsWaitingMax], [1, 1]);
  held.resolve({ result: "allow" });
  assertEquals(await Promise.all(asked), ["1", "2", "3"]);
});

Deno.test("an answer counts for its time, for the same question only, and no longer than until it is forgotten", async () => {
  await using server = new HookServer();
  const { hook, tools, counts } = start(server);
  server.answer = ({ password }) => ({ result: password === "right" ? "allow" : "deny" });
  const ana = credentialsOf("ana", "right");
  assertEquals([await outcome(hook, ana), await outcome(hook, { ...ana, peer: "test:2" })], ["ana", "ana"]);
  assertEquals([server.questions.length, counts.hookCacheHits], [1, 1]);
  for (
    const other of [
      { clientId: "d" },
      { peer: "192.0.2.1:1" },
      { password: undefined },
      credentialsOf("ana", "x"),
    ]
  ) {
    await outcome(hook, { ...ana, ...other });
  }
  assertEquals(server.questions.length, 5);
  tools.clock.advance(tools.limits.hookRefusalCacheSeconds * 1000);
  assertEquals(await outcome(hook, credentialsOf("ana", "x")), "bad-credentials");
  assertEquals(await outcome(hook, ana), "ana");
  assertEquals(server.questions.length, 6);
  tools.clock.advance(tools.limits.hookCacheSeconds * 1000);
  assertEquals([await outcome(hook, ana), server.questions.length], ["ana", 7]);
  hook.forget();
  assertEquals([await outcome(hook, ana), server.questions.length], ["ana", 8]);
});
