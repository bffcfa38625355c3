import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  type Bridge,
  createBridge,
  HttpServer,
  LinkServer,
  type RequestInfo,
  upgradeByDeno,
} from "../../bridge/mod.ts";
import { Broker, type BrokerOptions } from "../../broker/broker.ts";
import { AddressSet, silentLog } from "../../broker/mod.ts";
import { Server } from "../../broker/server.ts";
import { connectTcp, TcpListener } from "../../broker/transport/tcp.ts";
import { UpgradedLink } from "../../broker/transport/upgraded_link.ts";
import { eventually, within } from "../support/eventually.ts";
import { RawClient } from "../support/raw_client.ts";
import { testVersions } from "../support/versions.ts";
import {
  frame,
  handshake,
  type HandshakeOptions,
  WebSocketClientLink,
  WebSocketReader,
} from "../support/websocket_client.ts";
import { problemOf } from "./support.ts";

const HOST = "127.0.0.1";

const CONNECT = Uint8Array.of(0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 1, 0x78);
/** Who takes the frames apart: Deno on the port of HTTP, the broker on that of HTTPS, whose TLS is not of interest here. */
const FRAMERS = ["Deno", "broker"] as const;
type Framer = typeof FRAMERS[number];

/** Broker, bridge and the port between them. */
class Everything {
  readonly broker: Broker;
  readonly server: Server;
  readonly bridge: Bridge;
  readonly web: HttpServer | LinkServer;
  readonly port: number;

  constructor(framer: Framer, options: BrokerOptions = {}) {
    this.broker = new Broker(options);
    this.server = new Server(this.broker, { sysIntervalSeconds: 0 });
    this.bridge = createBridge(this.broker, { trustedProxies: [HOST] });
    const { packetBytesMax: messageBytesMax } = this.broker.limits;
    const parts = { log: silentLog, clock: this.broker.clock };
    if (framer === "Deno") {
      const openWebSocket = upgradeByDeno((socket, whose) =>
        this.server.accept(new UpgradedLink(socket, { ...whose, messageBytesMax }))
      );
      const fetch = (request: Request, { remoteAddr }: RequestInfo) =>
        this.bridge.fetch(request, { remoteAddr, openWebSocket });
      const web = new HttpServer(fetch, { hostname: HOST, port: 0, ...parts });
      [this.web, this.port] = [web, web.port];
    } else {
      const web = new LinkServer(this.bridge.fetch, {
        ...parts,
        turn: this.broker.turn,
        isSecure: true,
        stallSeconds: 60,
        onStall: () => {},
        idleSeconds: 75,
        onIdle: () => {},
      });
      const listener = new TcpListener(HOST, 0, "http", new AddressSet([HOST]));
      this.server.listen(listener, { serve: (link) => web.serve(link) });
      [this.web, this.port] = [web, listener.port];
    }
  }

  async connect(version: 3 | 4 | 5 = 4): Promise<RawClient> {
    const link = new WebSocketClientLink(await connectTcp(HOST, this.port));
    const client: RawClient = new RawClient(link, () => client.ping());
    await client.connect({ version });
    return client;
  }

  /** A client of the WebSocket alone, which is open unless the answer is another one. */
  async openRaw(options: HandshakeOptions = {}) {
    const link = await connectTcp(HOST, this.port);
    await link.write(handshake(options));
    const reader = new WebSocketReader(link);
    return { link, reader, head: await reader.head() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.server.close(), this.bridge.close(), this.web.shutdown()]);
    await this.broker.close();
    assertEquals(this.server.connectionCount, 0);
  }
}

/** A test that holds whoever takes the frames apart. */
function testFramers(name: string, run: (framer: Framer) => Promise<void>): void {
  for (const framer of FRAMERS) Deno.test(`${name}, framed by ${framer}`, () => run(framer));
}

for (const framer of FRAMERS) {
  testVersions(
    `[MQTT-6.0.0-2] [MQTT5-6.0.0-2] a client connects, publishes and receives over a WebSocket of HTTP, framed by ${framer}`,
    async (version) => {
      await using everything = new Everything(framer);
      const client = await everything.connect(version);
      await client.subscribe(["a/#", 2]);
      // More than a frame of this client has.
      const payload = "x".repeat(300_000);
      for (const qos of [0, 1, 2] as const) {
        client.sendPublish("a/b", payload, { qos, packetId: 9 });
        await client.expectPublish({ topic: "a/b", payload, qos });
        if (qos > 0) await client.expectAck(qos === 1 ? "puback" : "pubrec", 9);
      }
      client.cut();
    },
  );
}

testFramers(
  "[MQTT-6.0.0-4] [MQTT5-6.0.0-4] the answer names the subprotocol that was offered, however Upgrade is written",
  async (framer) => {
    await using everything = new Everything(framer);
    for (const [offered, chosen] of [["mqtt", "mqtt"], ["mqttv3.1", "mqttv3.1"], ["chat, mqtt", "mqtt"]]) {
      const headers = {
        "Sec-WebSocket-Protocol": offered!,
        Upgrade: "WebSocket",
        Connection: "keep-alive, UPGRADE",
      };
      const { link, head } = await everything.openRaw({ headers });
      assertStringIncludes(head.toLowerCase(), `\r\nsec-websocket-protocol: ${chosen}\r\n`);
      link.close();
    }
  },
);

Deno.test("[MQTT-6.0.0-3] [MQTT5-6.0.0-3] a WebSocket without a subprotocol of MQTT, or none at all, is refused as a problem", async () => {
  await using everything = new Everything("broker");
  const cases: [headers: NonNullable<HandshakeOptions["headers"]>, status: number, code: string][] = [
    [{ "Sec-WebSocket-Protocol": null }, 400, "unknown-subprotocol"],
    [{ "Sec-WebSocket-Protocol": "chat, MQTT" }, 400, "unknown-subprotocol"],
    [{ Upgrade: null, Connection: null }, 426, "websocket-only"],
    [{ Upgrade: "h2c" }, 426, "websocket-only"],
    [{ "Sec-WebSocket-Version": "8" }, 426, "websocket-only"],
    [{ "Sec-WebSocket-Key": null }, 426, "websocket-only"],
    [{ "Sec-WebSocket-Key": "dGhlIHNhbXBsZQ==" }, 426, "websocket-only"],
    [{ Connection: "keep-alive" }, 426, "websocket-only"],
    [{ Origin: "https://evil.example" }, 403, "cross-origin"],
  ];
  const { link, head: refusal } = await everything.openRaw({ headers: { "Sec-WebSocket-Protocol": "chat" } });
  assertStringIncludes(refusal, "HTTP/1.1 400 ");
  assertStringIncludes(refusal.toLowerCase(), "content-type: application/problem+json");
  link.close();
  for (const [headers, status, code] of cases) {
    const all = new Headers({ ...HONEST });
    for (const [name, value] of Object.entries(headers)) {
      value === null ? all.delete(name) : all.set(name, value);
    }
    const response = await everything.bridge.fetch(
      new Request("http://localhost/mqtt", { headers: all }),
      ABLE,
    );
    const problem = await problemOf(response);
    assertEquals([response.status, problem.type], [status, `/problems/${code}`]);
  }
  const head = new Request("http://localhost/mqtt", { method: "HEAD", headers: HONEST });
  assertEquals((await everything.bridge.fetch(head, ABLE)).status, 426);
  await eventually(() => assertEquals(everything.server.connectionCount, 0));
});

Deno.test("who sent more behind the request for a WebSocket than can be kept is refused, and counted", async () => {
  await using everything = new Everything("broker");
  const full: RequestInfo = { ...UNABLE, openWebSocket: () => undefined };
  const { type, status } = await problemOf(
    await everything.bridge.fetch(new Request("http://localhost/mqtt", { headers: HONEST }), full),
  );
  assertEquals([type, status], ["/problems/websocket-not-awaited", 400]);
  assertEquals(everything.broker.counters.webSocketsRefused, 1);
});

Deno.test("where no WebSockets can be opened there is no /mqtt, and the answer says why", async () => {
  await using everything = new Everything("broker");
  const ask = async (bridge: Bridge) =>
    await problemOf(await bridge.fetch(new Request("http://localhost/mqtt", { headers: HONEST }), UNABLE));
  const { type, status, detail } = await ask(everything.bridge);
  assertEquals([type, status], ["/problems/not-found", 404]);
  assertStringIncludes(String(detail), "whoever passes requests on here opens none");
  const without = createBridge(everything.broker, { hasWebSocket: false });
  assertEquals((await ask(without)).detail, "There is nothing at /mqtt");
  await without.close();
});

const UNABLE: RequestInfo = { remoteAddr: { transport: "tcp", hostname: HOST, port: 1 } };
/** What a server says of a request that it could make a WebSocket of. */
const ABLE: RequestInfo = {
  ...UNABLE,
  openWebSocket: () => {
    throw new Error("It was opened");
  },
};

const HONEST = {
  "Upgrade": "websocket",
  "Connection": "Upgrade",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol": "mqtt",
};

testFramers("[MQTT-6.0.0-1] [MQTT5-6.0.0-1] a text frame closes the WebSocket with 1003", async (framer) => {
  await using everything = new Everything(framer);
  const { link, reader } = await everything.openRaw();
  await link.write(frame(new TextEncoder().encode("hello"), { opcode: 1 }));
  const close = await within(reader.frame(), () => "no close");
  assertEquals([close!.opcode, [...close!.payload.subarray(0, 2)]], [0x88, [1003 >> 8, 1003 & 0xff]]);
  await eventually(() => assertEquals(everything.broker.counters.closes["frame-refused"], 1));
  link.close();
});

Deno.test("framed by Deno: a message over the size of a packet closes the WebSocket with 1009", async () => {
  await using everything = new Everything("Deno", { limits: { packetBytesMax: 1000, connectBytesMax: 500 } });
  for (const [bytes, code] of [[1000, 1000], [1001, 1009]] as const) {
    const { link, reader } = await everything.openRaw();
    await link.write(frame(new Uint8Array(bytes)));
    const close = await within(reader.frame(), () => "no close");
    assertEquals([close!.opcode, [...close!.payload.subarray(0, 2)]], [0x88, [code >> 8, code & 0xff]]);
    link.close();
  }
});

Deno.test("framed by broker: a packet over the limit closes the WebSocket, a message over it that has smaller ones does not", async () => {
  await using everything = new Everything("broker", {
    limits: { packetBytesMax: 1000, connectBytesMax: 500 },
  });
  const client = await everything.openRaw();
  const pings = new Uint8Array(2_000).map((_, index) => index % 2 === 0 ? 0xc0 : 0);
  await client.link.write(frame(Uint8Array.of(...CONNECT, ...pings)));
  assertEquals((await client.reader.frame())!.payload[0], 0x20);
  await client.link.write(frame(Uint8Array.of(0x30, 0xe6, 0x07))); // 1001 bytes with these
  await eventually(() => assertEquals(everything.broker.counters.closes["packet-too-large"], 1));
  client.link.close();
});

testFramers(
  "a request for a WebSocket is heard wherever it stands on its connection, as proxies send them",
  async (framer) => {
    await using everything = new Everything(framer);
    const link = await connectTcp(HOST, everything.port);
    const reader = new WebSocketReader(link);
    await link.write(new TextEncoder().encode("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assertStringIncludes(await reader.head(), "HTTP/1.1 200 ");
    const [first, ...others] = handshake();
    await link.write(Uint8Array.of(first!));
    await link.write(Uint8Array.from(others));
    assertStringIncludes(await reader.head(), "HTTP/1.1 101 ");
    const [tag, ...rest] = frame(CONNECT);
    await link.write(Uint8Array.of(tag!));
    await link.write(Uint8Array.from(rest));
    assertEquals([...(await reader.frame())!.payload], [0x20, 2, 0, 0]);
    link.close();
  },
);

Deno.test("framed by broker: the link of a WebSocket is counted once, and where its client is", async () => {
  await using everything = new Everything("broker", { limits: { connectionsPerAddressMax: 2 } });
  const headers = { "X-Forwarded-For": "192.0.2.7" };
  const open = [await everything.openRaw({ headers }), await everything.openRaw({ headers })];
  await eventually(() => assertEquals(everything.server.connectionCount, 2));
  const refused = await everything.openRaw({ headers });
  assertEquals(refused.head, "");
  assertEquals(everything.broker.counters.closes["too-many-from-address"], 1);
  const other = await everything.openRaw({ headers: { "X-Forwarded-For": "192.0.2.8" } });
  assertStringIncludes(other.head, "HTTP/1.1 101 ");
  for (const { link } of [...open, refused, other]) link.close();
});

for (const framer of FRAMERS) {
  Deno.test(`webSocketsMax 2: so many are open and not one more, until one is over, framed by ${framer}`, async () => {
    await using everything = new Everything(framer, { limits: { webSocketsMax: 2 } });
    const open = [await everything.openRaw(), await everything.openRaw()];
    const refused = await everything.openRaw();
    assertStringIncludes(refused.head, "HTTP/1.1 503 ");
    assertEquals(everything.broker.counters.webSocketsRefused, 1);
    open[0]!.link.close();
    await eventually(async () => {
      const { link, head } = await everything.openRaw();
      link.close();
      assertStringIncludes(head, "HTTP/1.1 101 ");
    });
    for (const { link } of [...open, refused]) link.close();
  });
}

testFramers(
  "a reader that takes nothing keeps what waits for it in its outbox, and little in the socket",
  async (framer) => {
    const outboxBytesMax = 1024 * 1024;
    await using everything = new Everything(framer, { limits: { outboxBytesMax } });
    const { broker } = everything;
    const client = await everything.connect();
    await client.subscribe(["flood", 0]);
    const payload = new Uint8Array(50_000);
    const nobody = { name: "test", can: () => true };
    const full = () => broker.counters.deliveries["dropped:full"];
    await eventually(() => {
      for (let count = 0; count < 100; count++) {
        broker.publish(nobody, { topic: "flood", payload, qos: 0, retain: false });
      }
      if (full() < 2_000) throw new Error(`${full()} were dropped`);
    }, 10_000);
    assertEquals(everything.server.outboxBytes <= outboxBytesMax, true, `${everything.server.outboxBytes}`);
    // The system's own buffers take some as well; 100 MB were published.
    const { bytesSent } = broker.counters;
    assertEquals(bytesSent < 16 * 1024 * 1024, true, `${bytesSent} bytes for a reader that takes nothing`);
    client.cut();
  },
);

Deno.test("framed by Deno: a client that sends on while it is not let in is closed at the bound", async () => {
  const authenticators = [{ name: "asleep", authenticate: () => new Promise<never>(() => {}) }];
  await using everything = new Everything("Deno", { authenticators });
  const { link } = await everything.openRaw();
  const connect = Uint8Array.of(0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 1, 0x78);
  await link.write(frame(connect));
  const flood = frame(new Uint8Array(100_000));
  await assertRejects(async () => {
    for (let count = 0; count < 200; count++) {
      for (let sent = 0; sent < flood.length;) sent += await link.write(flood.subarray(sent));
    }
  }, Error);
  link.close();
});

testFramers("a WebSocket that never says anything is closed after connectTimeoutSeconds", async (framer) => {
  await using everything = new Everything(framer, { limits: { connectTimeoutSeconds: 1 } });
  const { link, reader } = await everything.openRaw();
  const close = await within(reader.frame(), () => "no close", 5_000);
  assertEquals(close!.opcode, 0x88);
  assertEquals(everything.broker.counters.closes["not-connected-in-time"], 1);
  link.close();
});
