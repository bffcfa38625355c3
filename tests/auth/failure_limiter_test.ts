import { assertEquals } from "@std/assert";
import { Door } from "../../broker/auth/door.ts";
import { addressOf, FailureLimiter } from "../../broker/auth/failure_limiter.ts";
import { TestAuthTools } from "../support/auth_tools.ts";

const LIMITS = { authFailuresMax: 3, authFailureSeconds: 60, authFailurePeersMax: 2 };

function start() {
  let now = 1_000_000;
  const limiter = new FailureLimiter(LIMITS, () => now);
  return { limiter, pass: (seconds: number) => now += seconds * 1000 };
}

Deno.test("authFailuresMax 3, authFailureSeconds 60: so many block an address until the first is so long ago", () => {
  const { limiter, pass } = start();
  for (const port of [1, 2]) limiter.failed(`192.0.2.1:${port}`);
  assertEquals(limiter.blockedSeconds("192.0.2.1:3"), 0);
  pass(10);
  limiter.failed("192.0.2.1:3");
  assertEquals(limiter.blockedSeconds("192.0.2.1:4"), 50);
  assertEquals(limiter.blockedSeconds("192.0.2.2:4"), 0);
  pass(49.5);
  assertEquals(limiter.blockedSeconds("192.0.2.1:4"), 1);
  pass(0.5);
  assertEquals(limiter.blockedSeconds("192.0.2.1:4"), 0);
});

Deno.test("authFailurePeersMax 2: so many addresses are counted; one more, and the oldest is forgotten", () => {
  const { limiter } = start();
  const fail = (peer: string) => [1, 2, 3].forEach(() => limiter.failed(peer));
  fail("192.0.2.1:1");
  fail("192.0.2.2:1");
  assertEquals([1, 2].map((last) => limiter.blockedSeconds(`192.0.2.${last}:1`) > 0), [true, true]);
  limiter.failed("192.0.2.3:1");
  assertEquals([1, 2].map((last) => limiter.blockedSeconds(`192.0.2.${last}:1`) > 0), [false, true]);
});

Deno.test("authFailurePeersMax 2: an address that is forgotten before its time is counted", () => {
  const tools = new TestAuthTools({ authFailurePeersMax: 2, authFailureSeconds: 60 });
  const door = new Door({}, tools);
  const fail = (last: number) => {
    door.refused(`192.0.2.${last}:1`, "bad-credentials");
    return tools.counters.limitsMet.authFailurePeersMax;
  };
  assertEquals([1, 2, 1, 2, 3].map(fail), [0, 0, 0, 0, 1]);
  tools.clock.advance(60_000);
  assertEquals(fail(4), 1);
});

Deno.test("an address has no port, and of IPv6 only what a customer has to themselves", () => {
  const addresses = {
    "192.0.2.1:1234": "192.0.2.1",
    "[2001:db8::1]:1234": "2001:db8::/64",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
    "2001:db8::1": "2001:db8::/64",
    "[::ffff:192.0.2.1]:1234": "192.0.2.1",
    "192.0.2.1": "192.0.2.1",
    "local": "local",
  };
  for (const [peer, address] of Object.entries(addresses)) assertEquals(addressOf(peer), address);
});
