// One regression per attack below MQTT that is on record, or that we found on the way, each saying why. A spoofed
// X-Forwarded-For is in bridge/client_address_test.ts, a session resumed without a certificate in transport/tls_test.ts,
// half handshakes in mqtt/arrivals_test.ts, fragments without end on every port in hardening_websocket_test.ts.

import { assert, assertEquals, assertLess } from "@std/assert";
import { AddressSet } from "../broker/core/ip_address.ts";
import { MemoryListener } from "../broker/transport/memory.ts";
import { ProxyListener } from "../broker/transport/proxy_protocol.ts";
import { connectTcp, TcpListener } from "../broker/transport/tcp.ts";
import type { Link } from "../broker/transport/transport.ts";
import { WebSocketListener } from "../broker/transport/websocket.ts";
import { hex } from "./packet/fixtures.ts";
import { eventually, within } from "./support/eventually.ts";
import { startBroker, type TestBroker } from "./support/start_broker.ts";
import { frame, handshake, WebSocketReader } from "./support/websocket_client.ts";

const CONNECT = hex("10 0d 00 04 'MQTT' 04 02 00 00 00 01 'x'");
const MiB = 1024 * 1024;

interface Attacker {
  readonly link: Link;
  readonly reader: WebSocketReader;
}

/** A WebSocket to the broker that is open, with nothing sent. */
async function openWebSocket(host: TestBroker, transport: "memory" | "tcp" = "memory"): Promise<Attacker> {
  const listener = transport === "tcp" ? new TcpListener("127.0.0.1", 0, "ws") : new MemoryListener();
  host.server.listen(new WebSocketListener(listener));
  const link = listener instanceof TcpListener
    ? await connectTcp("127.0.0.1", listener.port)
    : listener.connect();
  await link.write(handshake());
  const reader = new WebSocketReader(link);
  await reader.head();
  return { link, reader };
}

async function write(link: Link, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await link.write(bytes.subarray(sent));
}

// NanoMQ read as many bytes as the packet claimed, from a WebSocket message that had fewer.
Deno.test("[CVE-2026-25627] a packet that claims more than its WebSocket message has waits for the rest, and is not made up", async () => {
  await using host = startBroker();
  const subscriber = await host.connect();
  await subscriber.subscribe(["#", 0]);
  const { link, reader } = await openWebSocket(host, "tcp");
  await write(link, frame(CONNECT));
  assertEquals([...(await reader.frame())!.payload], [0x20, 2, 0, 0]);
  await write(link, frame(hex("30 64 00 01 'a' 'begun'")));
  await eventually(() => assertEquals(host.broker.counters.bytesReceived > CONNECT.length, true));
  await subscriber.expectNothing();
  // What follows belongs to the packet that was begun, whatever frame it is in.
  await write(link, frame(new Uint8Array(92).fill(0x78)));
  await subscriber.expectPublish({ topic: "a", payload: "begun" + "x".repeat(92) });
  await write(link, frame(hex("30 64 00 01 'a' 'cut'")));
  link.close();
  await eventually(() => assertEquals(host.server.connectionCount, 1));
  await subscriber.expectNothing();
});

// The same before CONNECT, where NanoMQ's fell; the frame's own length may lie as well.
Deno.test("[CVE-2026-25627] a CONNECT that claims more than came is none, in as many frames as it likes", async () => {
  await using host = startBroker();
  for (const length of [undefined, CONNECT.length + 200]) {
    const { link, reader } = await openWebSocket(host, "tcp");
    const claiming = Uint8Array.from(CONNECT, (byte, index) => index === 1 ? 100 : byte);
    await write(link, frame(claiming, length === undefined ? {} : { length }));
    if (length === undefined) await write(link, frame(hex("00 00"), { isFinal: false }));
    const counted = host.broker.counters.closes["link-closed"];
    link.close();
    await eventually(() => assertEquals(host.broker.counters.closes["link-closed"], counted + 1));
    assertEquals(await reader.frame().catch(() => undefined), undefined);
  }
  assertEquals([host.broker.sessions.size, host.broker.counters.bytesSent], [0, 0]);
});

const PROXY_HEADERS = {
  "of version 1": hex("'PROXY TCP4 10.0.0.1 10.0.0.2 4711 1883' 0d 0a"),
  "of version 2": hex("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 11 00 0c 0a 00 00 01 0a 00 00 02 12 67 07 5b"),
};

// EMQX's checklist: whoever may say where it comes from may say that it comes from inside.
Deno.test("[EMQX 6.3] a PROXY header counts from a proxy alone, and from another address ends the connection", async () => {
  await using host = startBroker();
  const listen = (proxies: readonly string[], isWebSocket: boolean) => {
    const tcp = new TcpListener("127.0.0.1", 0);
    const listener = new ProxyListener(tcp, new AddressSet(proxies));
    host.server.listen(isWebSocket ? new WebSocketListener(listener) : listener);
    return tcp.port;
  };
  for (const isWebSocket of [false, true]) {
    const start = isWebSocket ? handshake() : CONNECT;
    const [ours, theirs] = [listen(["127.0.0.1"], isWebSocket), listen(["10.0.0.0/8"], isWebSocket)];
    for (const [version, header] of Object.entries(PROXY_HEADERS)) {
      const counted = host.broker.counters.closes["proxy-header-refused"];
      const forger = await connectTcp("127.0.0.1", theirs);
      await forger.write(Uint8Array.from([...header, ...start]));
      const answer = forger.read(new Uint8Array(100)).catch(() => null);
      assertEquals(await within(answer, () => "It is let in"), null, version);
      forger.close();
      assertEquals(host.broker.counters.closes["proxy-header-refused"], counted + 1);
      // The same header, where it may be: so it was the address, and nothing else.
      const proxy = await connectTcp("127.0.0.1", ours);
      await proxy.write(Uint8Array.from([...header, ...start]));
      assert((await within(proxy.read(new Uint8Array(500)), () => "no answer"))! > 0, version);
      proxy.close();
    }
  }
  const forged = host.log.filter((line) => line.includes("link-refused"));
  assertEquals(forged.filter((line) => !/peer=127\.0\.0\.1:/.test(line)), []);
  assert(forged.length > 0); // Once for many, as repeated lines are.
});

// Deno's own WebSocket keeps the fragments of a message until its last one comes, without a bound.
Deno.test("a message in fragments that never ends is kept nowhere", async () => {
  await using host = startBroker();
  const { link } = await openWebSocket(host);
  await write(link, frame(CONNECT, { isFinal: false }));
  const before = Deno.memoryUsage();
  const fragment = frame(hex("30 03 00 01 'a' ".repeat(10_000)), { opcode: 0, isFinal: false });
  for (let count = 0; count < 1_000; count++) await write(link, fragment);
  const after = Deno.memoryUsage();
  assertLess(after.heapUsed + after.external - before.heapUsed - before.external, 40 * MiB);
  link.close();
});

Deno.test("a frame that claims gigabytes is refused by what MQTT allows in it, at once", async () => {
  await using host = startBroker();
  const { link, reader } = await openWebSocket(host);
  await write(link, frame(hex("10 ff ff ff 7f"), { length: 2 ** 40 }));
  assertEquals((await reader.frame())!.opcode, 0x88);
  assertEquals(host.broker.counters.closes["packet-too-large"], 1);
});
