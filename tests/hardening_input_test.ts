// The attacks by what a client sends, of MQTT 5.0 and by size, one regression each; those of 3.1.1 are in hardening_test.ts.

import { assertEquals, assertLess } from "@std/assert";
import { createBridge } from "../bridge/mod.ts";
import { assertProblem, HOST } from "./bridge/support.ts";
import { readAll, write } from "./fuzz/link_ends.ts";
import { FUZZ_LIMITS } from "./fuzz/limits.ts";
import { packetSequence } from "./fuzz/packet_sequence.ts";
import { hex } from "./packet/fixtures.ts";
import { eventually } from "./support/eventually.ts";
import { frameOf } from "./support/raw_client.ts";
import { startBroker } from "./support/start_broker.ts";
import { Random } from "./topic/random_names.ts";

const MiB = 1024 * 1024;

Deno.test("[CVE-2026-21888] a length of properties in five bytes ends its sender's connection", async () => {
  for (const length of ["80 80 80 80 00", "ff ff ff ff 01", "80 80 80 80 80"]) {
    await using host = startBroker();
    const neighbour = await host.connect();
    const client = await host.connect({ version: 5 });
    client.sendBytes(frameOf(0x30, hex(`00 01 'a' ${length} 'payload'`)));
    const answer = await client.receive();
    assertEquals(answer?.type === "disconnect" && answer.reasonCode, 0x81);
    await client.expectClosed();
    await neighbour.ping();
    assertEquals(host.broker.counters.messagesReceived, 0);
  }
});

// EMQX, RabbitMQ and VerneMQ each held on to what crafted packets had made them take.
Deno.test("[CVE-2021-33175] [CVE-2021-22116] [CVE-2021-33176] crafted input by the thousand leaves the memory as it was", async () => {
  await using host = startBroker({ limits: FUZZ_LIMITS });
  const play = async (first: number, count: number) => {
    for (let round = first; round < first + count; round++) {
      const link = host.listener.connect();
      const reading = readAll(link);
      await host.broker.turn.heard(); // Only few are let in in one go.
      await write(link, packetSequence(new Random(round * 0x9e3779b1)));
      link.close();
      await reading;
      host.clock.advance(1_000);
    }
    await eventually(() => assertEquals(host.server.connectionCount, 0));
  };
  await play(0, 1_000); // Until what is compiled and cached is there.
  host.log.length = 0;
  const growths: number[] = [];
  for (let first = 1_000; first < 13_000 && !(Math.min(...growths) < 32 * MiB); first += 3_000) {
    const before = Deno.memoryUsage().rss;
    await play(first, 3_000);
    growths.push(Deno.memoryUsage().rss - before);
    host.log.length = 0;
  }
  assertEquals(host.broker.counters.closes["internal-error"], 0);
  // What is held on to grows with each play; what only waits for the garbage collector, late on a busy machine, does not.
  assertLess(Math.min(...growths), 32 * MiB);
});

Deno.test("[GHSA-xxqp-5qx8-gj5q] [CVE-2026-95844] deep topics are refused in the path and the query of HTTP", async () => {
  await using host = startBroker({ limits: { urlBytesMax: 100_000 } });
  const bridge = createBridge(host.broker);
  for (const [levels, isTaken] of [[199, true], [200, true], [201, false], [60_000, false]] as const) {
    const deep = "a" + "/".repeat(levels - 1);
    for (const path of [`/topics/${deep}`, `/topics?topic=${deep}`]) {
      const answer = await bridge.fetch(new Request(HOST + path, { method: "PUT", body: "x" }));
      if (!isTaken) await assertProblem(answer, 400, "invalid-topic");
      else assertEquals(answer.ok, true, `${levels} levels got ${answer.status}`);
    }
    const stream = await bridge.fetch(new Request(`${HOST}/stream/${deep}`));
    if (!isTaken) await assertProblem(stream, 400, "invalid-filter");
    else await stream.body!.cancel();
  }
  assertEquals(host.broker.retained.size, 2);
  await bridge.close();
});

// What one packet may not have was handed on, and its receivers disconnected.
Deno.test("[vernemq #1883] properties that a PUBLISH must not have, or not twice, are refused and not handed on", async () => {
  const blocks = [
    "05 11 00 00 00 0a", // Session Expiry Interval
    "03 21 00 05", // Receive Maximum
    "02 24 01", // Maximum QoS
    "04 12 00 01 'x'", // Assigned Client Identifier
    "04 1f 00 01 'x'", // Reason String
    "02 0b 01", // Subscription Identifier, from a client
    "04 01 00 01 00", // Payload Format Indicator, twice
    "0a 02 00 00 00 05 02 00 00 00 05", // Message Expiry Interval, twice
    "02 01 02", // Payload Format Indicator of 2
    "02 7f 00", // none that there is
  ];
  await using host = startBroker();
  const subscriber = await host.connect({ version: 5 });
  await subscriber.subscribe(["#", 0]);
  for (const block of blocks) {
    const client = await host.connect({ version: 5 });
    client.sendBytes(frameOf(0x30, hex(`00 01 'a' ${block} 'payload'`)));
    const answer = await client.receive();
    assertEquals(answer?.type, "disconnect", block);
    await client.expectClosed();
  }
  await subscriber.expectNothing();
  assertEquals(host.broker.counters.messagesReceived, 0);
});

Deno.test("[mosquitto 2.0.12] user properties are taken up to the bound; one more, or a hundred thousand, ends the connection", async () => {
  for (const [count, isTaken] of [[2, true], [3, true], [4, false], [100_000, false]] as const) {
    await using host = startBroker({ limits: { propertiesMax: 3, propertiesBytesMax: MiB } });
    const client = await host.connect({ version: 5 });
    const block = new Uint8Array(count * 5);
    for (let at = 0; at < block.length; at += 5) block[at] = 0x26;
    const head = Uint8Array.of(0, 1, 0x61, ...variableByteInteger(block.length));
    client.sendBytes(Uint8Array.of(0x30, ...variableByteInteger(head.length + block.length)), head, block);
    if (isTaken) {
      await client.ping();
      continue;
    }
    const answer = await client.receive();
    assertEquals(answer?.type === "disconnect" && answer.reasonCode, 0x97);
    assertEquals(host.broker.counters.closes["too-many-properties"], 1);
  }
});

// What the will had got hold of before its bad property was found was never let go.
Deno.test("[CVE-2023-3592] a will with bad properties leaves no session, no will and no connection behind", async () => {
  await using host = startBroker();
  const subscriber = await host.connect();
  await subscriber.subscribe(["#", 0]);
  const bad = [
    "02 7f 00",
    "05 11 00 00 00 0a",
    "04 01 00 01 00",
    "06 08 00 03 'r/#'",
    "05 08 00 03 'r'",
    "02 01 02",
  ];
  for (let round = 0; round < 300; round++) {
    const client = host.open();
    client.version = 5;
    const will = `${bad[round % bad.length]} 00 04 'will' 00 05 'bytes'`;
    client.sendBytes(frameOf(0x10, hex(`00 04 'MQTT' 05 06 00 00 00 00 01 'w' ${will}`)));
    await client.receive();
    client.cut();
  }
  await eventually(() => assertEquals(host.server.connectionCount, 1));
  assertEquals([host.broker.sessions.size, host.broker.counters.messagesReceived], [1, 0]);
  await subscriber.expectNothing();
});

function variableByteInteger(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; bytes.length === 0 || left > 0; left >>>= 7) {
    bytes.push((left & 0x7f) | (left >= 0x80 ? 0x80 : 0));
  }
  return bytes;
}
