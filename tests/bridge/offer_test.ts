import { assertEquals } from "@std/assert";
import type { RequestInfo } from "../../bridge/mod.ts";
import type { BrokerOptions } from "../../broker/mod.ts";
import { sign, tokensOf } from "../support/tokens.ts";
import { usersOf } from "../support/users.ts";
import { HOST, startBridge } from "./support.ts";

const BASIC = 'Basic realm="Pregon", charset="UTF-8"';
const BEARER = 'Bearer realm="Pregon"';
const SESSION = 'Session realm="Pregon"';

async function start(options: BrokerOptions = {}) {
  const users = await usersOf({ ana: "1" });
  const { bridge } = startBridge({ users, tokens: tokensOf(), ...options });
  /** By a listener that offers these. */
  const ask = async (words: readonly string[] | undefined, init: RequestInit = {}, path = "/topics/none") => {
    const info: RequestInfo = {
      remoteAddr: { transport: "tcp", hostname: "192.0.2.1", port: 4711 },
      offer: words && new Set(words),
    };
    const response = await bridge.fetch(new Request(HOST + path, init), info);
    await response.body?.cancel();
    const { status, headers } = response;
    return { status, challenge: headers.get("www-authenticate"), cookie: headers.get("set-cookie") };
  };
  return { ask };
}

function basic(password = "1"): Record<string, string> {
  return { authorization: `Basic ${btoa(`ana:${password}`)}` };
}

Deno.test("nobody is asked for a password, or for a token, that would not be taken", async () => {
  const { ask } = await start();
  const asked = async (...words: string[]) => {
    const { status, challenge } = await ask(words);
    assertEquals(status, 401);
    return challenge;
  };
  assertEquals((await ask(undefined)).challenge, `${BASIC}, ${BEARER}`);
  assertEquals(await asked("password-file", "jwt"), `${BASIC}, ${BEARER}`);
  assertEquals(await asked("password-file"), BASIC);
  assertEquals(await asked("jwt"), BEARER);
  assertEquals(await asked("scram"), SESSION);
});

Deno.test("who may not do something without a name is asked for one only in a way that they could show it", async () => {
  const rights = {
    name: "any",
    authenticate: () => ({ granted: true, identity: { name: "anonymous", can: () => false } }),
  };
  const anonymous = { ...rights, name: "anonymous" } as NonNullable<BrokerOptions["authenticators"]>[number];
  const { ask } = await start({ authenticators: [anonymous] });
  const put = { method: "PUT", body: "x" };
  assertEquals(await ask(undefined, put), { status: 401, challenge: BASIC, cookie: null });
  assertEquals(await ask(["anonymous"], put), { status: 401, challenge: SESSION, cookie: null });
});

Deno.test("a right password is refused as a wrong one is where none is offered, in the header and in a body", async () => {
  const { ask } = await start();
  for (const password of ["1", "2"]) {
    assertEquals((await ask(["jwt"], { headers: basic(password) })).status, 403);
    const body = JSON.stringify({ username: "ana", password });
    const init = { method: "POST", headers: { "content-type": "application/json" }, body };
    const login = await ask(["jwt"], init, "/session");
    assertEquals([login.status, login.cookie], [403, null]);
  }
  assertEquals((await ask(["password-file"], { headers: basic() })).status, 404);
  const authorization = `Bearer ${await sign({ sub: "tina" })}`;
  assertEquals((await ask(["jwt"], { headers: { authorization } })).status, 404);
  assertEquals((await ask(["password-file"], { headers: { authorization } })).status, 401);
});

Deno.test("a cookie is good where its owner's method is offered", async () => {
  const { ask } = await start();
  const { cookie } = await ask(["password-file"], { method: "POST", headers: basic() }, "/session");
  const headers = { cookie: cookie!.split(";")[0]! };
  const status = async (words?: readonly string[]) => (await ask(words, { headers })).status;
  assertEquals([await status(), await status(["password-file"]), await status(["hook", "password-file"])], [
    404,
    404,
    404,
  ]);
  assertEquals([await status(["jwt"]), await status(["anonymous"]), await status(["scram"])], [
    401,
    401,
    401,
  ]);
});
