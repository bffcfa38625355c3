import { assert, assertEquals } from "@std/assert";
import { type Authentication, connect, type ConnectOptions, RefusedError } from "../broker/client/mod.ts";
import { StreamLink } from "../broker/transport/stream_link.ts";
import { connectTcp } from "../broker/transport/tcp.ts";
import type { Link } from "../broker/transport/transport.ts";
import { connectUnix } from "../broker/transport/unix.ts";
import { RunningProgram } from "./interop/support/start_program.ts";
import { Authority } from "./support/certificates.ts";
import { eventually } from "./support/eventually.ts";
import { HookServer } from "./support/hook_server.ts";
import { assertOneLine, run } from "./support/program.ts";
import { ScramClient } from "./support/scram_client.ts";
import { SECRET, sign } from "./support/tokens.ts";
import { passwordFileOf } from "./support/users.ts";
import { WebSocketClientLink } from "./support/websocket_client.ts";

const HOST = "127.0.0.1";
const WAYS = ["anonymous", "certificate", "jwt", "password-file", "hook", "scram"] as const;
type Way = (typeof WAYS)[number];
type ListenerName = "mqtt" | "mqtts" | "ws" | "wss" | "unix" | "http" | "https";
type Offers = Readonly<Record<ListenerName, readonly Way[]>>;

const OPTIONS: Readonly<Record<ListenerName, string>> = {
  mqtt: "--mqtt-port-methods",
  mqtts: "--mqtt-tls-port-methods",
  ws: "--mqtt-websocket-port-methods",
  wss: "--mqtt-websocket-tls-port-methods",
  unix: "--mqtt-unix-socket-methods",
  http: "--http-port-methods",
  https: "--http-tls-port-methods",
};
const LISTENERS = Object.keys(OPTIONS) as ListenerName[];
const BY_SCRAM = 0x8c;
const REFUSED = [0x86, 0x87];

/** The program with everything set up and every listener open. */
class World implements AsyncDisposable {
  readonly authority = new Authority();
  readonly hook = new HookServer();
  readonly token: string;
  readonly #certificate: { readonly certificate: string; readonly key: string };
  program!: RunningProgram;
  #http!: Deno.HttpClient;

  private constructor(token: string) {
    this.token = token;
    this.#certificate = this.authority.issue({ name: "carla" });
    this.hook.answer = ({ username, password }) => ({
      result: username === "hugo" && password === "4" ? "allow" : "deny",
    });
  }

  static async start(offers: Partial<Offers>): Promise<World> {
    const world = new World(await sign({ sub: "tina" }));
    const { authority, hook } = world;
    const own = authority.issueFiles({ name: "broker" });
    await Deno.writeTextFile(authority.path("users"), await passwordFileOf({ ana: "1" }));
    await Deno.writeTextFile(authority.path("keys"), SECRET);
    const set = {
      "tls-certificate": authority.path(`${own}.pem`),
      "tls-key": authority.path(`${own}.key`),
      "mqtt-client-ca": authority.path("ca.pem"),
      "mqtt-client-certificates": "request",
      "mqtt-tls-port": "0",
      "mqtt-websocket-port": "0",
      "mqtt-websocket-tls-port": "0",
      "mqtt-unix-socket": authority.path("mqtt"),
      "http-tls-port": "0",
      "auth-allow-anonymous": "true",
      "auth-allow-everything": "true",
      "auth-certificate-name": "cn",
      "auth-password-file": authority.path("users"),
      "auth-jwt-keys": authority.path("keys"),
      "auth-hook-url": hook.url,
    };
    const flags = Object.entries(set).flatMap(([name, value]) => [`--${name}`, value]);
    const methods = LISTENERS.flatMap((name) => offers[name] ? [OPTIONS[name], offers[name].join(",")] : []);
    world.program = await RunningProgram.start([...flags, ...methods]);
    world.#http = Deno.createHttpClient({ caCerts: [authority.certificate] });
    return world;
  }

  /** A link on which MQTT may begin; over HTTP on `/mqtt`. */
  async link(listener: ListenerName, way: Way): Promise<Link> {
    if (listener === "unix") return await connectUnix(this.authority.path("mqtt"));
    const isSecure = listener.endsWith("s") && listener !== "ws";
    const port = this.program.port(listener);
    const link = isSecure ? await this.#tlsLink(port, way) : await connectTcp(HOST, port);
    return listener.startsWith("mqtt") ? link : new WebSocketClientLink(link);
  }

  async #tlsLink(port: number, way: Way): Promise<Link> {
    const { certificate: cert, key } = this.#certificate;
    const connection = await Deno.connectTls({
      ...{ hostname: HOST, port, caCerts: [this.authority.certificate] },
      ...(way === "certificate" && { cert, key }),
    });
    return new StreamLink(connection, { peer: "broker", address: HOST });
  }

  /** 0 for who is let in, or the reason code. */
  async connect(listener: ListenerName, way: Way): Promise<number> {
    const shows: Readonly<Record<Way, ConnectOptions>> = {
      "anonymous": {},
      "certificate": {},
      "jwt": { username: "x", password: this.token },
      "password-file": { username: "ana", password: "1" },
      "hook": { username: "hugo", password: "4" },
      "scram": { authentication: scram("ana", "1") },
    };
    try {
      const link = await this.link(listener, way);
      const client = await connect({ ...shows[way], link, version: 5 });
      await client.publish("a", "x", { qos: 1 });
      await client.close();
      return 0;
    } catch (error) {
      if (error instanceof RefusedError) return error.reasonCode;
      throw error;
    }
  }

  async fetch(listener: "http" | "https", path: string, init: RequestInit = {}) {
    const url = `${listener}://${HOST}:${this.program.port(listener)}${path}`;
    const response = await fetch(url, { ...init, client: this.#http });
    const body = await response.text();
    const { status, headers } = response;
    return { status, headers, body, challenge: headers.get("www-authenticate") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http.close();
    await this.program[Symbol.asyncDispose]();
    await this.hook[Symbol.asyncDispose]();
    this.authority[Symbol.dispose]();
  }
}

function scram(user: string, password: string): Authentication {
  const client = new ScramClient({ user, password });
  return {
    method: "SCRAM-SHA-256",
    start: () => client.first(),
    respond: (challenge) => client.final(challenge!),
    finish: (final) => assert(client.trusts(final!)),
  };
}

function basic(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${btoa(`${user}:${password}`)}` };
}

/** What somebody may show where, in MQTT and over HTTP. */
async function tryAll(world: World, offers: Offers): Promise<void> {
  for (const listener of LISTENERS) {
    for (const way of WAYS) {
      if (way === "certificate" && !["mqtts", "wss"].includes(listener)) continue;
      const asked = world.hook.questions.length;
      const code = await world.connect(listener, way);
      const what = `${way} at ${listener}: 0x${code.toString(16)}`;
      if (offers[listener].includes(way)) assertEquals(code, 0, what);
      else if (way === "scram") assertEquals(code, BY_SCRAM, what);
      // Who shows a certificate that nobody looks at shows nothing.
      else if (way === "certificate" && offers[listener].includes("anonymous")) assertEquals(code, 0, what);
      else assert(REFUSED.includes(code), what);
      const isAsked = world.hook.questions.length > asked;
      assert(!isAsked || offers[listener].includes("hook"), `${what}, and the hook was asked`);
    }
  }
  for (const listener of ["http", "https"] as const) {
    const shown: Partial<Record<Way, Record<string, string>>> = {
      "anonymous": {},
      "jwt": { authorization: `Bearer ${world.token}` },
      "password-file": basic("ana", "1"),
      "hook": basic("hugo", "4"),
    };
    for (const [way, headers] of Object.entries(shown)) {
      const { status, challenge } = await world.fetch(listener, "/topics/none", { headers });
      const what = `${way} at ${listener}: ${status} ${challenge}`;
      if (offers[listener].includes(way as Way)) assertEquals(status, 404, what);
      else assert([401, 403].includes(status), what);
      // No browser is to ask its user for a password that must not be shown here.
      const takesPasswords = offers[listener].includes("password-file") || offers[listener].includes("hook");
      assert(takesPasswords || !challenge?.includes("Basic"), what);
    }
    const body = JSON.stringify({ username: "ana", password: "1" });
    const login = await world.fetch(listener, "/session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const isIn = offers[listener].includes("password-file");
    assertEquals(login.status === 200, isIn, `${listener}: ${login.status} ${login.body}`);
  }
}

Deno.test("a listener lets in by what it offers and by nothing else, over every kind of it", async () => {
  const offers: Offers = {
    mqtt: ["scram"],
    mqtts: ["certificate"],
    ws: ["jwt", "hook"],
    wss: ["password-file", "scram"],
    unix: ["anonymous"],
    http: ["anonymous", "jwt"],
    https: ["password-file", "hook"],
  };
  await using world = await World.start(offers);
  await tryAll(world, offers);
  // Whoever looks for the reason finds it, and whose address it was.
  await world.program.logs("http-refused", `peer=${HOST}:`, "not-authorized", 'offered="anonymous,jwt"');
  await world.program.logs("http-refused", `peer=${HOST}:`, "not-authorized", 'offered="password-file,hook"');
  await world.program.logs("connection-closed", '"0x87: Not authorized, offered: certificate"');
  await world.program.logs("connection-closed", '"0x8c: Bad authentication method, offered: jwt,hook"');
});

Deno.test("a listener that is told nothing lets in by all that is set up, as before there was such an option", async () => {
  const all: Offers = {
    ...{ mqtt: WAYS, mqtts: WAYS, ws: WAYS, wss: WAYS, unix: WAYS, http: WAYS, https: WAYS },
  };
  await using world = await World.start({});
  await tryAll(world, all);
  for (const listener of ["http", "https"] as const) {
    await world.fetch(listener, "/topics/a", { headers: basic("x", "y") });
  }
  await eventually(() => {
    const lines = world.program.process.log.split("\n").filter((line) => line.includes("http-refused"));
    assertEquals(lines.map((line) => line.includes(` peer=${HOST}:`)), [true, true], lines.join("\n"));
  });
});

Deno.test("what was got at one listener opens no other that does not offer how it was got", async () => {
  await using world = await World.start({ http: ["anonymous", "jwt"], https: ["password-file"] });
  const JSON_TYPE = { "content-type": "application/json" };
  const body = '{"filters":["none/#"]}';
  const tokenOf = async (listener: "http" | "https", headers: Record<string, string>) => {
    const issued = await world.fetch(listener, "/tokens", {
      method: "POST",
      headers: { ...JSON_TYPE, ...headers },
      body,
    });
    assertEquals(issued.status, 200, issued.body);
    return JSON.parse(issued.body).token as string;
  };
  const byPassword = await tokenOf("https", basic("ana", "1"));
  const byToken = await tokenOf("http", { authorization: `Bearer ${world.token}` });
  const follow = async (listener: "http" | "https", token: string) => {
    const path = `/stream/none/a?token=${token}`;
    const { status } = await world.fetch(listener, path, {
      method: "HEAD",
      headers: { accept: "text/event-stream" },
    });
    return status;
  };
  assertEquals([await follow("https", byPassword), await follow("http", byToken)], [200, 200]);
  assertEquals([await follow("http", byPassword), await follow("https", byToken)], [401, 401]);
});

Deno.test("a listener that cannot keep what it was told does not start, and says which and why", async () => {
  const line = 'Cannot use ["jwt"] for http.port-methods from flag --http-port-methods: ' +
    "jwt needs auth.jwt-keys or auth.jwt-secret or auth.jwt-jwks-url, which is not set";
  for (const flags of [[], ["--print-config"]]) {
    assertOneLine(await run([...flags, "--http-port-methods", "jwt"]), 2, line);
  }
});
