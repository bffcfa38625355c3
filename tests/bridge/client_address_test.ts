import { assertEquals } from "@std/assert";
import { ClientReader } from "../../bridge/client_address.ts";

const PROXIES = ["10.0.0.0/8", "127.0.0.1"];

function read(
  forwarded: Record<string, string>,
  { from = "10.0.0.1", trusted = PROXIES, isSecure = false } = {},
) {
  const remoteAddr = { transport: "tcp", hostname: from, port: 7 } as const;
  return new ClientReader(trusted).read(new Headers(forwarded), { remoteAddr, isSecure });
}

Deno.test("whom a trusted proxy speaks for is the client", () => {
  const cases: [list: string, address: string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["192.0.2.1, 10.0.0.2", "192.0.2.1"],
    // What stands before the last address that is not a proxy's is what that one said of itself.
    ["127.0.0.1, 192.0.2.1, 10.0.0.2", "192.0.2.1"],
    ["203.0.113.9,192.0.2.1", "192.0.2.1"],
    ["192.0.2.1:4711", "192.0.2.1"],
    ["[2001:db8::1]:4711", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["10.0.0.2", "10.0.0.2"],
    ["unknown, 10.0.0.2", "10.0.0.2"],
  ];
  for (const [list, address] of cases) {
    assertEquals(read({ "x-forwarded-for": list }), { peer: address, address, isSecure: false }, list);
  }
});

Deno.test("what cannot be read, or is not there, leaves the proxy", () => {
  for (const list of ["", "unknown", "192.0.2.1, ", "192.0.2.1, <script>"]) {
    assertEquals(read({ "x-forwarded-for": list }).peer, "10.0.0.1:7", list);
  }
  assertEquals(read({}).peer, "10.0.0.1:7");
});

// EMQX's checklist: spoofed X-Forwarded-For.
Deno.test("nobody else may say where a request comes from, or that it came by TLS", () => {
  const said = { "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "https" };
  for (const [from, trusted] of [["192.0.2.9", PROXIES], ["127.0.0.1", []]] as const) {
    const { peer, address, isSecure } = read(said, { from, trusted: [...trusted] });
    assertEquals([peer, address, isSecure], [`${from}:7`, from, false]);
  }
});

Deno.test("TLS counts that the last trusted proxy took off, and our own", () => {
  for (
    const [proto, isSecure] of [["https", true], ["HTTPS", true], ["http", false], [
      "https, http",
      false,
    ]] as const
  ) {
    assertEquals(read({ "x-forwarded-proto": proto }).isSecure, isSecure, proto);
  }
  assertEquals(read({}, { from: "192.0.2.9", isSecure: true }).isSecure, true);
});

Deno.test("who comes by no network is local", () => {
  const reader = new ClientReader(PROXIES);
  const { peer, address, isSecure } = reader.read(new Headers(), undefined);
  assertEquals([peer, address, isSecure], ["local", undefined, false]);
  const remoteAddr = { transport: "unix", path: "/run/http" } as const;
  assertEquals(reader.read(new Headers(), { remoteAddr }).peer, "local");
});
