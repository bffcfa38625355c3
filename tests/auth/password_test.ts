import { assertEquals } from "@std/assert";
import { CheckGate } from "../../broker/auth/check_gate.ts";
import { anonymous, nameless } from "../../broker/auth/anonymous.ts";
import { Door } from "../../broker/auth/door.ts";
import { UserTable } from "../../broker/auth/user_table.ts";
import type { Verifier } from "../../broker/auth/verifier.ts";
import { credentialsOf, testAuthenticator } from "../contract/authenticator_contract.ts";
import { passwordAuthenticator, TestAuthTools } from "../support/auth_tools.ts";
import { eventually } from "../support/eventually.ts";
import { usersOf } from "../support/users.ts";

testAuthenticator({
  name: "anonymous",
  create: () => anonymous,
  known: [[{}, "anonymous"], [credentialsOf("ana", "x"), "anonymous"]],
  refused: [],
  foreign: [],
});

testAuthenticator({
  name: "nameless, beside others",
  create: () => nameless,
  known: [[{}, "anonymous"]],
  refused: [],
  // What is shown and nobody knows is never taken for nothing.
  foreign: [credentialsOf("ana", "x"), credentialsOf("", ""), credentialsOf(undefined, "x"), { token: "x" }],
});

testAuthenticator({
  name: "password",
  create: async () => passwordAuthenticator(await usersOf({ ana: "é✓", bob: "2" })),
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
  foreign: [{}, { token: "x" }],
});

testAuthenticator({
  name: "password, before another method that knows passwords",
  create: async () => passwordAuthenticator(await usersOf({ ana: "1" }), { hasNext: () => true }),
  known: [[credentialsOf("ana", "1"), "ana"]],
  refused: [credentialsOf("ana", "2"), credentialsOf("ana", ""), credentialsOf("ana")],
  foreign: [{}, credentialsOf("bob", "1"), credentialsOf(undefined, "1"), credentialsOf("", "")],
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
  const authenticator = passwordAuthenticator(await usersOf({ ana: "1" }), { checks: gate });
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

/** Takes until the test says so, and finds every password right. */
class SlowVerifier implements Verifier {
  readonly #end: Promise<void>;
  readonly #started: () => void;

  constructor(end: Promise<void>, started: () => void) {
    this.#end = end;
    this.#started = started;
  }

  async verifies(): Promise<boolean> {
    this.#started();
    await this.#end;
    return true;
  }

  decoy(): Promise<Verifier> {
    return Promise.resolve(this);
  }
}

const CHECKS = [[1, 1, 0, 0], [2, 2, 0, 0], [3, 2, 1, 0], [4, 2, 2, 0], [5, 2, 2, 1]] as const;

for (const [count, checked, waiting, refused] of CHECKS) {
  Deno.test(`passwordChecksMax 2, passwordChecksWaitingMax 2: of ${count} passwords at once ${checked} are checked, ${waiting} wait, ${refused} are refused`, async () => {
    const end = Promise.withResolvers<void>();
    let startedCount = 0;
    const names = Array.from({ length: count }, (_, index) => `user-${index}`);
    const users = new UserTable(
      new Map(names.map((name) => [name, new SlowVerifier(end.promise, () => startedCount++)])),
    );
    const tools = new TestAuthTools({ passwordChecksMax: 2, passwordChecksWaitingMax: 2 });
    const door = new Door({ users }, tools);
    const outcomes = names.map(async (name) => {
      const grant = await door.authenticate({ ...credentialsOf(undefined), ...credentialsOf(name, "x") });
      return grant.granted || grant.reason;
    });
    const { authenticationsRefused, limitsMet } = tools.counters;
    await eventually(() => {
      assertEquals([startedCount, authenticationsRefused.busy], [checked, refused]);
      assertEquals([limitsMet.passwordChecksMax, limitsMet.passwordChecksWaitingMax], [waiting, refused]);
    });
    end.resolve();
    const found = await Promise.all(outcomes);
    assertEquals(found.filter((outcome) => outcome === true).length, checked + waiting);
    assertEquals(found.filter((outcome) => outcome === "busy").length, refused);
  });
}
