import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Authority } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { frame, handshake } from "../support/websocket_client.ts";
import { OpenChromium } from "./support/chromium.ts";
import { curl } from "./support/curl.ts";
import { connectJs } from "./support/mqttjs.ts";
import { requireTool } from "./support/outside_tool.ts";
import { HOST } from "./support/start_mqtt.ts";
import { RunningProgram } from "./support/start_program.ts";
import { run, runWell, TOOL_PATIENCE_MS, ToolProcess } from "./support/tool_process.ts";

const test = requireTool("openssl", "mosquitto_sub", "mosquitto_pub", "curl", "chromium");

/** The broker with a certificate in files, and the authority that made it. */
class SecureProgram implements AsyncDisposable {
  readonly authority = new Authority();
  readonly certificate: string;
  readonly key: string;
  program!: RunningProgram;

  private constructor() {
    const file = this.authority.issueFiles({ name: "broker" });
    this.certificate = this.authority.path(`${file}.pem`);
    this.key = this.authority.path(`${file}.key`);
  }

  static async start(...flags: readonly string[]): Promise<SecureProgram> {
    const secure = new SecureProgram();
    const { certificate, key } = secure;
    secure.program = await RunningProgram.start([
      "--tls-certificate",
      certificate,
      "--tls-key",
      key,
      ...flags,
    ]);
    return secure;
  }

  get ca(): string {
    return this.authority.path("ca.pem");
  }

  mosquitto(...args: readonly string[]): readonly string[] {
    return ["-h", HOST, "-p", String(this.program.port("mqtts")), "--cafile", this.ca, ...args];
  }

  /** The subject of the certificate that the next client sees. */
  async shownSubject(): Promise<string> {
    const args = ["s_client", "-connect", `${HOST}:${this.program.port("mqtts")}`, "-CAfile", this.ca];
    const { text } = await run("openssl", args, { input: "" });
    assertStringIncludes(text, "Verify return code: 0 (ok)");
    return /^subject=CN ?= ?(.*)$/m.exec(text)?.[1] ?? text;
  }

  /** Puts another certificate in the place of the broker's. */
  replaceCertificate(name: string): void {
    const { certificate, key } = this.authority.issue({ name });
    Deno.writeTextFileSync(this.certificate, certificate);
    Deno.writeTextFileSync(this.key, key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    this.authority[Symbol.dispose]();
  }
}

test("Mosquitto's clients meet over TLS, and whose certificate is required and missing or foreign stays out", async () => {
  const folder = new Authority("Clients");
  using _folder = folder;
  await using secure = await SecureProgram.start(
    ...["--mqtt-tls-port", "0", "--mqtt-client-ca", folder.path("ca.pem")],
  );
  const file = folder.issueFiles({ name: "ana", names: ["DNS:ana.example.org"] });
  const own = ["--cert", folder.path(`${file}.pem`), "--key", folder.path(`${file}.key`)];
  await using sub = new ToolProcess("mosquitto_sub", secure.mosquitto(...own, "-t", "a/#", "-C", "1", "-v"));
  await secure.program.logs("connected");
  const foreign = secure.authority.issueFiles({ name: "ana" });
  const { authority } = secure;
  const wrong = ["--cert", authority.path(`${foreign}.pem`), "--key", authority.path(`${foreign}.key`)];
  for (const args of [[], wrong]) {
    const outcome = await run(
      "mosquitto_pub",
      secure.mosquitto(...args, "-t", "a/b", "-m", "wrong", "-q", "1"),
    );
    assert(outcome.code !== 0);
  }
  await secure.program.logs("link-refused", "handshake-failed");
  await runWell("mosquitto_pub", secure.mosquitto(...own, "-t", "a/b", "-m", "21.5", "-q", "1"));
  assertEquals(await sub.lines(1), ["a/b 21.5"]);
});

test("SIGHUP changes the certificate: who is connected stays, who comes sees the new one, a bad one changes nothing", async () => {
  await using secure = await SecureProgram.start("--mqtt-tls-port", "0", "--http-tls-port", "0");
  const { program } = secure;
  await using sub = new ToolProcess("mosquitto_sub", secure.mosquitto("-t", "a", "-C", "2"));
  await program.logs("connected");
  assertEquals(await secure.shownSubject(), "broker");
  await runWell("mosquitto_pub", secure.mosquitto("-t", "a", "-m", "before"));
  secure.replaceCertificate("renewed");
  program.process.signal("SIGHUP");
  await program.logs("reloaded", "mqtt-certificate");
  await program.logs("reloaded", "http-certificate");
  assertEquals(await secure.shownSubject(), "renewed");
  Deno.writeTextFileSync(secure.key, secure.authority.issue({ name: "other" }).key);
  program.process.signal("SIGHUP");
  await program.logs("reload-refused", "mqtt-certificate", "it is not the key of");
  assertEquals(await secure.shownSubject(), "renewed");
  await runWell("mosquitto_pub", secure.mosquitto("-t", "a", "-m", "after"));
  assertEquals(await sub.lines(2), ["before", "after"]);
});

test("a certificate whose files change is used without a signal", async () => {
  await using secure = await SecureProgram.start("--mqtt-tls-port", "0");
  secure.replaceCertificate("renewed");
  await secure.program.logs("certificate-changed", "mqtt");
  assertEquals(await secure.shownSubject(), "renewed");
});

test("curl speaks HTTP/2 and 1.1 over TLS, and HTTP without it beside", async () => {
  await using secure = await SecureProgram.start("--http-tls-port", "0");
  const { program } = secure;
  const url = `https://${HOST}:${program.port("https")}/topics/home/temp`;
  const trust = ["--cacert", secure.ca];
  const versions: string[] = [];
  for (const flag of ["--http2", "--http1.1"]) {
    const { text } = await runWell("curl", [
      "-q",
      "-sS",
      ...trust,
      flag,
      "-X",
      "PUT",
      "-d",
      flag,
      "-w",
      "\n%{http_version}",
      url,
    ]);
    versions.push(text.split("\n").at(-1)!);
    assertEquals((await curl([...trust, flag, url])).text, flag);
  }
  assertEquals(versions, ["2", "1.1"]);
  const plain = await curl([`http://${HOST}:${program.port("http")}/topics/home/temp`]);
  assertEquals([plain.status, plain.text], [200, "--http1.1"]);
  const big = "x".repeat(200_000);
  await curl([...trust, "--http2", "-X", "PUT", "--data-binary", "@-", url], { input: big });
  assertEquals((await curl([...trust, "--http2", url])).text, big);
});

test("a stream over HTTPS lives on while the certificate changes", async () => {
  await using secure = await SecureProgram.start("--http-tls-port", "0");
  const url = `https://${HOST}:${secure.program.port("https")}`;
  const args = ["-q", "-sS", "-N", "--cacert", secure.ca];
  await using stream = new ToolProcess("curl", [...args, "-H", "Accept: text/plain", `${url}/stream/a`]);
  const publish = async (payload: string) => {
    await eventually(async () => {
      const { status } = await curl(["--cacert", secure.ca, "-d", payload, `${url}/topics/a?mandatory=1`]);
      assertEquals(status, 200);
    }, TOOL_PATIENCE_MS);
  };
  await publish("before");
  secure.replaceCertificate("renewed");
  secure.program.process.signal("SIGHUP");
  await secure.program.logs("reloaded", "http-certificate");
  await publish("after");
  assertEquals(await stream.lines(2), ["a before", "a after"]);
});

test("who closes its side of TLS behind its requests gets all answers, and MQTT behind the one for a WebSocket is heard", async () => {
  await using secure = await SecureProgram.start("--http-tls-port", "0");
  const caCerts = [Deno.readTextFileSync(secure.ca)];
  const ask = async (bytes: Uint8Array) => {
    using client = await Deno.connectTls({ hostname: HOST, port: secure.program.port("https"), caCerts });
    await client.write(bytes);
    await client.closeWrite();
    return await new Response(client.readable).text();
  };
  const get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const answers = await ask(new TextEncoder().encode(get + get));
  assertEquals(answers.match(/\r\n\r\nok\n/g)?.length, 2, answers);
  const connect = Uint8Array.of(0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 1, 0x78);
  const connack = "\x04\x20\x02\0\0"; // With the length of its frame.
  assertStringIncludes(await ask(Uint8Array.of(...handshake(), ...frame(connect))), connack);
});

test("MQTT.js connects over every WebSocket that there is", async () => {
  await using secure = await SecureProgram.start(
    ...["--mqtt-websocket-port", "0", "--mqtt-websocket-tls-port", "0", "--http-tls-port", "0"],
  );
  const { program } = secure;
  const ca = [Deno.readTextFileSync(secure.ca)];
  const payload = "x".repeat(200_000);
  for (
    const [protocol, scheme] of [["ws", "http"], ["wss", "https"], ["ws", "ws"], ["wss", "wss"]] as const
  ) {
    for (const protocolVersion of [4, 5] as const) {
      const where = { mqttPort: program.port(scheme) };
      await using client = await connectJs(where, {
        protocol,
        path: "/mqtt",
        protocolVersion,
        ca,
        host: "localhost",
      });
      await client.mqtt.subscribeAsync(scheme, { qos: 2 });
      for (const qos of [0, 1, 2] as const) await client.mqtt.publishAsync(scheme, payload, { qos });
      assertEquals((await client.receives(3)).map(({ qos }) => qos), [0, 1, 2], scheme);
      assertEquals(client.payloads.filter((received) => received !== payload), []);
    }
  }
});

test("a page in Chromium speaks MQTT over wss and follows a topic over HTTP/2", async () => {
  await using secure = await SecureProgram.start("--http-tls-port", "0");
  await using chromium = await OpenChromium.launch({ trustsAll: true });
  await chromium.page.goto(`https://localhost:${secure.program.port("https")}/`);
  const seen = await chromium.page.evaluate(async () => {
    const source = new EventSource("/topics/a");
    const message = new Promise<string>((resolve) =>
      source.onmessage = ({ data }) => resolve(JSON.parse(data).payload)
    );
    await new Promise((resolve) => source.addEventListener("live", resolve, { once: true }));
    const socket = new WebSocket(`wss://${location.host}/mqtt`, "mqtt");
    socket.binaryType = "arraybuffer";
    const answers: number[] = [];
    const connected = new Promise((resolve) => {
      socket.onmessage = ({ data }) => resolve(answers.push(...new Uint8Array(data)));
    });
    await new Promise((resolve) => socket.onopen = resolve);
    // CONNECT and then PUBLISH to "a", divided in the middle of a packet.
    const packets = [
      0x10,
      13,
      0,
      4,
      0x4d,
      0x51,
      0x54,
      0x54,
      4,
      2,
      0,
      0,
      0,
      1,
      0x78,
      0x30,
      5,
      0,
      1,
      0x61,
      0x68,
      0x69,
    ];
    socket.send(Uint8Array.from(packets.slice(0, 7)));
    socket.send(Uint8Array.from(packets.slice(7)));
    await connected;
    const [entry] = performance.getEntriesByType("navigation") as unknown as { nextHopProtocol: string }[];
    return { protocol: socket.protocol, answers, payload: await message, hop: entry!.nextHopProtocol };
  });
  assertEquals(seen, { protocol: "mqtt", answers: [0x20, 2, 0, 0], payload: "hi", hop: "h2" });
});

test("a page of another site opens no WebSocket, on whichever port", async () => {
  await using program = await RunningProgram.start(["--mqtt-websocket-port", "0"]);
  await using chromium = await OpenChromium.launch({ hosts: ["evil.example"] });
  const open = (url: string) =>
    chromium.page.evaluate((url) => {
      const socket = new WebSocket(url, "mqtt");
      return new Promise((resolve) => {
        socket.onopen = () => resolve("open");
        socket.onerror = () => resolve("refused");
      });
    }, url);
  await chromium.page.goto(`http://localhost:${program.port("http")}/healthz`);
  assertEquals(await open(`ws://localhost:${program.port("http")}/mqtt`), "open");
  // A page that is ours by name only: `/healthz` answers to every name.
  await chromium.page.goto(`http://evil.example:${program.port("http")}/healthz`);
  for (const host of ["localhost", "evil.example"]) {
    for (const scheme of ["http", "ws"] as const) {
      const outcome = await open(`ws://${host}:${program.port(scheme)}/mqtt`);
      assertEquals(outcome, "refused", `${scheme} at ${host}`);
    }
  }
});

test("who begins no handshake, or half of one, is closed in time on every port", async () => {
  await using secure = await SecureProgram.start(
    ...[
      "--mqtt-tls-port",
      "0",
      "--mqtt-websocket-port",
      "0",
      "--mqtt-websocket-tls-port",
      "0",
      "--http-tls-port",
      "0",
    ],
    ...["--limits-connect-timeout-seconds", "1"],
  );
  const { program } = secure;
  const beginnings = {
    mqtts: "\x16\x03\x01\x02\x00\x01",
    wss: "",
    https: "\x16\x03",
    ws: "GET /mqtt HTTP/1.1\r\nHost: loc",
  };
  const links = await Promise.all(
    Object.entries(beginnings).map(async ([scheme, beginning]) => {
      const link = await Deno.connect({
        hostname: HOST,
        port: program.port(scheme as keyof typeof beginnings),
      });
      await link.write(Uint8Array.from(beginning, (letter) => letter.charCodeAt(0)));
      return link;
    }),
  );
  for (const link of links) {
    assertEquals(await link.read(new Uint8Array(10)).catch(() => null), null);
    link.close();
  }
  await program.logs("link-refused", "not-connected-in-time");
});

test("behind a proxy that says so, the log has the client's address, and no one else may say so", async () => {
  await using program = await RunningProgram.start(["--mqtt-proxy-protocol-from", "127.0.0.1"]);
  const link = await Deno.connect({ hostname: HOST, port: program.port("mqtt") });
  const connect = "\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01x";
  const bytes = Uint8Array.from(
    `PROXY TCP4 192.0.2.7 127.0.0.1 4711 1883\r\n${connect}`,
    (letter) => letter.charCodeAt(0),
  );
  await link.write(bytes);
  const answer = new Uint8Array(10);
  assertEquals(await link.read(answer), 4);
  assertEquals([...answer.subarray(0, 4)], [0x20, 2, 0, 0]);
  await program.logs("connected", "clientId=x", "peer=192.0.2.7:4711");
  link.close();
  const bare = await Deno.connect({ hostname: HOST, port: program.port("mqtt") });
  await bare.write(Uint8Array.from(connect, (letter) => letter.charCodeAt(0)));
  assertEquals(await bare.read(answer).catch(() => null), null);
  bare.close();
  await program.logs("link-refused", "proxy-header-refused");
});

test("Mosquitto's clients meet on a Unix socket, which goes with the broker", async () => {
  const folder = await Deno.makeTempDir({ prefix: "pregon-unix-" });
  const path = `${folder}/mqtt.sock`;
  {
    await using program = await RunningProgram.start(["--mqtt-unix-socket", path]);
    await using sub = new ToolProcess("mosquitto_sub", ["--unix", path, "-t", "a", "-C", "1"]);
    await program.logs("connected", "peer=local");
    await runWell("mosquitto_pub", ["--unix", path, "-t", "a", "-m", "hi"]);
    assertEquals(await sub.lines(1), ["hi"]);
  }
  assertEquals([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});

test("what TLS cannot be had with refuses to start in one line", async () => {
  using authority = new Authority();
  const [one, other] = [authority.issueFiles({ name: "one" }), authority.issueFiles({ name: "other" })];
  const cases: [certificate: string, key: string, words: string][] = [
    [`${one}.pem`, `${other}.key`, `Cannot use ${authority.path(`${other}.key`)}: it is not the key of`],
    ["none.pem", `${one}.key`, `Cannot read ${authority.path("none.pem")}: No such file or directory`],
  ];
  const root = new URL("../../", import.meta.url).pathname;
  for (const [certificate, key, words] of cases) {
    const files = ["--tls-certificate", authority.path(certificate), "--tls-key", authority.path(key)];
    const { code, stderr } = await run(Deno.execPath(), [
      ...["run", "--quiet", "--config", `${root}deno.json`, "--allow-net", "--allow-read", "--allow-env"],
      ...[
        `${root}main.ts`,
        "--memory",
        "--mqtt-port",
        "0",
        "--http-port",
        "0",
        "--mqtt-tls-port",
        "0",
        ...files,
      ],
    ]);
    assertEquals([code, stderr.trim().split("\n").length], [2, 1], stderr);
    assertStringIncludes(stderr, words);
  }
});
