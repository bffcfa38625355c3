import { assertEquals } from "@std/assert";
import { CheckGate } from "../../broker/auth/check_gate.ts";
import { anonymous } from "../../broker/auth/anonymous.ts";
import { PasswordAuthenticator } from "../../broker/auth/password.ts";
import { credentialsOf, testAuthenticator } from "../contract/authenticator_contract.ts";
import { usersOf } from "../support/users.ts";

const OPEN_GATE = { runningMax: 4, waitingMax: 4 };

testAuthenticator({
  name: "anonymous",
  create: () => anonymous,
  known: [[{}, "anonymous"], [credentialsOf("ana", "x"), "anonymous"]],
  refused: [],
  foreign: [],
});

testAuthenticator({
  name: "password",
  create: async () =>
    new PasswordAuthenticator(await usersOf({ ana: "é✓", bob: "2" }), new CheckGate(OPEN_GATE)),
  known: [
    [credentialsOf("ana", "é✓"), "ana"],
    [credentialsOf("ana", "e\u0301✓"), "ana"],
    [credentialsOf("a\u00adna", "é✓"), "ana"],
    [credentialsOf("bob", "2"), "bob"],
  ],
  // NanoMQ CVE-2026-32696: what is missing was no less than right.
  refused: [
    credentialsOf("ana", "2"),
    credentialsOf("ana", ""),
    credentialsOf("ana"),
    credentialsOf("ANA", "é✓"),
    credentialsOf("", "é✓"),
    credentialsOf("", ""),
    credentialsOf(undefined, "é✓"),
    credentialsOf("nobody", "2"),
    credentialsOf("\u0007", "2"),
    { username: "bob", password: Uint8Array.of(0xff) },
    credentialsOf("__proto__", "2"),
  ],
  foreign: [{}],
});

Deno.test("a gate lets so many in, has so many wait in their order, and turns one more away", async () => {
  const gate = new CheckGate({ runningMax: 2, waitingMax: 2 });
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const check = (number: number) =>
    gate.run(() => {
      started.push(number);
      return new Promise<number>((resolve) => ends.push(() => resolve(number)));
    });
  const checks = [1, 2, 3, 4].map(check);
  assertEquals(await check(5), "full");
  assertEquals(started, [1, 2]);
  ends[1]!();
  assertEquals(await checks[1], 2);
  await Promise.resolve();
  assertEquals(started, [1, 2, 3]);
  const sixth = check(6); // There is room to wait again.
  for (const index of [0, 2, 3, 4]) {
    while (!ends[index]) await Promise.resolve();
    ends[index]!();
  }
  assertEquals(await Promise.all([...checks, sixth]), [1, 2, 3, 4, 6]);
});

Deno.test("a check that fails gives its place on", async () => {
  const gate = new CheckGate({ runningMax: 1, waitingMax: 1 });
  const failing = gate.run(() => Promise.reject(new Error("defect"))).catch(() => "failed");
  const waiting = gate.run(() => Promise.resolve("done"));
  assertEquals([await failing, await waiting], ["failed", "done"]);
  assertEquals(await gate.run(() => Promise.resolve("later")), "later");
});

Deno.test("who comes while too many are checked is told that the broker is busy", async () => {
  const gate = new CheckGate({ runningMax: 1, waitingMax: 1 });
  const authenticator = new PasswordAuthenticator(await usersOf({ ana: "1" }), gate);
  const held = Promise.withResolvers<void>();
  const checks = [1, 2].map(() => gate.run(() => held.promise));
  for (const user of ["ana", "nobody"]) {
    assertEquals(await authenticator.authenticate(credentialsOf(user, "1")), {
      granted: false,
      reason: "busy",
    });
  }
  held.resolve();
  await Promise.all(checks);
  assertEquals((await authenticator.authenticate(credentialsOf("ana", "1")))?.granted, true);
});

Deno.test("who had a session before a start is known by the name alone, as long as there is such a user", async () => {
  const authenticator = new PasswordAuthenticator(await usersOf({ ana: "1" }), new CheckGate(OPEN_GATE));
  const grant = await authenticator.authenticate(credentialsOf("ana", "1"));
  assertEquals(grant?.granted && authenticator.recall("ana") === grant.identity, true);
  assertEquals(authenticator.recall("bob"), undefined);
});
