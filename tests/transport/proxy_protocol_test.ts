import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AddressSet } from "../../broker/core/ip_address.ts";
import { MemoryListener } from "../../broker/transport/memory.ts";
import { parseProxyHeader, ProxyListener } from "../../broker/transport/proxy_protocol.ts";
import { connectTcp, TcpListener } from "../../broker/transport/tcp.ts";
import { type Link, LinkError } from "../../broker/transport/transport.ts";
import { hex } from "../packet/fixtures.ts";
import { within } from "../support/eventually.ts";
import { Random } from "../topic/random_names.ts";

const HOST = "127.0.0.1";
const SIGNATURE = "0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a";

function line(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

const right: readonly (readonly [what: string, header: Uint8Array, source: string | undefined])[] = [
  ["TCP4", line("PROXY TCP4 192.0.2.7 198.51.100.1 56324 1883\r\n"), "192.0.2.7 56324"],
  ["TCP6", line("PROXY TCP6 2001:DB8::7 2001:db8::1 1 65535\r\n"), "2001:db8::7 1"],
  ["UNKNOWN", line("PROXY UNKNOWN\r\n"), undefined],
  ["UNKNOWN with more", line("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), undefined],
  ["the longest line", line(`PROXY UNKNOWN ${"f".repeat(91)}\r\n`), undefined],
  ["version 2, IPv4", hex(`${SIGNATURE} 21 11 00 0c c0 00 02 07 c6 33 64 01 dc 04 07 5b`), "192.0.2.7 56324"],
  [
    "version 2, IPv6",
    hex(`${SIGNATURE} 21 21 00 24 20 01 0d b8 ${"00 ".repeat(11)} 07 ${"00 ".repeat(16)} 00 01 07 5b`),
    "2001:db8::7 1",
  ],
  [
    "version 2, IPv4 within IPv6",
    hex(`${SIGNATURE} 21 21 00 24 ${"00 ".repeat(10)} ff ff c0 00 02 07 ${"00 ".repeat(16)} 00 01 07 5b`),
    "192.0.2.7 1",
  ],
  [
    "version 2 with additions",
    hex(`${SIGNATURE} 21 11 00 11 c0 00 02 07 c6 33 64 01 dc 04 07 5b 01 00 02 68 32`),
    "192.0.2.7 56324",
  ],
  ["version 2, for itself", hex(`${SIGNATURE} 20 00 00 00`), undefined],
  ["version 2, for itself with addresses", hex(`${SIGNATURE} 20 11 00 0c ${"01 ".repeat(12)}`), undefined],
];

for (const [what, header, source] of right) {
  Deno.test(`PROXY header: ${what}, and at each byte before its end it is not whole`, () => {
    const behind = Uint8Array.from([...header, 0x10, 0x0d]);
    const parsed = parseProxyHeader(behind);
    assertEquals(parsed?.length, header.length);
    assertEquals(parsed?.source && `${parsed.source.address} ${parsed.source.port}`, source);
    for (let end = 0; end < header.length; end++) {
      assertEquals(parseProxyHeader(header.subarray(0, end)), undefined);
    }
  });
}

const wrong: readonly (readonly [what: string, header: Uint8Array])[] = [
  ["MQTT", hex("10 0d 00 04 'MQTT' 04 02 00 00 00 01 'x'")],
  ["TLS", hex("16 03 01 02 00 01 00")],
  ["another word", line("PROXIED TCP4 1.2.3.4 1.2.3.4 1 2\r\n")],
  ["small letters", line("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n")],
  ["no carriage return", line("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n")],
  ["no address", line("PROXY TCP4\r\n")],
  ["a name", line("PROXY TCP4 localhost 1.2.3.4 1 2\r\n")],
  ["an address of the other version", line("PROXY TCP4 ::1 ::1 1 2\r\n")],
  ["a port too high", line("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n")],
  ["a port with a zero before", line("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n")],
  ["two spaces", line("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n")],
  ["UDP", line("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n")],
  ["a line too long", line(`PROXY UNKNOWN ${"f".repeat(92)}\r\n`)],
  ["a line without end", line(`PROXY UNKNOWN ${"f".repeat(93)}`)],
  ["version 1 in binary", hex(`${SIGNATURE} 11 11 00 0c ${"01 ".repeat(12)}`)],
  ["another command", hex(`${SIGNATURE} 22 11 00 0c ${"01 ".repeat(12)}`)],
  ["UDP in binary", hex(`${SIGNATURE} 21 12 00 0c ${"01 ".repeat(12)}`)],
  ["a Unix socket", hex(`${SIGNATURE} 21 31 00 d8 ${"01 ".repeat(216)}`)],
  ["no family", hex(`${SIGNATURE} 21 00 00 00`)],
  ["addresses that end early", hex(`${SIGNATURE} 21 11 00 0b ${"01 ".repeat(11)}`)],
  ["a header beyond the bound", hex(`${SIGNATURE} 21 11 03 f1`)],
];

for (const [what, header] of wrong) {
  Deno.test(`PROXY header: ${what} is refused`, () => {
    const error = assertThrows(() => parseProxyHeader(header), LinkError);
    assertEquals(error.fault, "proxy-header-refused");
  });
}

Deno.test("PROXY header: of 1024 bytes is taken, as long as its addresses are there", () => {
  const bytes = new Uint8Array(1024);
  bytes.set(hex(`${SIGNATURE} 21 11 03 f0`));
  assertEquals(parseProxyHeader(bytes)?.length, 1024);
});

Deno.test("PROXY header: whatever comes, it is one, or not yet one, or a LinkError", () => {
  for (let seed = 1; seed <= 5_000; seed++) {
    const random = new Random(seed);
    const bytes = right[random.below(right.length)]![1].slice();
    for (let count = random.below(4); count >= 0; count--) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    try {
      const header = parseProxyHeader(bytes.subarray(0, random.below(bytes.length + 1)));
      assert(!header || header.length <= bytes.length);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
    }
  }
});

async function openProxied(trusted: readonly string[], bytes: Uint8Array): Promise<[near: Link, far: Link]> {
  const listener = new ProxyListener(new TcpListener(HOST, 0), new AddressSet(trusted));
  const accepting = listener.accept();
  const near = await connectTcp(HOST, listener.port);
  await near.write(bytes);
  const far = await accepting;
  listener.close();
  return [near, far!];
}

Deno.test("a link is the client's that the proxy names, and what follows the header is whole", async () => {
  for (const [what, header, source] of right) {
    const [near, far] = await openProxied(["127.0.0.0/8"], Uint8Array.from([...header, 1, 2, 3]));
    assertEquals(far.address, undefined, "The proxy's address must not count");
    await within(far.open!(), () => what);
    const [address, port] = source?.split(" ") ?? [];
    assertEquals(far.address, address ?? HOST);
    if (address) {
      assertEquals(far.peer, address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`);
    }
    const buffer = new Uint8Array(10);
    assertEquals([...buffer.subarray(0, await far.read(buffer) ?? 0)], [1, 2, 3]);
    near.close();
    far.close();
  }
});

// EMQX's checklist: whoever may say where it comes from may say that it comes from inside.
Deno.test("a header of a peer that is no proxy is refused, and so is a proxy without one", async () => {
  const header = right[0]![1];
  const cases: [trusted: string[], bytes: Uint8Array][] = [
    [["10.0.0.0/8"], header],
    [["127.0.0.1"], hex("10 0d 00 04 'MQTT' 04 02 00 00 00 01 'x'")],
  ];
  for (const [trusted, bytes] of cases) {
    const [near, far] = await openProxied(trusted, bytes);
    const error = await assertRejects(() => within(far.open!(), () => "it goes on"), LinkError);
    assertEquals(error.fault, "proxy-header-refused");
    near.close();
    far.close();
  }
});

Deno.test("a peer without an address is no proxy, and an end within the header is none", async () => {
  const inner = new MemoryListener();
  const listener = new ProxyListener(inner, new AddressSet(["0.0.0.0/0"]));
  inner.connect();
  const far = await listener.accept();
  await assertRejects(() => far!.open!(), LinkError, "as a proxy");
  const [near, cut] = await openProxied(["127.0.0.1"], right[0]![1].subarray(0, 20));
  near.close();
  await assertRejects(() => within(cut.open!(), () => "it goes on"), LinkError, "ended after 20 bytes");
  cut.close();
});
