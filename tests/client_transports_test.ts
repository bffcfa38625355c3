import { assertEquals, assertMatch } from "@std/assert";
import { Authority } from "./support/certificates.ts";
import { assertOneLine, decoder, patiently, ROOT, run, serve } from "./support/program.ts";

const HOST = "127.0.0.1";

/** Runs a command with these permissions only. */
async function runWith(
  permissions: readonly string[],
  args: readonly string[],
  env: Record<string, string> = {},
) {
  const flags = ["run", "--quiet", "--no-prompt", "--config", `${ROOT}deno.json`, ...permissions];
  const command = new Deno.Command(Deno.execPath(), { args: [...flags, `${ROOT}main.ts`, ...args], env });
  const { code, stdout, stderr } = await command.output();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("pub reaches sub through everything that serve opens, with no more rights than files need", async () => {
  using authority = new Authority();
  using stranger = new Authority("Somebody else");
  const [own, ana] = [authority.issueFiles({ name: "broker" }), authority.issueFiles({ name: "ana" })];
  const path = (file: string) => authority.path(file);
  await using serving = await serve([
    ...["--mqtt-tls-port", "0", "--mqtt-websocket-port", "0", "--mqtt-websocket-tls-port", "0"],
    ...["--http-tls-port", "0", "--mqtt-unix-socket", path("mqtt.sock")],
    ...["--tls-certificate", path(`${own}.pem`), "--tls-key", path(`${own}.key`)],
  ]);
  const port = (scheme: string) =>
    patiently(() => Number(new RegExp(`${scheme}://${HOST}:(\\d+)\n`).exec(serving.program.stdout)![1]));
  const [mqtts, ws, wss, https] = [
    await port("mqtts"),
    await port("ws"),
    await port("wss"),
    await port("https"),
  ];
  const trust = ["--cafile", path("ca.pem")];
  const net = ["--allow-net"];
  const files = ["--allow-net", "--allow-read"];
  const ways: [permissions: string[], way: string[]][] = [
    [net, ["-L", `ws://${HOST}:${ws}/mqtt`]],
    [net, ["--ws", "-p", `${serving.httpPort}`]],
    [files, ["-h", "localhost", "-p", `${mqtts}`, ...trust]],
    [files, ["-L", `wss://localhost:${wss}/mqtt`, ...trust]],
    [files, ["-L", `wss://localhost:${https}/mqtt`, ...trust]],
    [[...files, "--allow-write"], ["--unix", path("mqtt.sock")]],
  ];
  const results = await Promise.all(ways.map(async ([permissions, way], index) => {
    const topic = `a/${index}`;
    const [received, published] = await Promise.all([
      runWith(permissions, ["sub", ...way, "-t", topic, "-C", "1", "-W", "60", "-q", "1"]),
      serving.subscribed(topic).then(() =>
        runWith(permissions, ["pub", ...way, "-t", topic, "-m", "ready?", "-q", "1"])
      ),
    ]);
    return [received.stdout, received.stderr, published.code, published.stderr];
  }));
  assertEquals(results, ways.map(() => ["ready?\n", "", 0, ""]));

  const pub = ["pub", "-t", "a", "-m", "x", "-P", "secret", "-u", "ana"];
  const line =
    `Cannot connect to localhost:${mqtts}: its certificate was issued by nobody who is trusted here; ` +
    "trust its authority with --cafile FILE\n";
  const url = ["-L", `mqtts://localhost:${mqtts}/a`];
  const other = ["--cafile", stranger.path("ca.pem")];
  // Whom Deno trusts is not asked when a file says whom.
  const env = { DENO_CERT: path("ca.pem") };
  const careless = { NODE_TLS_REJECT_UNAUTHORIZED: "0" };
  const outcomes = await Promise.all([
    runWith(net, [...pub, ...url]),
    runWith(net, [...pub, ...url, "--insecure"]),
    runWith(files, [...pub, ...url, ...other, "--insecure"]),
    runWith(files, [...pub, ...url, ...other], env),
    runWith(["--allow-net", "--allow-env"], [...pub, ...url], careless),
    runWith(files, [...pub, ...url], env),
  ]);
  const refused = { code: 1, stdout: "", stderr: line };
  assertEquals(outcomes, [refused, refused, refused, refused, refused, { code: 0, stdout: "", stderr: "" }]);

  const cases: [way: string[], line: string][] = [
    [
      ["-h", HOST, "-p", `${serving.mqttPort}`, ...trust],
      `Cannot connect to ${HOST}:${serving.mqttPort}: the TLS handshake failed: the peer went away; ` +
      "is that its port for TLS?",
    ],
    [
      ["-L", `ws://${HOST}:${serving.httpPort}/else`],
      `Cannot connect to ${HOST}:${serving.httpPort}: There is no WebSocket: the answer is 404 Not Found; ` +
      "say where it is in the URL, -L ws://HOST:PORT/PATH",
    ],
    [["--unix", path("none.sock")], `Cannot connect to ${path("none.sock")}: No such file or directory`],
    [["--cafile", path("none.pem")], `Cannot read ${path("none.pem")}: No such file or directory`],
    [
      [...trust, "--cert", path(`${own}.pem`), "--key", path(`${ana}.key`)],
      `Cannot use ${path(`${ana}.key`)}: it is not the key of ${path(`${own}.pem`)}, CN=broker`,
    ],
  ];
  await Promise.all(cases.map(async ([way, line]) => assertOneLine(await run([...pub, ...way]), 1, line)));
  const files1 = await runWith(net, [...pub, ...url, ...trust]);
  assertMatch(files1.stderr, /^Cannot read .*ca\.pem: Requires read access to .*\n$/);
});

Deno.test("pub shows its certificate to a broker for somebody else, if that is not checked", async () => {
  using authority = new Authority();
  const names = ["DNS:broker.example.org"];
  const own = authority.issueFiles({ name: "broker", names });
  const ana = authority.issueFiles({ name: "ana" });
  const path = (file: string) => authority.path(file);
  await using serving = await serve([
    ...["--mqtt-tls-port", "0", "--mqtt-client-ca", path("ca.pem")],
    ...["--tls-certificate", path(`${own}.pem`), "--tls-key", path(`${own}.key`)],
  ]);
  const port = await patiently(() => /mqtts:\/\/127\.0\.0\.1:(\d+)\n/.exec(serving.program.stdout)![1]!);
  const pub = ["pub", "-h", HOST, "-p", port, "--cafile", path("ca.pem"), "-t", "a", "-m", "x", "-q", "1"];
  const shown = ["--cert", path(`${ana}.pem`), "--key", path(`${ana}.key`)];
  const [named, bare, well] = await Promise.all([
    run([...pub, ...shown]),
    run([...pub, "--insecure"]),
    run([...pub, ...shown, "--insecure"]),
  ]);
  assertOneLine(
    named!,
    1,
    `Cannot connect to ${HOST}:${port}: its certificate is for DNS:broker.example.org, not for ${HOST}; ` +
      "connect to it by its name, or take any with --insecure",
  );
  assertOneLine(
    bare!,
    1,
    "The broker closed the connection without an answer to CONNECT; perhaps it demands a client's certificate",
  );
  assertEquals([well!.code, well!.stderr], [0, ""]);
});
