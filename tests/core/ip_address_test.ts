import { assertEquals } from "@std/assert";
import {
  addressOwner,
  AddressSet,
  formatAddress,
  isNetwork,
  parseAddress,
} from "../../broker/core/ip_address.ts";

Deno.test("an address that is parsed and written again is the same, in its usual form", () => {
  const cases: [text: string, written: string][] = [
    ["127.0.0.1", "127.0.0.1"],
    ["255.255.255.255", "255.255.255.255"],
    ["::", "::"],
    ["::1", "::1"],
    ["2001:DB8::1", "2001:db8::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["fe80::1%eth0", "fe80::1"],
    ["fe80::", "fe80::"],
    ["10:0:0:10::", "10:0:0:10::"],
    ["::ffff:10.1.2.3", "10.1.2.3"],
    ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
  ];
  for (const [text, written] of cases) assertEquals(formatAddress(parseAddress(text)!), written, text);
});

Deno.test("what is no address is none", () => {
  const texts = [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.x",
    " 1.2.3.4",
    "localhost",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "12345::",
    "g::",
    "1.2.3.4::",
    "::1.2.3",
  ];
  for (const text of texts) assertEquals(parseAddress(text), undefined, text);
});

Deno.test("a set has the addresses of its networks and no others", () => {
  const set = new AddressSet(["10.0.0.0/8", "192.168.1.7", "2001:db8::/33", "::1"]);
  const inside = ["10.0.0.0", "10.255.1.2", "::ffff:10.1.1.1", "192.168.1.7", "2001:db8:7fff::1", "::1"];
  const outside = ["11.0.0.0", "9.255.255.255", "192.168.1.6", "2001:db8:8000::1", "::2", "", "x", "a00::"];
  assertEquals(inside.filter((address) => !set.has(address)), []);
  assertEquals(outside.filter((address) => set.has(address)), []);
  assertEquals(new AddressSet(["0.0.0.0/0"]).has("203.0.113.9"), true);
  assertEquals([new AddressSet([]).isEmpty, new AddressSet([]).has("127.0.0.1")], [true, false]);
});

Deno.test("a network has no bits behind its length", () => {
  const right = ["10.0.0.0/8", "10.1.2.3", "10.1.2.3/32", "0.0.0.0/0", "::/0", "2001:db8::/32"];
  const wrong = ["10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/a", "host/8", ""];
  assertEquals(right.filter((text) => !isNetwork(text)), []);
  assertEquals(wrong.filter(isNetwork), []);
});

Deno.test("an IPv4 address has itself as owner, an IPv6 address its network", () => {
  assertEquals(addressOwner("10.1.2.3"), "10.1.2.3");
  assertEquals(addressOwner("::ffff:10.1.2.3"), "10.1.2.3");
  assertEquals(addressOwner("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assertEquals(addressOwner("2001:db8:1:2::9"), "2001:db8:1:2::/64");
  assertEquals(addressOwner("memory"), "memory");
});
