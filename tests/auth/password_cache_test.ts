import { assertEquals, assertNotEquals } from "@std/assert";
import { CheckGate } from "../../broker/auth/check_gate.ts";
import { Door } from "../../broker/auth/door.ts";
import { TimedCache } from "../../broker/auth/timed_cache.ts";
import type { UserTable } from "../../broker/auth/user_table.ts";
import { DEFAULT_LIMITS } from "../../broker/core/limits.ts";
import { credentialsOf } from "../contract/authenticator_contract.ts";
import { passwordAuthenticator, TestAuthTools } from "../support/auth_tools.ts";
import { usersOf, verifierOf } from "../support/users.ts";

/** A gate that counts. */
class CountingGate extends CheckGate {
  checkCount = 0;

  constructor() {
    super({ runningMax: 8, waitingMax: 8 });
  }

  override run<Result>(check: () => Promise<Result>): Promise<Result | "full"> {
    this.checkCount++;
    return super.run(check);
  }
}

function start(users: UserTable) {
  const checks = new CountingGate();
  let now = 0;
  let rememberedCount = 0;
  const authenticator = passwordAuthenticator(users, {
    checks,
    now: () => now,
    onRemembered: () => rememberedCount++,
    limits: { ...DEFAULT_LIMITS, passwordCacheSeconds: 60, passwordCacheMax: 2 },
  });
  const login = async (user: string, password: string) =>
    (await authenticator.authenticate(credentialsOf(user, password)))?.granted;
  return {
    authenticator,
    login,
    pass: (seconds: number) => now += seconds * 1000,
    counts: () => [checks.checkCount, rememberedCount],
  };
}

Deno.test("passwordCacheSeconds 60: a password that was right is not checked again for so long, and one that was wrong always", async () => {
  const { login, pass, counts } = start(await usersOf({ ana: "1", bob: "2" }));
  assertEquals([await login("ana", "1"), await login("ana", "1")], [true, true]);
  assertEquals(counts(), [1, 1]);
  assertEquals([await login("ana", "2"), await login("ana", "2"), await login("bob", "1")], [
    false,
    false,
    false,
  ]);
  assertEquals(counts(), [4, 1]);
  pass(59.9);
  assertEquals([await login("ana", "1"), ...counts()], [true, 4, 2]);
  pass(0.1);
  assertEquals([await login("ana", "1"), ...counts()], [true, 5, 2]);
});

Deno.test("what is remembered counts no more when the user has another password, or none of it is remembered", async () => {
  const users = await usersOf({ ana: "1", bob: "2" });
  const { authenticator, login, counts } = start(users);
  assertEquals([await login("ana", "1"), await login("bob", "2")], [true, true]);
  users.replace(new Map([["ana", await verifierOf("new")], ["bob", await verifierOf("2")]]));
  assertEquals([await login("ana", "1"), await login("ana", "new"), await login("bob", "2")], [
    false,
    true,
    true,
  ]);
  assertEquals(counts(), [4, 1]);
  authenticator.forget();
  assertEquals([await login("bob", "2"), ...counts()], [true, 5, 1]);
});

Deno.test("a password that changes while it is checked is not right any more", async () => {
  const users = await usersOf({ ana: "1" });
  const { login } = start(users);
  const changed = new Map([["ana", await verifierOf("2")]]);
  const running = login("ana", "1");
  users.replace(changed);
  assertEquals(await running, false);
});

Deno.test("a cache holds so many answers, each for its time, and no two questions have one key", () => {
  let now = 0;
  const cache = new TimedCache<number>(2, () => now);
  const [one, two, three] = ["1", "2", "3"].map((part) => cache.keyOf([part]));
  cache.set(one!, 1, 10);
  cache.set(two!, 2, 10);
  cache.set(one!, 11, 10); // It is the newest now.
  cache.set(three!, 3, 10);
  assertEquals([one, two, three].map((key) => cache.get(key!)), [11, undefined, 3]);
  assertEquals(cache.size, 2);
  now = 10_000;
  assertEquals([one, three].map((key) => cache.get(key!)), [undefined, undefined]);
  assertEquals(cache.size, 0);
  const keys = [["ab", "c"], ["a", "bc"], ["abc", ""], ["abc", undefined], ["abc"], ["1:a"], ["a"]];
  assertEquals(new Set(keys.map((parts) => cache.keyOf(parts))).size, keys.length);
  assertNotEquals(new TimedCache<number>(2, () => now).keyOf(["1"]), one);
});

Deno.test("passwordCacheMax 2: a third password takes the place of the oldest", async () => {
  const { login, counts } = start(await usersOf({ ana: "1", bob: "2", eve: "3" }));
  const [ana, bob, eve] = [["ana", "1"], ["bob", "2"], ["eve", "3"]] as const;
  for (const [user, password] of [ana, ana, bob, ana, bob]) assertEquals(await login(user, password), true);
  assertEquals(counts(), [2, 3]);
  await login(...eve);
  await login(...bob);
  assertEquals(counts(), [3, 4]);
  await login(...ana);
  assertEquals(counts(), [4, 4]);
});

Deno.test("passwordCacheMax 2: a password that went before its time is counted, and one whose time was over is not", async () => {
  const tools = new TestAuthTools({ passwordCacheMax: 2, passwordCacheSeconds: 60 });
  const door = new Door({ users: await usersOf({ ana: "1", bob: "2", eve: "3" }) }, tools);
  const logIn = async (...users: [name: string, password: string][]) => {
    for (const user of users) {
      await door.authenticate({ ...credentialsOf(undefined), ...credentialsOf(...user) });
    }
    return [tools.counters.limitsMet.passwordCacheMax, tools.counters.authentication.passwordCacheHits];
  };
  assertEquals(await logIn(["ana", "1"], ["bob", "2"], ["ana", "1"]), [0, 1]);
  assertEquals(await logIn(["eve", "3"]), [1, 1]);
  tools.clock.advance(60_000);
  assertEquals(await logIn(["ana", "1"]), [1, 1]);
});
