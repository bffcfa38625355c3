// One regression per attack below MQTT that is on record, or that we found on the way, each saying why. A spoofed PROXY
// header is in transport/proxy_protocol_test.ts, a spoofed X-Forwarded-For in bridge/client_address_test.ts, a session
// resumed without a certificate in transport/tls_test.ts, half handshakes in mqtt/arrivals_test.ts.

import { assertEquals, assertLess } from "@std/assert";
import { MemoryListener } from "../broker/transport/memory.ts";
import type { Link } from "../broker/transport/transport.ts";
import { WebSocketListener } from "../broker/transport/websocket.ts";
import { hex } from "./packet/fixtures.ts";
import { eventually } from "./support/eventually.ts";
import { startBroker, type TestBroker } from "./support/start_broker.ts";
import { frame, handshake, WebSocketReader } from "./support/websocket_client.ts";

const CONNECT = hex("10 0d 00 04 'MQTT' 04 02 00 00 00 01 'x'");
const MiB = 1024 * 1024;

interface Attacker {
  readonly link: Link;
  readonly reader: WebSocketReader;
}

/** A WebSocket to the broker that is open, with nothing sent. */
async function openWebSocket(host: TestBroker): Promise<Attacker> {
  const listener = new MemoryListener();
  host.server.listen(new WebSocketListener(listener));
  const link = listener.connect();
  await link.write(handshake());
  const reader = new WebSocketReader(link);
  await reader.head();
  return { link, reader };
}

async function write(link: Link, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await link.write(bytes.subarray(sent));
}

// NanoMQ CVE-2026-25627: it read as many bytes as the packet claimed, from a WebSocket message that had fewer.
Deno.test("a packet that claims more than its WebSocket message has waits for the rest, and is not made up", async () => {
  await using host = startBroker();
  const subscriber = await host.connect();
  await subscriber.subscribe(["#", 0]);
  const { link, reader } = await openWebSocket(host);
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
