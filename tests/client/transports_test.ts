import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ClosedError,
  connect,
  ConnectError,
  type ConnectOptions,
  TlsError,
  UpgradeError,
} from "../../broker/client/mod.ts";
import { Broker } from "../../broker/broker.ts";
import type { Credentials } from "../../broker/auth/authenticator.ts";
import { Server } from "../../broker/server.ts";
import { TcpListener } from "../../broker/transport/tcp.ts";
import { TlsListener, type TlsOptions } from "../../broker/transport/tls.ts";
import type { Listener } from "../../broker/transport/transport.ts";
import { UnixListener } from "../../broker/transport/unix.ts";
import { WebSocketListener } from "../../broker/transport/websocket.ts";
import { Authority } from "../support/certificates.ts";
import { within } from "../support/eventually.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { take } from "./scripted_peer.ts";

const HOST = "127.0.0.1";
const authority = new Authority();
const stranger = new Authority("Somebody else");
globalThis.addEventListener("unload", () => [authority, stranger].forEach((each) => each[Symbol.dispose]()));

const identity = { ...authority.issue({ name: "broker" }), clientAuthorities: authority.certificate };
const ana = authority.issue({ name: "ana" });
const rogue = stranger.issue({ name: "ana" });
const ca = authority.certificate;

/** A broker that can be come to in every way. */
class Entered implements AsyncDisposable {
  readonly broker: Broker;
  readonly server: Server;
  readonly ports: Readonly<Record<"mqtt" | "mqtts" | "ws" | "wss" | "strict" | "strictWss", number>>;
  readonly socket: string;
  /** Who came, as far as the broker was shown. */
  readonly credentials: Credentials[] = [];
  readonly #folder: string;

  private constructor(folder: string, unix: Listener) {
    this.#folder = folder;
    this.socket = `${folder}/mqtt.sock`;
    const authenticate = (credentials: Credentials) => {
      this.credentials.push(credentials);
      return { granted: true, identity: { name: "somebody", can: () => true } } as const;
    };
    this.broker = new Broker({ authenticators: [{ name: "witness", authenticate }] });
    this.server = new Server(this.broker, { sysIntervalSeconds: 0 });
    const tcp = (scheme: string) => new TcpListener(HOST, 0, scheme);
    const tls = (options: TlsOptions = {}) => new TlsListener(tcp("mqtts"), identity, options);
    const strict = { clientCertificates: "require" } as const;
    const listeners = {
      mqtt: tcp("mqtt"),
      mqtts: tls({ protocols: ["mqtt"] }),
      ws: new WebSocketListener(tcp("ws")),
      wss: new WebSocketListener(tls()),
      strict: tls(strict),
      strictWss: new WebSocketListener(tls(strict)),
    };
    for (const listener of [...Object.values(listeners), unix]) this.server.listen(listener);
    const ports = Object.entries(listeners).map(([name, { port }]) => [name, port]);
    this.ports = Object.fromEntries(ports);
  }

  static async open(): Promise<Entered> {
    const folder = await Deno.makeTempDir({ prefix: "pregon-client-" });
    return new Entered(folder, await UnixListener.open(`${folder}/mqtt.sock`, 0o600));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.broker.close();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Connects, and has a message go out and come back that no single frame or record holds. */
async function assertRoundTrip(options: ConnectOptions): Promise<void> {
  await using client = await connect(options);
  const messages = await client.subscribe("a/#", { qos: 1 });
  const payload = "größe ".repeat(40_000);
  await client.publish("a/b", payload, { qos: 1 });
  assertEquals(await take(messages[Symbol.asyncIterator](), 1), [payload]);
}

Deno.test("a client comes in through everything that MQTT travels through, by URL and by options", async () => {
  await using entered = await Entered.open();
  const { ports, socket } = entered;
  const all: ConnectOptions[] = [
    { url: `mqtt://${HOST}:${ports.mqtt}` },
    { url: `mqtts://localhost:${ports.mqtts}`, tls: { ca } },
    { port: ports.mqtts, tls: { ca: [ca] } },
    { url: new URL(`ws://localhost:${ports.ws}/mqtt`) },
    { port: ports.ws, webSocket: true },
    { port: ports.ws, webSocket: { path: "/any?where", headers: { "X-Any": "thing" } } },
    { url: `wss://localhost:${ports.wss}/mqtt`, tls: { ca } },
    { host: "localhost", port: ports.wss, webSocket: {}, tls: { ca } },
    { url: `unix:${socket}` },
    { unixSocket: socket },
    { port: ports.strict, tls: { ca, cert: ana.certificate, key: ana.key } },
    { port: ports.strictWss, webSocket: true, tls: { ca, cert: ana.certificate, key: ana.key } },
  ];
  for (const version of [4, 5] as const) {
    for (const options of all) await assertRoundTrip({ ...options, version });
  }
  const subjects = entered.credentials.slice(-2).map(({ certificate }) => certificate?.subject);
  assertEquals(subjects, ["ana", "ana"]);
});

Deno.test("a URL says who comes, where the options do not", async () => {
  await using entered = await Entered.open();
  const url = `ws://ana:p%40ss@${HOST}:${entered.ports.ws}/mqtt`;
  await (await connect({ url })).close();
  await (await connect({ url, password: "other" })).close();
  await (await connect({ url: `mqtt://ana@${HOST}:${entered.ports.mqtt}`, username: "bob" })).close();
  const decoder = new TextDecoder();
  const seen = entered.credentials.map((
    { username, password },
  ) => [username, password && decoder.decode(password)]);
  assertEquals(seen, [["ana", "p@ss"], ["ana", "other"], ["bob", undefined]]);
});

Deno.test("what keeps a client out is said in one line, with its kind", async () => {
  await using entered = await Entered.open();
  const { ports, socket } = entered;
  const cases: [options: ConnectOptions, cause: new (...args: never[]) => Error, words: string][] = [
    [
      { port: ports.mqtts, tls: true },
      TlsError,
      `${HOST}:${ports.mqtts}: its certificate was issued by nobody who is trusted here`,
    ],
    [
      { port: ports.mqtts, tls: { ca, servername: "broker.example.org" } },
      TlsError,
      `${HOST}:${ports.mqtts}: its certificate is for DNS:localhost, IP Address:127.0.0.1, not for broker.example.org`,
    ],
    [
      { port: ports.mqtts, tls: { ca, alpnProtocols: ["amqp"] } },
      TlsError,
      `${HOST}:${ports.mqtts}: the TLS handshake failed: the peer went away`,
    ],
    [
      { port: ports.strictWss, webSocket: true, tls: { ca } },
      Error,
      `${HOST}:${ports.strictWss}: The WebSocket handshake failed: it ended after 0 bytes; ` +
      "perhaps it demands a client's certificate",
    ],
    [{ unixSocket: `${socket}.not` }, Deno.errors.NotFound, `${socket}.not: No such file or directory`],
  ];
  for (const [options, cause, words] of cases) {
    const error = await assertRejects(() => within(connect(options), () => "it hangs"), ConnectError);
    assertEquals(error.message, `Cannot connect to ${words}`);
    assert(error.cause instanceof cause, String(error.cause));
  }
  await assertRoundTrip({ port: ports.mqtts, tls: { ca, servername: "other", checkServerName: false } });
});

Deno.test("a client without the certificate that is demanded, or with another's, hears what may be wrong", async () => {
  await using entered = await Entered.open();
  const where = { port: entered.ports.strict };
  const unanswered = "The broker closed the connection without an answer to CONNECT; perhaps it ";
  const error = await assertRejects(() => connect({ ...where, tls: { ca } }), ClosedError);
  assertEquals(error.message, `${unanswered}demands a client's certificate`);
  const tls = { ca, cert: rogue.certificate, key: rogue.key };
  const other = await assertRejects(() => connect({ ...where, tls }), ClosedError);
  assertEquals(other.message, `${unanswered}does not accept the client's certificate`);
  const mixed = { ca, cert: rogue.certificate, key: ana.key };
  const before = await assertRejects(() => connect({ ...where, tls: mixed }), ConnectError);
  assertEquals(before.message, "Cannot use tls.key: it is not the key of tls.cert, CN=ana");
});

Deno.test("a server that is no WebSocket says so", async () => {
  const listener = new TcpListener(HOST, 0);
  const serving = listener.accept().then(async (link) => {
    await link!.read(new Uint8Array(2048));
    await link!.write(new TextEncoder().encode("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
    return link;
  });
  const error = await assertRejects(() => connect({ port: listener.port, webSocket: true }), ConnectError);
  assertEquals(
    error.message,
    `Cannot connect to ${HOST}:${listener.port}: There is no WebSocket: the answer is 404 Not Found`,
  );
  assert(error.cause instanceof UpgradeError);
  assertEquals(error.cause.status, 404);
  (await serving)?.close();
  listener.close();
});

Deno.test("a handshake that goes nowhere is given up in time, and leaves nothing open", async () => {
  for (const options of [{ tls: { ca } }, { webSocket: true }, { tls: true, webSocket: true }]) {
    const listener = new TcpListener(HOST, 0);
    const clock = new SimulatedClock(Date.now());
    const connecting = connect({ ...options, port: listener.port, clock, connectTimeoutSeconds: 3 });
    const refused = assertRejects(() => connecting, ConnectError, "no answer within 3 s");
    const link = (await listener.accept())!;
    await link.read(new Uint8Array(2048));
    clock.advance(3_000);
    await refused;
    assertEquals(clock.timerCount, 0);
    // The client's end is closed: what it began is the last that comes.
    const rest = (async () => {
      while (await link.read(new Uint8Array(2048)).catch(() => null) !== null);
    })();
    await within(rest, () => "the link stays open");
    link.close();
    listener.close();
  }
});
