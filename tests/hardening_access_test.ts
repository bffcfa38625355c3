// The attacks on the ways in, over MQTT and HTTP, and on the options, one regression each. A door that fails is in
// hardening_rights_test.ts, files that cannot be used in auth/ and cli/.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { found } from "./support/found.ts";
import { createBridge } from "../bridge/mod.ts";
import { parsePasswordFile, PasswordFileError } from "../broker/auth/password_file.ts";
import { parseRulesFile, RulesFileError } from "../broker/auth/rules_file.ts";
import { limitNames, OPTIONAL_LIMITS } from "../broker/config_schema.ts";
import { resolveOptions } from "../broker/config.ts";
import { DEFAULT_LIMITS } from "../broker/core/limits.ts";
import { loadIdentities } from "../broker/cli/identities.ts";
import { Reloaders } from "../broker/cli/reload.ts";
import { Log, silentLog } from "../broker/core/log.ts";
import { assertProblem, HOST, startBridge } from "./bridge/support.ts";
import { startBroker } from "./support/start_broker.ts";
import { passwordFileOf, usersOf } from "./support/users.ts";

const REMOTE: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "tcp", hostname: "192.0.2.7", port: 5 },
  completed: Promise.resolve(),
};

function basic(user: string, password: string): HeadersInit {
  return { authorization: `Basic ${btoa(`${user}:${password}`)}` };
}

Deno.test("[CVE-2018-12550] [CVE-2018-12551] a file of rules or users that is empty or has a bad line allows nothing: it is refused", () => {
  for (const text of ["", "# nothing\n", "[groups]\n", '[[rule]]\nallow = "al"\ntopics = ["#"]\n', "\0"]) {
    assertThrows(() => parseRulesFile({ name: "acl.toml", text }, DEFAULT_LIMITS), RulesFileError);
  }
  for (const text of ["ana", "ana:", ":x", "ana:secret"]) {
    assertThrows(() => parsePasswordFile({ name: "users", text }), PasswordFileError);
  }
});

// With no descriptors left the file could not be opened, and everybody was let in.
Deno.test("[CVE-2017-7652] a reload that cannot open its file leaves the door as it was", async () => {
  const passwordFile = await Deno.makeTempFile();
  await Deno.writeTextFile(passwordFile, await passwordFileOf({ ana: "1" }));
  const { auth } = resolveOptions({ flags: { "auth-password-file": passwordFile } });
  const identities = await loadIdentities(auth, silentLog);
  await using host = startBroker(identities);
  const log: string[] = [];
  const reloaders = new Reloaders(new Log("debug", (line) => log.push(line)));
  reloaders.add("identities", () => identities.reload(host.broker));
  await Deno.remove(passwordFile);
  await reloaders.run();
  assertEquals(log.map((line) => line.includes("reload-refused")), [true], log.join());
  await host.connect({ username: "ana", password: "1" });
  const stranger = host.open();
  stranger.sendConnect({ username: "bob", password: "1" });
  await stranger.expectRefused(4, 0x86);
});

Deno.test("[CVE-2026-32696] who leaves name or password out, or empty, comes in by neither MQTT nor HTTP", async () => {
  await using host = startBroker({ users: await usersOf({ ana: "1" }) });
  const bridge = createBridge(host.broker);
  for (const version of [4, 5] as const) {
    for (
      const login of [
        {},
        { username: "ana" },
        { username: "" },
        { username: "", password: "" },
        { username: "ana", password: "" },
        { username: "", password: "1" },
        ...(version === 5 ? [{ password: "1" }] : []),
      ]
    ) {
      const client = host.open();
      client.sendConnect({ version, ...login });
      const answer = await client.receive();
      const isLetIn = answer?.type === "connack" && answer.reasonCode === 0;
      assertEquals(isLetIn, false, `MQTT ${version}: ${JSON.stringify(login)}`);
      await client.expectClosed();
    }
  }
  const encoded = [":", "ana", "ana:", ":1", "", "\0:\0"].map((login) => `Basic ${btoa(login)}`);
  for (
    const authorization of [undefined, "", "Basic", "Basic ", "Basic null", "Bearer", "Bearer ", ...encoded]
  ) {
    const headers = new Headers(authorization === undefined ? [] : [["authorization", authorization]]);
    const answer = await bridge.fetch(new Request(`${HOST}/topics/a`, { headers }));
    assertEquals(answer.status, 401, `${authorization}`);
    await answer.body?.cancel();
  }
  assertEquals(host.broker.sessions.size, 0);
  await bridge.close();
});

Deno.test("[CVE-2026-33216] [CVE-2017-9868] a password stands in no log, no figure of $SYS and no answer", async () => {
  const secret = "pa55-of-ana";
  await using host = startBroker({ users: await usersOf({ ana: secret }), sysIntervalSeconds: 1 });
  const bridge = createBridge(host.broker);
  const seen: string[] = [];
  const ana = await host.connect({ username: "ana", password: secret });
  await ana.subscribe(["$SYS/#", 0]);
  const wrong = host.open();
  wrong.sendConnect({ username: secret, password: `${secret}x` }); // Typed into the wrong field.
  await wrong.expectRefused(4, 0x86);
  for (const path of ["/", "/limits", "/topics/%24SYS/%23", "/topics/a", "/topics/+/a%00"]) {
    for (const password of [secret, `${secret}x`]) {
      const answer = await bridge.fetch(new Request(HOST + path, { headers: basic("ana", password) }));
      seen.push(JSON.stringify([...answer.headers]), await answer.text());
    }
  }
  host.clock.advance(2_000);
  const passwords = [secret, btoa(secret), btoa(`ana:${secret}`)];
  for (const line of [...seen, ...host.log]) {
    // The name that it was typed into may be shown: nobody can tell that it is none.
    const rest = line.replaceAll(`"${secret}"`, "");
    assertEquals(passwords.filter((password) => rest.includes(password)), [], line);
  }
  for (
    const { topic, payload } of found(host.broker.retained.matching({ name: "t", can: () => true }, "$SYS/#"))
  ) {
    assert(!new TextDecoder().decode(payload).includes(secret), topic);
  }
  await bridge.close();
});

// Whoever may say where they come from is blocked for nothing, or blocks others.
Deno.test("[EMQX 6.3] what a request says of its address counts for nothing", async () => {
  const { bridge, broker } = startBridge({
    users: await usersOf({ ana: "1" }),
    limits: { authFailuresMax: 2, publishRateMax: 1 },
  });
  const get = (index: number, info: Deno.ServeHandlerInfo) => {
    const forged = { "x-forwarded-for": `198.51.100.${index}`, "forwarded": `for=198.51.100.${index}` };
    const headers = { ...forged, "x-real-ip": `198.51.100.${index}`, ...basic("ana", "wrong") };
    return bridge.fetch(new Request(`${HOST}/topics/a`, { headers }), info);
  };
  for (const index of [1, 2]) await assertProblem(await get(index, REMOTE), 401, "bad-credentials");
  await assertProblem(await get(3, REMOTE), 429, "too-many-failures");
  const other = { ...REMOTE, remoteAddr: { transport: "tcp", hostname: "198.51.100.1", port: 5 } } as const;
  await assertProblem(await get(192, other), 401, "bad-credentials");
  await bridge.close();
  await broker.close();
});

Deno.test("[EMQX 6.0.3] no path leads out of the topics, and none to a file", async () => {
  const { bridge, broker } = startBridge({});
  const ways = ["..", "%2e%2e", ".%2e", "%2E.", "..%2f..", "..%5c..", "%252e%252e"];
  for (const way of ways) {
    for (
      const path of [`/topics/${way}/limits`, `/topics/${way}/${way}/etc/passwd`, `/topics/a/${way}/%24SYS/x`]
    ) {
      const request = new Request(HOST, { method: "PUT", body: "x" });
      Object.defineProperty(request, "url", { value: HOST + path }); // As it was sent.
      const answer = await bridge.fetch(request);
      const body = await answer.text();
      // What is escaped twice is a name like any other.
      if (answer.ok) assertEquals(JSON.parse(body).topic.startsWith("$"), false, path);
      else assertEquals([400, 403].includes(answer.status), true, `${path} got ${answer.status}`);
      assert(!body.includes("root:"), path);
    }
  }
  await bridge.close();
  await broker.close();
});

Deno.test("[CVE-2026-42209] with any limit at the least that it may be, a broker and its bridge do not fail", async () => {
  for (const limit of limitNames()) {
    const least = OPTIONAL_LIMITS.has(limit) ? [0, 1] : [1];
    for (const value of least) {
      await using host = startBroker({ limits: { [limit]: value } });
      const bridge = createBridge(host.broker);
      const client = host.open();
      client.sendConnect({ clientId: "c", keepAliveSeconds: 1, will: { topic: "w" } });
      client.sendHex("82 06 00 01 00 01 'a' 01", "32 06 00 01 'a' 00 02 'x'", "31 04 00 01 'a' 'y'");
      await client.receive();
      for (const path of ["/topics/a", "/topics/%23", "/limits", "/readyz"]) {
        const answer = await bridge.fetch(new Request(HOST + path));
        assert(answer.status !== 500, `${limit} ${value}: ${path}`);
        await answer.body?.cancel();
      }
      for (let count = 0; count < 2; count++) {
        const answer = await bridge.fetch(new Request(`${HOST}/topics/a`, { method: "PUT", body: "x" }));
        assert(answer.status !== 500, `${limit} ${value}: ${await answer.text()}`);
      }
      const stream = await bridge.fetch(new Request(`${HOST}/stream/a`));
      await stream.body?.cancel();
      host.clock.advance(5_000);
      assertEquals(host.broker.counters.closes["internal-error"], 0, `${limit} ${value}`);
      await bridge.close();
    }
  }
});

Deno.test("[EMQX public] there are no credentials that nobody has set: none of the usual ones is let in", async () => {
  await using host = startBroker({ users: await usersOf({ ana: "1" }) });
  const bridge = createBridge(host.broker);
  const names = ["admin", "root", "guest", "mqtt", "user", "test", "pregon", "ana", "broker", "anonymous"];
  for (const name of names) {
    for (const password of ["", "public", "admin", "guest", "password", name === "ana" ? "ana" : name]) {
      const client = host.open();
      client.sendConnect({ username: name, password });
      const answer = await client.receive();
      assertEquals(answer?.type === "connack" && answer.reasonCode !== 0, true, `${name} ${password}`);
      const headers = basic(name, password);
      const over = await bridge.fetch(new Request(`${HOST}/topics/a`, { headers }));
      assertEquals([401, 429].includes(over.status), true, `${name} ${password} got ${over.status}`);
      await over.body?.cancel();
    }
  }
  const { mqtt, http } = resolveOptions({});
  assertEquals([mqtt.host, http.host], ["127.0.0.1", "127.0.0.1"]); // Without any set up, only this machine comes in.
  await bridge.close();
});
