import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "./support/eventually.ts";
import { assertOneLine, decoder, encoder, patiently, Program, ROOT, run, serve } from "./support/program.ts";

Deno.test("help and version are printed for each command", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  assertEquals((await run(["--version"])).stdout, `pregon ${version}\n`);
  for (
    const [args, words] of [[["--help"], "--mqtt-port"], [["passwd", "--help"], "-D"], [
      ["pub", "--help"],
      "-l",
    ], [
      ["sub", "--help"],
      "-C",
    ]] as const
  ) {
    const { code, stdout, stderr } = await run(args);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "Examples:");
    assertStringIncludes(stdout, words);
  }
});

Deno.test("a wrong command line is one line, with what was meant, and exit code 2", async () => {
  const cases: [args: string[], line: string][] = [
    [["--mqtt-prot", "1"], "Unknown flag --mqtt-prot: did you mean --mqtt-port?"],
    [
      ["passwd", "users"],
      "Cannot tell whose password: give a file and a user, pregon passwd FILE USER, or a file and --batch",
    ],
    [["passwd", "users", "a:b"], 'Cannot use "a:b" as a user: the name "a:b" has a colon, which ends a name'],
    [["passwd", "users", "ana", "secret"], 'Unknown argument "secret": expected a flag'],
    [
      ["passwd", "users", "ana", "-I", "1"],
      'Cannot use "1" for --iterations: it must be a whole number from 4096 to 10000000',
    ],
    [["pbu"], 'Unknown command "pbu": did you mean pub?'],
    [["frobnicate"], 'Unknown command "frobnicate": there are serve, pub, sub, passwd, acl, check, backup'],
    [["--frobnicate", "1"], "Unknown flag --frobnicate: --help lists them"],
    [["pub", "-t", "a", "-m", "x", "--retian"], "Unknown flag --retian: did you mean --retain?"],
    [
      ["-p", "1883", "--log-level", "warn", "--mqtt-port=1884"],
      'Cannot use both "1883" and "1884" for --mqtt-port: give one of them',
    ],
    [["pub", "-t", "a", "-t", "b", "-n"], 'Cannot use both "a" and "b" for --topic: give one of them'],
    [["sub", "-t", "a", "-q", "3"], 'Cannot use "3" for --qos: it must be a whole number from 0 to 2'],
    [
      ["--http-port", "80a"],
      'Cannot use "80a" for http.port from flag --http-port: it must be a whole number from 0 to 65535, or off',
    ],
  ];
  for (const [args, line] of cases) assertOneLine(await run(args), 2, line);
});

Deno.test("options come from pregon.toml, from variables and from flags", async () => {
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${cwd}/pregon.toml`, "[mqtt]\nport = 1\n[http]\nport = 2\n");
    await Deno.writeTextFile(`${cwd}/other.toml`, "[mqtt]\nprot = 1\n");
    const env = { PREGON_HTTP_PORT: "3" };
    const { code, stdout } = await run(["--print-config", "--log-level", "warn"], { cwd, env });
    assertEquals(code, 0);
    assertStringIncludes(stdout, "port = 1 # file pregon.toml\n");
    assertStringIncludes(stdout, "port = 3 # variable PREGON_HTTP_PORT\n");
    assertStringIncludes(stdout, 'level = "warn" # flag --log-level\n');
    await Deno.writeTextFile(`${cwd}/printed.toml`, stdout);
    const again = await run(["--print-config", "--config", "printed.toml"], { cwd });
    assertEquals(again.stdout.replaceAll(/ #.*/g, ""), stdout.replaceAll(/ #.*/g, ""));
    assertOneLine(
      await run(["--config", "other.toml"], { cwd }),
      2,
      "Unknown key mqtt.prot in other.toml: did you mean mqtt.port?",
    );
    assertOneLine(
      await run(["--config", "none.toml"], { cwd }),
      2,
      "Cannot read none.toml: No such file or directory",
    );
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("who passwd adds comes in by MQTT and HTTP, nobody else does, and a broken file lets nothing start", async () => {
  const cwd = await Deno.makeTempDir();
  try {
    const added = await run(["passwd", "users", "ana"], { cwd, stdin: "secret\n" });
    assertEquals([added.code, added.stderr], [0, 'Created users: "ana" may come in\n']);
    const env = { PREGON_AUTH_PASSWORD_FILE: "users" };
    // Who comes in may do nothing until somebody says what.
    for (const [more, known] of [[{}, 403], [{ PREGON_AUTH_ALLOW_EVERYTHING: "true" }, 404]] as const) {
      await using serving = await serve([], { cwd, env: { ...env, ...more } });
      const log = await eventually(() => {
        assertStringIncludes(serving.program.stderr, "info  started");
        return serving.program.stderr;
      });
      assertEquals(log.includes("warn  no-rules key=auth.acl-file"), known === 403, log);
      const pub = ["pub", "-p", String(serving.mqttPort), "-t", "a", "-m", "x", "-q", "1"];
      assertEquals((await run([...pub, "-u", "ana", "-P", "secret"])).code, 0);
      assertEquals((await run([...pub, "-u", "ana", "-P", "wrong"])).code, 1);
      assertEquals((await run(pub)).code, 1);
      for (const [login, status] of [["ana:secret", known], ["ana:wrong", 401]] as const) {
        const headers = { authorization: `Basic ${btoa(login)}` };
        const response = await fetch(`http://127.0.0.1:${serving.httpPort}/topics/a`, { headers });
        await response.body?.cancel();
        assertEquals(response.status, status);
      }
    }
    await Deno.writeTextFile(`${cwd}/users`, "bob\n", { append: true });
    assertOneLine(
      await run([], { cwd, env }),
      2,
      "Cannot use users, line 2: there is no colon after a name (key auth.password-file)",
    );
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("a port in use is one line that names address and key, and exit code 1", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  for (const kind of ["mqtt", "http"]) {
    const ports = [
      "--memory",
      "--mqtt-port",
      kind === "mqtt" ? `${port}` : "0",
      "--http-port",
      kind === "http" ? `${port}` : "0",
    ];
    assertOneLine(
      await run(ports),
      1,
      `Cannot listen on 127.0.0.1:${port}: the port is in use; choose another with --${kind}-port ` +
        `(key ${kind}.port), 0 for a free one`,
    );
  }
});

Deno.test("the broker says where it is, who can reach it and what to try", async () => {
  await using serving = await serve();
  const { program, mqttPort, httpPort } = serving;
  await patiently(() =>
    assertStringIncludes(program.stdout, `mosquitto_sub -h 127.0.0.1 -p ${mqttPort} -t 'home/#' -v`)
  );
  assertStringIncludes(program.stdout, `curl -N http://127.0.0.1:${httpPort}/stream/home/%23`);
  assertStringIncludes(
    program.stdout,
    "Only this machine can connect. To open it to others, say who may come in",
  );
});

Deno.test("what pub publishes sub prints, to the byte", async () => {
  await using serving = await serve();
  const port = ["-p", `${serving.mqttPort}`];
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const sub = new Program(["sub", ...port, "-t", "bytes", "-q", "2", "-N", "-C", "2"]);
  await serving.subscribed("bytes");
  const pub = await run(["pub", ...port, "-t", "bytes", "-s", "-q", "2"], { stdin: bytes });
  assertEquals([pub.code, pub.stderr], [0, ""]);
  const { code, stdoutBytes, stderr } = await sub.finish();
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdoutBytes, new Uint8Array([...encoder.encode("ready?"), ...bytes]));
});

Deno.test("pub sends lines, and sub stops after as many as it was asked for", async () => {
  await using serving = await serve();
  const url = `mqtt://127.0.0.1:${serving.mqttPort}`;
  const lines = Array.from({ length: 5000 }, (_, index) => `reading ${index}\n`).join("");
  const sub = new Program(["sub", "-L", `${url}/lines`, "-q", "1", "-C", "5001", "-v"]);
  await serving.subscribed("lines");
  assertEquals((await run(["pub", "-L", `${url}/lines`, "-l", "-q", "1"], { stdin: lines })).code, 0);
  const { code, stdout } = await sub.finish();
  assertEquals(code, 0);
  assertEquals(stdout, `lines ready?\n${lines.replaceAll("reading", "lines reading")}`);
});

Deno.test("pub and sub speak MQTT 5.0 with mosquitto's flags, and tell what is refused in words", async () => {
  await using serving = await serve();
  const port = ["-p", `${serving.mqttPort}`];
  const format = ["-F", "%t %C %P|%p"];
  const sub = new Program(["sub", ...port, "-V", "mqttv5", "-t", "lab/log", "-q", "1", "-C", "2", ...format]);
  await serving.subscribed("lab/log");
  const properties = ["content-type text/csv", "user-property k v", "user-property k w"].flatMap((
    property,
  ) => ["-D", "publish", ...property.split(" ")]);
  const pub = await run(["pub", ...port, "-t", "lab/log", "-m", "1,2", "-q", "1", ...properties]);
  assertEquals([pub.code, pub.stderr], [0, ""]);
  const { code, stdout, stderr } = await sub.finish();
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^lab\/log .*\|ready\?\nlab\/log text\/csv k:v k:w\|1,2\n$/);
  assertOneLine(
    await run(["pub", ...port, "-V", "5", "-t", "$SYS/x", "-m", "x", "-q", "2"]),
    1,
    "Message to $SYS/x refused: not authorized (Cannot publish: topics that begin with $ belong to the broker)",
  );
  assertOneLine(
    await run(["pub", ...port, "-t", "a", "-m", "x", "-D", "publish", "content-typ", "x"]),
    2,
    'Unknown property "content-typ" of -D publish: did you mean content-type?',
  );
});

Deno.test("sub gives up after its time with exit code 27, and ends with 0 when it is told to", async () => {
  await using serving = await serve();
  const args = ["sub", "-p", `${serving.mqttPort}`, "-t"];
  const timed = await run([...args, "a", "-W", "1"]);
  assertEquals([timed.code, timed.stderr], [27, "Timed out\n"]);
  const told = new Program([...args, "b"]);
  await serving.subscribed("b");
  told.kill("SIGINT");
  const { code, stdout, stderr } = await told.finish();
  assertEquals([code, stdout, stderr], [0, "ready?\n", ""]);
});

Deno.test("no connection, a refused one and a refused subscription each say why, with exit code 1", async () => {
  await using serving = await serve(["--limits-topic-levels-max", "2"]);
  assertOneLine(
    await run(["sub", "-p", `${serving.mqttPort}`, "-t", "a/b/c"]),
    1,
    "Subscription to a/b/c refused: the broker gives no reason",
  );
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const refusing = (async () => {
    using link = await listener.accept();
    await link.read(new Uint8Array(1000));
    await link.write(Uint8Array.of(0x20, 0x02, 0x00, 0x05));
    await link.read(new Uint8Array(1000));
  })();
  const port = `${listener.addr.port}`;
  assertOneLine(
    await run(["pub", "-p", port, "-t", "a", "-m", "x"]),
    1,
    "Connection refused: not authorized",
  );
  await refusing;
  listener.close();
  assertOneLine(
    await run(["pub", "-p", port, "-t", "a", "-m", "x"]),
    1,
    `Cannot connect to 127.0.0.1:${port}: Connection refused`,
  );
});

Deno.test("SIGTERM ends streams and clients, and the program with 0", async () => {
  const serving = await serve();
  const sub = new Program(["sub", "-p", `${serving.mqttPort}`, "-t", "a"]);
  await serving.subscribed("a");
  const stream = await fetch(`http://127.0.0.1:${serving.httpPort}/stream/a`);
  const streamed = stream.text();
  const start = performance.now();
  await serving[Symbol.asyncDispose]();
  assertEquals(performance.now() - start < 5_000, true, "Within 5 s");
  assertMatch(await streamed, /"shutdown"/);
  const { code, stderr } = await sub.finish();
  assertEquals([code, stderr], [1, "The broker closed the connection\n"]);
  assertStringIncludes(serving.program.stderr, "stopped");
});

/** A request that never ends, and that the broker is reading. */
async function stall(port: number): Promise<Deno.TcpConn> {
  const link = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = [
    "POST /topics/a HTTP/1.1",
    "Host: localhost",
    "Content-Length: 9",
    "Expect: 100-continue",
    "",
    "half",
  ];
  await link.write(encoder.encode(head.join("\r\n")));
  const answer = new Uint8Array(100);
  assertStringIncludes(decoder.decode(answer.subarray(0, await link.read(answer) ?? 0)), "100 Continue");
  return link;
}

Deno.test("a request that never ends does not keep the program", async () => {
  const serving = await serve();
  using _link = await stall(serving.httpPort);
  const start = performance.now();
  await serving[Symbol.asyncDispose]();
  assertEquals(performance.now() - start < 5_000, true, "Within 5 s");
});

Deno.test("a second signal ends the program at once", async () => {
  const { program, httpPort } = await serve();
  using _link = await stall(httpPort);
  program.kill("SIGTERM");
  await eventually(() => assertStringIncludes(program.stderr, "stopping"));
  const start = performance.now();
  program.kill("SIGTERM");
  assertEquals((await program.finish()).code, 143);
  assertEquals(performance.now() - start < 2_000, true);
});
