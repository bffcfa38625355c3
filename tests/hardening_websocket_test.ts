// Every way in for WebSockets, as the program opens them. Deno's own WebSocket keeps the fragments of a message until the
// last one comes, without a bound, and one client that nobody knows could fill the memory with that.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { StreamLink } from "../broker/transport/stream_link.ts";
import type { Link } from "../broker/transport/transport.ts";
import { requireTool } from "./interop/support/outside_tool.ts";
import { RunningProgram } from "./interop/support/start_program.ts";
import { hex } from "./packet/fixtures.ts";
import { Authority } from "./support/certificates.ts";
import { eventually } from "./support/eventually.ts";
import { frame, handshake, WebSocketReader } from "./support/websocket_client.ts";

const test = requireTool("openssl");
const HOST = "127.0.0.1";
const CONNECT = hex("10 10 00 04 'MQTT' 05 02 00 00 03 21 ff ff 00 00");
const PACKET_BYTES_MAX = 65_536;
/** A PUBLISH of the largest size, in fragments of a message that goes on behind it. */
const FRAGMENTS = fragmentsOf(hex(`32 fc ff 03 00 01 'a' 00 07 00 ${"78".repeat(PACKET_BYTES_MAX - 10)}`));
/** Those where the broker takes the frames apart itself. */
const ENTRANCES = ["ws", "wss", "https", "http"] as const;
type Scheme = typeof ENTRANCES[number];
/** Plain HTTP is one of them only where others reach it. */
const BY_OTHERS = ["--http-trusted-proxies", "192.0.2.1"];

/** The program with every way in, and who trusts it. */
class World implements AsyncDisposable {
  readonly #authority = new Authority();
  program!: RunningProgram;

  static async start(...flags: readonly string[]): Promise<World> {
    const world = new World();
    const file = world.#authority.path(world.#authority.issueFiles({ name: "broker" }));
    world.program = await RunningProgram.start([
      ...["--tls-certificate", `${file}.pem`, "--tls-key", `${file}.key`],
      ...["--mqtt-websocket-port", "0", "--mqtt-websocket-tls-port", "0", "--http-tls-port", "0"],
      ...["--sys-interval-seconds", "1", ...flags],
    ]);
    return world;
  }

  /** What a request for a WebSocket is answered with. */
  async open(scheme: Scheme, path = "/mqtt") {
    const tcp = await Deno.connect({ hostname: HOST, port: this.program.port(scheme) });
    tcp.setNoDelay(true);
    const isSecure = scheme === "wss" || scheme === "https";
    const connection = isSecure
      ? await Deno.startTls(tcp, { hostname: HOST, caCerts: [this.#authority.certificate] })
      : tcp;
    const link = new StreamLink(connection, { peer: "broker", address: HOST });
    await writeAll(link, handshake({ path }));
    const reader = new WebSocketReader(link);
    return { link, reader, head: await reader.head() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    this.#authority[Symbol.dispose]();
  }
}

function fragmentsOf(packet: Uint8Array): Uint8Array {
  const half = packet.length / 2;
  const parts = [packet.subarray(0, half), packet.subarray(half)];
  return Uint8Array.from(parts.flatMap((part) => [...frame(part, { opcode: 0, isFinal: false })]));
}

async function writeAll(link: Link, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await link.write(bytes.subarray(sent));
}

test("a message in fragments without end is taken packet by packet, and a packet beyond the bound closes it", async () => {
  await using world = await World.start(...BY_OTHERS, "--limits-packet-bytes-max", `${PACKET_BYTES_MAX}`);
  for (const scheme of ENTRANCES) {
    const { link, reader, head } = await world.open(scheme);
    assertStringIncludes(head, "HTTP/1.1 101 ", scheme);
    await writeAll(link, frame(CONNECT, { isFinal: false }));
    assertEquals((await reader.frame())!.payload[0], 0x20, scheme);
    // Were they kept for the end of the message, no answer would come before it.
    for (let count = 0; count < 100; count++) {
      await writeAll(link, FRAGMENTS);
      assertEquals([...(await reader.frame())!.payload.subarray(0, 4)], [0x40, 3, 0, 7], scheme);
    }
    // One packet in fragments: its first bytes say that it is too large.
    const tooLarge = hex("30 fd ff 03 00 01 'a'");
    await writeAll(link, frame(tooLarge, { opcode: 0, isFinal: false }));
    assertEquals([...(await reader.frame())!.payload.subarray(0, 3)].filter((_, at) => at !== 1), [
      0xe0,
      0x95,
    ]);
    const close = (await reader.frame())!;
    assertEquals([close.opcode, ...close.payload], [0x88, 1000 >> 8, 1000 & 0xff], scheme);
    link.close();
  }
  await counted(world, "packet-too-large", ENTRANCES.length);
});

test("a frame that no WebSocket may have closes it with the code for that", async () => {
  await using world = await World.start(...BY_OTHERS);
  const cases = [
    [frame(new Uint8Array(0), { length: 2 ** 60, lengthBytes: 8 }), 1009],
    [frame(new Uint8Array(126), { opcode: 9 }), 1002],
    [frame(new Uint8Array(1), { opcode: 0, isFinal: false }), 1002],
    [frame(new Uint8Array(1), { opcode: 1, isFinal: false }), 1003],
  ] as const;
  for (const scheme of ENTRANCES) {
    for (const [bytes, code] of cases) {
      const { link, reader } = await world.open(scheme);
      await writeAll(link, bytes);
      const close = (await reader.frame())!;
      assertEquals([close.opcode, ...close.payload], [0x88, code >> 8, code & 0xff], scheme);
      link.close();
    }
  }
  await counted(world, "frame-refused", ENTRANCES.length * cases.length);
});

/** Waits until `$SYS` says that so many were closed for the reason. */
async function counted({ program }: World, reason: string, count: number): Promise<void> {
  const url = `http://${HOST}:${program.port("http")}/topics/%24SYS/broker/connections/closed/${reason}`;
  await eventually(async () => {
    const response = await fetch(url, { headers: { accept: "*/*" } });
    assertEquals([response.status, await response.text()], [200, `${count}`]);
  }, 10_000);
}

test("every port of HTTP has WebSockets, unless nobody wants them; where Deno keeps fragments for others, the log warns", async () => {
  const answers = async (...flags: readonly string[]) => {
    await using world = await World.start(...flags);
    const found: string[] = [];
    for (const scheme of ["http", "https", "ws"] as const) {
      const { link, reader, head } = await world.open(scheme);
      const isProblem = /content-type: application\/problem\+json/i.test(head);
      if (isProblem) link.close();
      found.push(head.slice(9, 12) + (isProblem ? " problem" : ""));
      if (!isProblem) {
        await writeAll(link, frame(CONNECT));
        assertEquals((await reader.frame())!.payload[0], 0x20, scheme);
      }
      link.close();
    }
    const [, word = ""] = /(http-unbounded)/.exec(world.program.process.log) ?? [];
    return [...found, word];
  };
  assertEquals(await answers(), ["101", "101", "101", ""]);
  assertEquals(await answers(...BY_OTHERS), ["101", "101", "101", ""]);
  assertEquals(await answers(...BY_OTHERS, "--http-direct", "true"), ["101", "101", "101", "http-unbounded"]);
  assertEquals(await answers("--http-websocket", "false"), ["404 problem", "404 problem", "101", ""]);
});
