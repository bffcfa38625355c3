import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parsePasswordFile } from "../../broker/auth/password_file.ts";
import { UserTable } from "../../broker/auth/user_table.ts";
import { eventually } from "../support/eventually.ts";
import { HookServer } from "../support/hook_server.ts";
import { keysOf, sign, signerFor, tokensOf } from "../support/tokens.ts";
import { passwordFileOf, usersOf } from "../support/users.ts";
import { curl, curlStream } from "./support/curl.ts";
import { mosquittoPub, mosquittoSub } from "./support/mosquitto.ts";
import { requireTool } from "./support/outside_tool.ts";
import { OpenEverything } from "./support/start_all.ts";
import { HOST } from "./support/start_mqtt.ts";
import { run, runWell, TOOL_PATIENCE_MS, ToolProcess } from "./support/tool_process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const VERSIONS = ["mqttv31", "mqttv311", "mqttv5"];

const withClients = requireTool("mosquitto_pub", "mosquitto_sub", "curl");
const withPasswd = requireTool("mosquitto_pub", "mosquitto_passwd");

withClients("mosquitto's clients and curl come in with a token, and do what it allows", async () => {
  const signer = await signerFor("ES256");
  await using everything = new OpenEverything({ tokens: tokensOf({ keys: keysOf(signer.pem) }) });
  const exp = Math.floor(Date.now() / 1000) + 600;
  const token = await sign({ sub: "dev-1", exp, publish: ["up/#"], subscribe: ["up/#"] }, signer);
  for (const version of VERSIONS) {
    await using sub = mosquittoSub(everything, [
      "-V",
      version,
      "-u",
      "x",
      "-P",
      token,
      "-t",
      "up/1",
      "-C",
      "2",
    ]);
    await everything.subscribed(1);
    await mosquittoPub(everything, ["-V", version, "-u", "x", "-P", token, "-t", "up/1", "-m", "by mqtt"]);
    await mosquittoPub(everything, ["-V", version, "-u", "x", "-P", token, "-t", "down", "-m", "never"]);
    const bearer = ["-H", `Authorization: Bearer ${token}`];
    assertEquals((await curl([...bearer, "-d", "by http", `${everything.url}/topics/up/1`])).status, 200);
    assertEquals((await curl([...bearer, "-d", "never", `${everything.url}/topics/down`])).status, 403);
    assertEquals((await sub.outcome()).lines, ["by mqtt", "by http"]);
    await everything.subscribed(0);
  }
  const forged = await sign({ sub: "admin", exp }, await signerFor("ES256"));
  const args = ["-h", HOST, "-p", `${everything.mqttPort}`, "-u", "x", "-P", forged, "-t", "up/1", "-m", "x"];
  assertStringIncludes((await run("mosquitto_pub", args)).stderr, "bad user name or password");
  const answer = await curl(["-H", `Authorization: Bearer ${forged}`, `${everything.url}/topics/up/1`]);
  assertEquals(answer.headers["www-authenticate"], ['Bearer realm="Pregon", error="invalid_token"']);
});

withClients("when a token ends, mosquitto_sub hears 160 and curl's stream its farewell", async () => {
  await using everything = new OpenEverything({ tokens: tokensOf() });
  const token = await sign({ sub: "dev-1", exp: Math.floor(Date.now() / 1000) + 3 });
  await using sub = mosquittoSub(everything, ["-V", "mqttv5", "-d", "-u", "x", "-P", token, "-t", "a"]);
  await using stream = curlStream(["-H", `Authorization: Bearer ${token}`, `${everything.url}/stream/a`]);
  await everything.subscribed(2);
  await sub.prints("Received DISCONNECT (160)");
  await stream.prints('"reason":"token-expired"');
  await everything.subscribed(0);
});

withClients("a hook of the user's own says who comes in by MQTT and HTTP, and what they may do", async () => {
  await using hook = new HookServer();
  hook.answer = ({ username, password }) =>
    password === "right"
      ? { result: "allow", name: `hook-${username}`, publish: ["up/#"] }
      : { result: "deny" };
  const users = await usersOf({ ana: "1" });
  await using everything = new OpenEverything({ users, hookUrl: hook.url });
  const pub = (user: string, password: string, topic = "up/1") => [
    ...["-h", HOST, "-p", `${everything.mqttPort}`, "-V", "mqttv5", "-q", "1", "-i", `by-${user}`],
    ...["-u", user, "-P", password, "-t", topic, "-m", "x"],
  ];
  await runWell("mosquitto_pub", pub("bob", "right"));
  assertStringIncludes((await run("mosquitto_pub", pub("bob", "right", "down"))).stderr, "Not authorized");
  assertStringIncludes((await run("mosquitto_pub", pub("bob", "wrong"))).stderr, "Bad User Name or Password");
  // Whom the file knows the hook is not asked about, right or wrong.
  await runWell("mosquitto_pub", pub("ana", "1", "down"));
  assertStringIncludes((await run("mosquitto_pub", pub("ana", "right"))).stderr, "Bad User Name or Password");
  const url = `${everything.url}/topics/up/1`;
  assertEquals((await curl(["-u", "bob:right", "-d", "on", url])).status, 200);
  assertEquals((await curl(["-u", "bob:wrong", "-d", "on", url])).status, 401);
  assertEquals((await curl(["-u", "bob:", "-d", "on", url])).status, 401);
  assertEquals((await curl(["-u", ":", "-d", "on", url])).status, 401);
  assertEquals((await curl(["-d", "on", url])).status, 401);
  const asked = hook.questions.map(({ username, method, client_id }) => [username, method, client_id]);
  assertEquals(asked.slice(0, 3), [["bob", "mqtt", "by-bob"], ["bob", "mqtt", "by-bob"], [
    "bob",
    "http",
    undefined,
  ]]);
  assert(asked.every(([username]) => username !== "ana"));
  hook.answer = () => new Response(null, { status: 500 });
  assertEquals((await curl(["-u", "eva:right", "-d", "on", url])).status, 503);
});

withPasswd("a password file of mosquitto_passwd lets its users in", async () => {
  const file = await Deno.makeTempFile();
  try {
    for (const [user, password] of [["ana", "geheim"], ["bob", "é✓"]]) {
      await runWell("mosquitto_passwd", ["-b", file, user!, password!]);
    }
    const users = new UserTable(parsePasswordFile({ name: file, text: await Deno.readTextFile(file) }));
    await using everything = new OpenEverything({ users });
    const pub = (password: string) => [
      ...["-h", HOST, "-p", `${everything.mqttPort}`, "-u", "bob", "-P", password, "-t", "a", "-m", "x"],
    ];
    await runWell("mosquitto_pub", pub("é✓"));
    assertStringIncludes((await run("mosquitto_pub", pub("e✓"))).stderr, "bad user name or password");
  } finally {
    await Deno.remove(file);
  }
});

withClients(
  "SIGHUP has the program read its users again, and a bad file keep those that it had",
  async () => {
    const folder = await Deno.makeTempDir();
    const file = `${folder}/users`;
    const write = async (text: string) => await Deno.writeTextFile(file, text, { mode: 0o600 });
    try {
      await write(await passwordFileOf({ ana: "1", bob: "2" }));
      const flags = ["--memory", "--mqtt-port", "0", "--http-port", "0", "--auth-password-file", file];
      flags.push("--auth-allow-everything", "true");
      await using program = new ToolProcess(Deno.execPath(), [
        ...["run", "--quiet", "--config", `${ROOT}deno.json`, "--allow-net", "--allow-read", "--allow-env"],
        ...[`${ROOT}main.ts`, "serve", ...flags],
      ]);
      await program.prints("mqtt://127.0.0.1:");
      const [line] = (await program.lines(2)).filter((line) => line.includes("mqtt://"));
      const broker = { mqttPort: Number(/:(\d+)$/.exec(line!)![1]) };
      const sub = (user: string, password: string) =>
        mosquittoSub(broker, ["-V", "mqttv5", "-d", "-u", user, "-P", password, "-t", "a"]);
      await using ana = sub("ana", "1");
      await using bob = sub("bob", "2");
      // What it prints of its subscription waits in its buffer; a message does not.
      await mosquittoPub(broker, ["-u", "bob", "-P", "2", "-t", "a", "-r", "-m", "before"]);
      for (const each of [ana, bob]) await each.prints("before");
      await write("ana:topsecret\n");
      program.hangUp();
      await program.prints("reload-refused");
      await mosquittoPub(broker, ["-u", "ana", "-P", "1", "-t", "a", "-m", "kept"]);
      for (const each of [ana, bob]) await each.prints("kept");
      await write(await passwordFileOf({ bob: "2" }));
      program.hangUp();
      await ana.prints("Received DISCONNECT (135)");
      await mosquittoPub(broker, ["-u", "bob", "-P", "2", "-t", "a", "-m", "after"]);
      await bob.prints("after");
      await eventually(async () => {
        const args = ["-h", HOST, "-p", `${broker.mqttPort}`, "-u", "ana", "-P", "1", "-t", "a", "-m", "x"];
        assertStringIncludes((await run("mosquitto_pub", args)).stderr, "bad user name or password");
      }, TOOL_PATIENCE_MS);
      const { stderr } = await program.end();
      assert(!stderr.includes("topsecret"), stderr);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
