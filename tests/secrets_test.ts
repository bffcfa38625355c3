import { assert, assertEquals } from "@std/assert";
import { assertOneLine, patiently, run, serve } from "./support/program.ts";
import { sign } from "./support/tokens.ts";

const PASSWORD = "zzpasswordzz";
const WRONG = "zzwrongzz";
const JWT_SECRET = "zzjwtsecretzz of at least 32 bytes";
const JSON_TYPE = { "content-type": "application/json" };
const SSE = { accept: "text/event-stream" };

Deno.test("no secret comes out again, whichever way it came in, at log level debug", async () => {
  const cwd = await Deno.makeTempDir();
  try {
    await run(["passwd", "users", "ana"], { cwd, stdin: `${PASSWORD}\n` });
    await Deno.writeTextFile(`${cwd}/keys`, JWT_SECRET);
    const options = ["--auth-password-file", "users", "--auth-jwt-keys", "keys"];
    const printed = await run([...options, "--print-config"], { cwd });
    await using serving = await serve([...options, "--sys-interval-seconds", "1"], { cwd });
    const secrets = [PASSWORD, WRONG, "zzjwtsecretzz", btoa(`ana:${PASSWORD}`), btoa(`ana:${WRONG}`)];
    const said: string[] = [printed.stdout, printed.stderr];
    const ask = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(`http://127.0.0.1:${serving.httpPort}${path}`, init);
      const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`);
      return { response, headers, body: await response.text() };
    };
    /** Asks what must not answer with any secret. */
    const askFor = async (path: string, init: RequestInit = {}) => {
      const { headers, body, response } = await ask(path, init);
      said.push(...headers, body);
      return response.status;
    };
    const basic = (password: string) => ({ authorization: `Basic ${btoa(`ana:${password}`)}` });
    const bearer = await sign({ sub: "tok", exp: Date.now() / 1000 + 60 }, {
      key: new TextEncoder().encode(JWT_SECRET),
    });
    const forged = await sign({ sub: "tok", exp: Date.now() / 1000 + 60 });
    secrets.push(bearer, forged);

    // What comes out once, and only there.
    const login = await ask("/session", {
      method: "POST",
      headers: JSON_TYPE,
      body: JSON.stringify({ username: "ana", password: PASSWORD }),
    });
    const cookie = login.response.headers.get("set-cookie")!.split(";")[0]!;
    const issued = await ask("/tokens", {
      method: "POST",
      headers: { ...JSON_TYPE, ...basic(PASSWORD) },
      body: '{"filters":["home/#"]}',
    });
    const { token } = JSON.parse(issued.body);
    secrets.push(cookie.split("=")[1]!, token);
    said.push(login.body);

    assertEquals(await askFor("/topics/a", { headers: basic(PASSWORD) }), 404);
    assertEquals(await askFor("/topics/a", { headers: basic(WRONG) }), 401);
    assertEquals(await askFor("/topics/a", { headers: { authorization: `Bearer ${bearer}` } }), 404);
    assertEquals(await askFor("/topics/a", { headers: { authorization: `Bearer ${forged}` } }), 401);
    assertEquals(await askFor("/topics/a", { headers: { authorization: `Digest ${WRONG}` } }), 401);
    assertEquals(await askFor("/topics/a", { headers: { cookie } }), 404);
    assertEquals(await askFor("/topics/a", { headers: { cookie: `pregon=${WRONG}` } }), 401);
    assertEquals(await askFor("/topics/a", { headers: { cookie, origin: "https://evil.example" } }), 403);
    for (const body of [`{"username":"ana","password":"${WRONG}"}`, `{"username":"${WRONG}`, `"${WRONG}"`]) {
      assert(await askFor("/session", { method: "POST", headers: JSON_TYPE, body }) >= 400);
    }
    for (
      const path of ["/stream/a", "/stream/%23", "/topics/a", "/stream/a/%23/b", "/none", "/topics/+/../x"]
    ) {
      for (
        const query of [
          `token=${token}`,
          `token=${WRONG}`,
          `token=${token}&token=${WRONG}`,
          `access_token=${WRONG}`,
        ]
      ) {
        for (const headers of [SSE, {}]) assert(await askFor(`${path}?${query}`, { headers }) >= 400);
        assert(await askFor(`${path}?${query}`, { method: "POST", headers: basic(WRONG), body: "x" }) >= 400);
      }
    }
    for (const [user, password] of [["ana", PASSWORD], ["ana", WRONG], ["", bearer], ["", forged]] as const) {
      const login = ["-u", user, "-P", password];
      const { stdout, stderr } = await run([
        "pub",
        "-p",
        `${serving.mqttPort}`,
        "-t",
        "a",
        "-m",
        "x",
        "-q",
        "1",
        ...login,
      ]);
      said.push(stdout, stderr);
    }
    for (const path of ["/", "/limits", "/problems", "/readyz"]) await askFor(path);
    await patiently(async () => {
      const { body } = await ask("/topics?filter=$SYS/%23&shape=map&limit=1000", {
        headers: basic(PASSWORD),
      });
      assert(body.includes("$SYS/broker/authentications/refused/bad-credentials"), body);
      said.push(body);
    });
    await askFor("/session", { method: "DELETE", headers: { cookie } });
    said.push(serving.program.stdout, serving.program.stderr);
    assert(
      serving.program.stderr.includes("debug") && serving.program.stderr.includes("http-refused"),
      serving.program.stderr,
    );
    for (const secret of secrets) {
      assert(secret.length > 8);
      for (const text of said) assert(!text.includes(secret), `${secret} in ${text}`);
    }
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("a URL with a password is refused without showing it, by flag, variable and file", async () => {
  const cwd = await Deno.makeTempDir();
  try {
    const url = `http://ana:${PASSWORD}@127.0.0.1:1/`;
    await Deno.writeTextFile(`${cwd}/pregon.toml`, `[auth]\nhook-url = "${url}"\n`);
    const line = (source: string) =>
      `Cannot use "http://…@127.0.0.1:1/" for auth.hook-url from ${source}: it must be a URL with http or https, without a user in it`;
    assertOneLine(await run([], { cwd }), 2, line("file pregon.toml"));
    assertOneLine(await run(["--print-config"], { cwd }), 2, line("file pregon.toml"));
    await Deno.remove(`${cwd}/pregon.toml`);
    assertOneLine(await run(["--auth-hook-url", url], { cwd }), 2, line("flag --auth-hook-url"));
    const env = { PREGON_AUTH_HOOK_URL: url };
    assertOneLine(await run([], { cwd, env }), 2, line("variable PREGON_AUTH_HOOK_URL"));
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});
