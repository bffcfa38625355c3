import { assertEquals } from "@std/assert";
import { CertificateAuthenticator } from "../../broker/auth/certificate.ts";
import { AuthenticatorChain } from "../../broker/auth/chain.ts";
import { GrantedIdentity } from "../../broker/auth/granted_identity.ts";
import { HookAuthenticator } from "../../broker/auth/hook.ts";
import { keptOf } from "../../broker/core/identity.ts";
import { passwordAuthenticator, TestAuthTools } from "../support/auth_tools.ts";
import { usersOf } from "../support/users.ts";

async function start() {
  const tools = new TestAuthTools();
  const users = await usersOf({ ana: "1" });
  const hook = new HookAuthenticator({
    ...tools,
    url: "http://127.0.0.1:1/",
    counters: tools.counters,
  });
  const chain = new AuthenticatorChain([
    new CertificateAuthenticator("cn"),
    passwordAuthenticator(users),
    hook,
  ]);
  return { chain, users, clock: tools.clock };
}

const RIGHTS = { publish: ["a/#"], subscribe: [], read: [] };

// Rights after a start must not be wider than before it.
Deno.test("whoever comes back from the store has what they had, and is no other method's user of the name", async () => {
  const { chain, users, clock } = await start();
  const now = () => clock.now();
  const narrow = new GrantedIdentity({ name: "ana", method: "hook", groups: ["g"], rights: RIGHTS }, now);
  const back = chain.recall(keptOf(narrow));
  assertEquals([back.name, back.groups], ["ana", ["g"]]);
  assertEquals([back.can("publish", "a/b"), back.can("publish", "b"), back.can("receive", "a/b")], [
    true,
    false,
    false,
  ]);
  assertEquals(keptOf(back), keptOf(narrow));
  const ana = users.find("ana")!.identity;
  assertEquals(chain.recall(keptOf(ana)), ana);
});

Deno.test("whoever comes back from the store has it no longer than their token", async () => {
  const { chain, clock } = await start();
  const expiresAt = clock.now() + 60_000;
  const back = chain.recall(
    keptOf(new GrantedIdentity({ name: "ana", method: "hook", expiresAt }, () => clock.now())),
  );
  assertEquals([back.can("publish", "a"), back.ended?.(clock.now())], [true, undefined]);
  clock.advance(65_000);
  assertEquals([back.can("publish", "a"), back.ended?.(clock.now())], [false, "token-expired"]);
  // Messages wait for whoever comes with a new one; whether they may have them is asked again then.
  assertEquals(back.can("receive", "a"), true);
});

Deno.test("of a method that is not offered any more, or a name that is gone, there is nobody who may do anything", async () => {
  const { chain, users } = await start();
  const token = new GrantedIdentity({ name: "ana", method: "jwt" }, () => 0);
  users.replace(new Map());
  for (
    const kept of [keptOf(token), "jwt:ana", 'jwt:{"name":"ana"}', "password-file:ana", "ana", "hook:{", ""]
  ) {
    const back = chain.recall(kept);
    for (const action of ["publish", "subscribe", "receive"] as const) {
      assertEquals(back.can(action, "a"), false, kept);
    }
    assertEquals(keptOf(back), kept);
  }
  assertEquals(chain.recall('jwt:{"name":"ana"}').name, "ana");
  assertEquals(chain.recall("password-file:ana").name, "ana");
});

Deno.test("a name that looks like what the store keeps comes back as itself", async () => {
  const { chain } = await start();
  for (const name of ["{", '{"name":"admin"}', "hook:x", "a:b", "certificate:x"]) {
    const back = chain.recall(keptOf(new GrantedIdentity({ name, method: "certificate" }, () => 0)));
    assertEquals([back.name, back.can("publish", "a")], [name, true]);
  }
});
