import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { HookServer } from "./support/hook_server.ts";
import { assertOneLine, patiently, run, serve } from "./support/program.ts";
import { sign, signerFor } from "./support/tokens.ts";

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
    const options = [
      "--auth-password-file",
      "users",
      "--auth-jwt-keys",
      "keys",
      "--auth-allow-everything",
      "true",
    ];
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

const HOOK_SECRET = "zzhook)secret(zz";
const KEYS_SECRET = "zzkeyssecretzz";

Deno.test("no secret of a hook's or a key set's URL comes out, whether they answer, refuse, fail or are silent", async () => {
  const cwd = await Deno.makeTempDir();
  const hook = new HookServer();
  const signer = await signerFor("ES256");
  const keys = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { searchParams } = new URL(request.url);
    if (!request.url.endsWith(`?code=${KEYS_SECRET}`)) return new Response(null, { status: 403 });
    return new Response(answersOfKeys.shift() ?? `no keys for ${searchParams}`);
  });
  const answersOfKeys = [`${KEYS_SECRET} is no JSON`];
  const held = Promise.withResolvers<unknown>();
  try {
    const hookUrl = `${hook.url}?key=${HOOK_SECRET}`;
    const keysUrl = `http://127.0.0.1:${keys.addr.port}/keys?code=${KEYS_SECRET}`;
    const options = [
      ...["--auth-hook-url", hookUrl, "--auth-jwt-jwks-url", keysUrl, "--sys-interval-seconds", "1"],
      ...["--auth-allow-everything", "true"],
      ...[
        "--limits-hook-seconds",
        "1",
        "--limits-hook-cache-seconds",
        "1",
        "--limits-jwks-cooldown-seconds",
        "1",
      ],
    ];
    const said: string[] = [];
    const printed = await run([...options, "--print-config"], { cwd });
    assertStringIncludes(printed.stdout, `hook-url = "${hook.url}?…" # flag --auth-hook-url, without what`);
    assertStringIncludes(printed.stdout, `jwt-jwks-url = "${keysUrl.split("?")[0]}?…" # flag`);
    said.push(printed.stdout, printed.stderr);
    await Deno.writeTextFile(`${cwd}/printed.toml`, printed.stdout);
    const loaded = await run(["--config", "printed.toml"], { cwd });
    assertEquals(loaded.code, 2, "Without their secrets the URLs are other ones");
    said.push(loaded.stdout, loaded.stderr);

    await using serving = await serve(options, { cwd });
    const { program, httpPort, mqttPort } = serving;
    const ask = async (path: string, headers: Record<string, string>) => {
      const response = await fetch(`http://127.0.0.1:${httpPort}${path}`, { headers });
      const body = await response.text();
      said.push(body, ...[...response.headers].map(([name, value]) => `${name}: ${value}`));
      return { status: response.status, body };
    };
    const logIn = async (user: string, password = PASSWORD) =>
      (await ask("/topics/a", { authorization: `Basic ${btoa(`${user}:${password}`)}` })).status;
    const logged = (...words: string[]) =>
      patiently(() =>
        assert(program.stderr.split("\n").some((line) => words.every((word) => line.includes(word))))
      );

    hook.answer = ({ password }) => ({ result: password === PASSWORD ? "allow" : "deny" });
    assertEquals([await logIn("ana"), await logIn("bob", WRONG)], [404, 401]);
    assertEquals(hook.urls, [hookUrl, hookUrl]);
    hook.answer = () => new Response(`Not for ${hookUrl}`, { status: 500 });
    assertEquals(await logIn("carla"), 503);
    await logged("hook-failed", "status 500");
    hook.answer = () => ({ result: "ignore" });
    await logIn("dora");
    await logged("hook-recovered");
    hook.answer = () => held.promise;
    assertEquals(await logIn("emil"), 503);
    await logged("hook-failed", "did not answer in 1 seconds");
    held.resolve({ result: "deny" });
    hook.answer = () => ({ result: "ignore" });
    await logIn("fred");
    await patiently(() => assertEquals(program.stderr.split("hook-recovered").length, 3));
    await hook[Symbol.asyncDispose]();
    assertEquals(await logIn("gina"), 503);
    await logged("hook-failed", "Cannot ask the hook: client error");
    const args = ["pub", "-p", `${mqttPort}`, "-t", "a", "-m", "x", "-u", "hugo", "-P", WRONG];
    const pub = await run(args, { cwd });
    said.push(pub.stdout, pub.stderr);

    const bearer = { authorization: `Bearer ${await sign({ sub: "t" }, signer)}` };
    assertEquals((await ask("/topics/a", bearer)).status, 503);
    await logged("keys-failed", "the answer is no set of keys");
    answersOfKeys.push(JSON.stringify({ keys: [signer.jwk] }));
    const figures = await patiently(async () => {
      const { status, body } = await ask("/topics?filter=$SYS/%23&shape=map&limit=1000", bearer);
      assertEquals(status, 200);
      assertStringIncludes(body, "$SYS/broker/authentications/hook/failed");
      return body;
    });
    assert(!figures.includes("zz"));
    said.push(program.stdout, program.stderr);
    for (const secret of [HOOK_SECRET, "zzhook", "secret(zz", KEYS_SECRET, PASSWORD, WRONG]) {
      for (const text of said) assert(!text.includes(secret), `${secret} in ${text}`);
    }
  } finally {
    held.resolve({ result: "deny" });
    await hook[Symbol.asyncDispose]();
    await keys.shutdown();
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("a URL or a line that is refused is quoted without what may be secret", async () => {
  const cwd = await Deno.makeTempDir();
  try {
    const urls = {
      [`ftp://h/who?key=${PASSWORD}`]: "ftp://h/who?…",
      [`h/who?key=${PASSWORD}`]: "h/who?…",
      [`http://h/who#${PASSWORD}`]: undefined,
      [`http://ana:${PASSWORD}@h/who?key=${PASSWORD}`]: "http://…@h/who?…",
      [`http://ana:${PASSWORD}?x@h`]: "http://…?…",
      [`http://ana:${PASSWORD}/a?x@h`]: "http://…?…",
      [`ana:${PASSWORD}@h`]: "…@h",
      [`ftp://h/?mail=a@b&key=${PASSWORD}`]: "ftp://h/?…",
    };
    for (const [url, shown] of Object.entries(urls)) {
      const { code, stdout, stderr } = await run(["--print-config", "--auth-hook-url", url], { cwd });
      assert(!`${stdout}${stderr}`.includes(PASSWORD), `${url}: ${stdout}${stderr}`);
      if (shown === undefined) assertEquals(code, 0);
      else assertStringIncludes(stderr, `Cannot use ${JSON.stringify(shown)} for auth.hook-url`);
    }
    const wrongOption = ["--http-allowed-origins", `https://h/?key=${PASSWORD}`];
    const { stderr } = await run(["--print-config", ...wrongOption], { cwd });
    assertStringIncludes(stderr, 'Cannot use ["https://h/?…"] for http.allowed-origins');
    for (
      const value of [`http://h/?k=${PASSWORD}`, `"""http://h/?k=${PASSWORD}`, `'http://h/?k=${PASSWORD}`]
    ) {
      await Deno.writeTextFile(`${cwd}/pregon.toml`, `[auth]\nhook-url = ${value}\n`);
      const { code, stdout, stderr } = await run([], { cwd });
      assertEquals([code, stdout], [2, ""]);
      assertStringIncludes(stderr, "Cannot read pregon.toml as TOML: Parse error on line");
      assert(!stderr.includes(PASSWORD), stderr);
    }
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("a secret of tokens by variable or file lets its tokens in, and comes out nowhere", async () => {
  const cwd = await Deno.makeTempDir();
  try {
    const key = new TextEncoder().encode(JWT_SECRET);
    const bearer = await sign({ sub: "tok", exp: Date.now() / 1000 + 60 }, { key });
    const forged = await sign({ sub: "tok", exp: Date.now() / 1000 + 60 });
    const said: string[] = [];
    for (const env of [{ PREGON_AUTH_JWT_SECRET: JWT_SECRET }, undefined]) {
      const options = { cwd, ...(env && { env }) };
      if (!env) {
        await Deno.writeTextFile(`${cwd}/pregon.toml`, `[auth]\njwt-secret = "${JWT_SECRET}"\n`);
        await Deno.chmod(`${cwd}/pregon.toml`, 0o644);
      }
      await using serving = await serve(["--auth-allow-everything", "true"], options);
      for (const [token, status] of [[bearer, 404], [forged, 401]] as const) {
        const headers = { authorization: `Bearer ${token}` };
        const response = await fetch(`http://127.0.0.1:${serving.httpPort}/topics/a`, { headers });
        assertEquals(response.status, status);
        said.push(await response.text());
      }
      const printed = await run(["--print-config"], options);
      const { stdout, stderr } = serving.program;
      said.push(stdout, stderr, printed.stdout, printed.stderr);
      assertEquals(stderr.includes("config-file-open file=pregon.toml mode=644"), !env, stderr);
    }
    const flag = await run(["--auth-jwt-secret", JWT_SECRET], { cwd });
    assertOneLine(flag, 2, flag.stderr.trimEnd());
    assertStringIncludes(flag.stderr, "use the variable PREGON_AUTH_JWT_SECRET");
    const twice = await run(["--auth-jwt-secret", JWT_SECRET, "--auth-jwt-secret", JWT_SECRET], { cwd });
    assertEquals(twice.code, 2);
    const help = await run(["--help"], { cwd });
    assertEquals(help.stdout.includes("--auth-jwt-secret"), false);
    assertStringIncludes(help.stdout, "PREGON_AUTH_JWT_SECRET, auth.jwt-secret");
    said.push(flag.stderr, twice.stderr);
    for (const text of said) assert(!text.includes("zzjwtsecretzz"), text);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});
