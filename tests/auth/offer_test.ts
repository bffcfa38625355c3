import { assertEquals } from "@std/assert";
import type { Authenticator, Credentials, EnhancedAuthenticator } from "../../broker/auth/authenticator.ts";
import { Door, type DoorOptions } from "../../broker/auth/door.ts";
import { TestAuthTools } from "../support/auth_tools.ts";
import { HookServer } from "../support/hook_server.ts";
import { sign, tokensOf } from "../support/tokens.ts";
import { usersOf } from "../support/users.ts";

const encoder = new TextEncoder();
const CERTIFICATE = { subject: "carla", names: [], fingerprint: "0", isGone: false };

async function open(options: DoorOptions = {}) {
  const tools = new TestAuthTools({ authFailuresMax: 3 });
  const users = await usersOf({ ana: "1" });
  const door = new Door({ certificate: "cn", tokens: tokensOf(), users, ...options }, tools);
  const ask = async (words: readonly string[] | undefined, shown: Partial<Credentials>) => {
    const grant = await door.authenticate({
      ...{ username: undefined, password: undefined, clientId: "c", peer: "192.0.2.1:5" },
      ...shown,
      ...(words && { offer: new Set(words) }),
    });
    return grant.granted ? grant.identity.name : grant.reason;
  };
  return { door, tools, ask };
}

function shown(username: string, password: string): Partial<Credentials> {
  return { username, password: encoder.encode(password) };
}

Deno.test("what is not offered is not looked at: a right password is worth what a wrong one is, and costs nothing", async () => {
  const { tools, ask } = await open();
  for (let count = 0; count < 5; count++) {
    assertEquals(await ask(["certificate"], shown("ana", "1")), "not-authorized");
    assertEquals(await ask(["certificate"], shown("ana", "2")), "not-authorized");
  }
  // Nobody could learn anything there, so it is no guess.
  assertEquals(tools.counters.authenticationsRefused["bad-credentials"], 0);
  assertEquals(await ask(["password-file"], shown("ana", "1")), "ana");
  assertEquals(await ask(undefined, shown("ana", "1")), "ana");
});

Deno.test("each method counts where it is offered, and there only", async () => {
  const { ask } = await open({ allowAnonymous: true });
  const ways = {
    "anonymous": [{}, "anonymous"],
    "certificate": [{ certificate: CERTIFICATE, ...shown("x", "y") }, "carla"],
    "jwt": [shown("x", await sign({ sub: "tina" })), "tina"],
    "password-file": [shown("ana", "1"), "ana"],
  } as const;
  const words = Object.keys(ways);
  for (const [word, [credentials, name]] of Object.entries(ways)) {
    assertEquals(await ask([word], credentials), name, word);
    assertEquals(await ask(words, credentials), name, word);
    const others = words.filter((each) => each !== word && each !== "password-file");
    assertEquals(await ask(others, credentials), "not-authorized", word);
    assertEquals(await ask([], credentials), "not-authorized", word);
  }
});

Deno.test("a certificate that is not looked at neither lets in nor keeps out", async () => {
  const { ask } = await open({ allowAnonymous: true });
  const certificate = CERTIFICATE;
  assertEquals(await ask(["jwt"], { certificate }), "not-authorized");
  assertEquals(await ask(["password-file"], { certificate, ...shown("ana", "1") }), "ana");
  assertEquals(await ask(["anonymous"], { certificate }), "anonymous");
});

// An unknown name that were passed on to nobody would be answered sooner, and otherwise, than a wrong password.
// Mosquitto does the same with use_identity_as_username.
Deno.test("beside a certificate a password is not looked at, right or wrong, unless passwords are asked first", async () => {
  const certificate = CERTIFICATE;
  const shows: [Partial<Credentials>, byDefault: string, passwordFirst: string][] = [
    [{ certificate }, "carla", "carla"],
    [{ certificate, ...shown("ana", "1") }, "carla", "ana"],
    [{ certificate, ...shown("ana", "2") }, "carla", "bad-credentials"],
    [{ certificate, ...shown("zoe", "1") }, "carla", "bad-credentials"],
    [{ certificate, username: "ana" }, "carla", "bad-credentials"],
    [shown("ana", "2"), "bad-credentials", "bad-credentials"],
  ];
  for (const [each, byDefault, passwordFirst] of shows) {
    const orders = [undefined, ["password-file", "jwt", "certificate"] as const];
    const [first, second] = await Promise.all(orders.map((methods) => open(methods && { methods })));
    assertEquals([await first!.ask(undefined, each), await second!.ask(undefined, each)], [
      byDefault,
      passwordFirst,
    ]);
    assertEquals(first!.tools.counters.authenticationsRefused["bad-credentials"], each.certificate ? 0 : 1);
  }
});

Deno.test("a name that the file does not know is a guess, unless the hook is asked there", async () => {
  await using hook = new HookServer();
  const { ask, tools } = await open({ hookUrl: hook.url });
  assertEquals(await ask(["password-file"], shown("bob", "1")), "bad-credentials");
  assertEquals(hook.questions.length, 0);
  hook.answer = () => ({ result: "ignore" });
  assertEquals(await ask(["password-file", "hook"], shown("bob", "1")), "not-authorized");
  assertEquals([hook.questions.length, tools.counters.authenticationsRefused["bad-credentials"]], [1, 1]);
});

Deno.test("whoever guesses at one listener is kept out of them all", async () => {
  const { ask } = await open();
  for (let count = 0; count < 3; count++) {
    assertEquals(await ask(["password-file"], shown("ana", "2")), "bad-credentials");
  }
  assertEquals(await ask(["jwt"], shown("x", await sign({ sub: "tina" }))), "too-many-failures");
  assertEquals(await ask(undefined, shown("ana", "1")), "too-many-failures");
});

Deno.test("SCRAM is offered by its own word, and HTTP asks for what can be right there", async () => {
  const { door } = await open();
  const scram = (words?: readonly string[]) =>
    door.enhancedAuthenticator("SCRAM-SHA-256", words && new Set(words))?.name;
  assertEquals([scram(), scram(["scram"]), scram(["password-file"]), scram([])], [
    "scram",
    "scram",
    undefined,
    undefined,
  ]);
  const takes = (words?: readonly string[]) => {
    const offer = words && new Set(words);
    return [door.takesPasswords(offer), door.takesTokens(offer)];
  };
  assertEquals(takes(), [true, true]);
  assertEquals(takes(["jwt"]), [false, true]);
  assertEquals(takes(["password-file", "anonymous"]), [true, false]);
  assertEquals(takes(["hook"]), [false, false], "There is none");
  assertEquals(takes(["scram", "certificate"]), [false, false]);
});

Deno.test("a method of another program's is offered by its name only", async () => {
  const authenticator: Authenticator = {
    name: "ldap",
    authenticate: () => ({ granted: true, identity: { name: "lea", can: () => true } }),
  };
  const enhanced: EnhancedAuthenticator = {
    method: "KERBEROS",
    begin: () => ({ next: () => ({ step: "refused", reason: "busy" }) }),
  };
  const { door, ask } = await open({ authenticators: [authenticator], enhancedAuthenticators: [enhanced] });
  assertEquals([await ask(undefined, {}), await ask(["ldap"], {}), await ask(["jwt"], {})], [
    "lea",
    "lea",
    "not-authorized",
  ]);
  assertEquals(door.enhancedAuthenticator("KERBEROS", undefined), enhanced);
  assertEquals(door.enhancedAuthenticator("KERBEROS", new Set(["scram"])), undefined);
});
