import { assert, assertEquals } from "@std/assert";
import type { Version } from "../../broker/packet/mod.ts";
import { sign, tokensOf } from "../support/tokens.ts";
import type { RawClient } from "../support/raw_client.ts";
import { startBroker, type TestBroker } from "../support/start_broker.ts";
import { usersOf, verifierOf } from "../support/users.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

const SECOND = 1_000;
/** A session that goes on; MQTT 3.1 has no word for that in CONNACK. */
const LONG = { cleanStart: false } as const;

/** A token whose exp is so many seconds ahead. */
async function tokenFor(test: TestBroker, sub: string, seconds: number, claims = {}): Promise<string> {
  return await sign({ sub, exp: test.clock.now() / SECOND + seconds, ...claims });
}

async function connectAs(
  test: TestBroker,
  version: Version,
  options: Parameters<TestBroker["connect"]>[0],
): Promise<RawClient> {
  return await test.connect({ version, ...options });
}

testVersions(
  "the end of its token ends a connection, with 0xA0, and its will is published then",
  async (version) => {
    await using test = startBroker({ tokens: tokensOf(), allowAnonymous: true });
    const watcher = await test.connect();
    await watcher.subscribe(["#", 0]);
    const password = await tokenFor(test, "ana", 60);
    const client = await connectAs(test, version, { username: "x", password, will: { topic: "gone" } });
    test.clock.advance(59 * SECOND);
    await client.publish("a", "still here");
    await watcher.takePublish({ topic: "a", payload: "still here" });
    test.clock.advance(1 * SECOND);
    await client.expectEnded(0xa0);
    await watcher.takePublish({ topic: "gone", payload: "gone" });
    assertEquals(test.broker.counters.closes["token-expired"], 1);
    const late = test.open();
    late.sendConnect({ version, username: "x", password });
    await late.expectRefused(4, 0x86);
  },
);

Deno.test("a will that waits is not published after the token of who left it is over", async () => {
  await using test = startBroker({ tokens: tokensOf(), allowAnonymous: true });
  const watcher = await test.connect();
  await watcher.subscribe(["#", 0]);
  const left = async (clientId: string, delaySeconds: number) => {
    const client = await connectAs(test, 5, {
      clientId,
      ...LONG,
      username: "",
      password: await tokenFor(test, clientId, 60),
      will: { topic: clientId, delaySeconds },
    });
    client.cut();
  };
  await left("early", 30);
  await left("late", 120);
  await test.settle();
  test.clock.advance(31 * SECOND);
  await watcher.takePublish({ topic: "early", payload: "gone" });
  test.clock.advance(150 * SECOND);
  await watcher.expectNothing();
  assertEquals(test.broker.counters.refusals.denied, 1);
});

testVersions("a token's lists are what a client may publish and receive", async (version) => {
  await using test = startBroker({ tokens: tokensOf(), allowAnonymous: true });
  const password = await tokenFor(test, "ana", 60, { publish: ["up/#"], subscribe: ["down/+"] });
  const client = await connectAs(test, version, { username: "", password });
  const watcher = await test.connect();
  await watcher.subscribe(["#", 0]);
  const denied = version === 5 ? 0x87 : 0x80;
  const granted = await client.subscribe(["down/+", 1], ["down/1", 1], ["down/#", 1], ["#", 1]);
  assertEquals(granted, [1, 1, denied, denied]);
  client.sendPublish("up/1", "yes");
  client.sendPublish("down/1", "no");
  await watcher.takePublish({ topic: "up/1", payload: "yes" });
  await watcher.expectNothing();
  assertEquals(test.broker.counters.refusals.denied, 1);
});

testVersions("a user who is gone, or has another password, is cut off; the others stay", async (version) => {
  const users = await usersOf({ ana: "1", bob: "2", eva: "3" });
  await using test = startBroker({ users, allowAnonymous: true });
  const watcher = await test.connect();
  await watcher.subscribe(["#", 0]);
  const [ana, bob, eva] = [
    await connectAs(test, version, { username: "ana", password: "1", will: { topic: "will/ana" } }),
    await connectAs(test, version, { username: "bob", password: "2" }),
    await connectAs(test, version, { username: "eva", password: "3" }),
  ];
  await bob!.subscribe(["news", 0]);
  users.replace(new Map([["bob", await verifierOf("new")], ["eva", await verifierOf("3")]]));
  test.broker.identitiesChanged();
  // At once they may do nothing, and soon they are not there.
  bob!.sendPublish("a", "by bob");
  await watcher.publish("news", "for bob?");
  await watcher.takePublish({ topic: "news", payload: "for bob?" });
  test.clock.advance(1 * SECOND);
  await ana!.expectEnded(0x87);
  await bob!.expectEnded(0x87);
  await eva!.publish("a", "by eva");
  await watcher.takePublish({ topic: "a", payload: "by eva" });
  await watcher.expectNothing();
  assertEquals(test.broker.counters.closes.revoked, 2);
  const back = test.open();
  back.sendConnect({ version, username: "bob", password: "2" });
  await back.expectRefused(4, 0x86);
  await connectAs(test, version, { username: "bob", password: "new" });
});

testVersions(
  "messages go on waiting for a user who has another password, and for nobody who is gone",
  async (version) => {
    const users = await usersOf({ ana: "1", bob: "2" });
    await using test = startBroker({ users, allowAnonymous: true });
    for (const [username, password] of [["ana", "1"], ["bob", "2"]] as const) {
      const client = await connectAs(test, version, { clientId: username, ...LONG, username, password });
      await client.subscribe(["a", 1]);
      await client.disconnect();
    }
    users.replace(new Map([["bob", await verifierOf("new")]]));
    test.broker.identitiesChanged();
    const publisher = await test.connect();
    await publisher.publish("a", "x", { qos: 1 });
    const bob = test.open();
    assertEquals(
      await bob.connect({ version, clientId: "bob", ...LONG, username: "bob", password: "new" }),
      version !== 3,
    );
    await bob.takePublish({ topic: "a", payload: "x", qos: 1 });
    assertEquals(test.broker.counters.deliveries.queued, 1);
  },
);

// sol #17, Moquette CVE-2026-95847: a client identifier is no secret, and whoever knew it had the session.
testVersionPairs(
  "another user's client identifier is refused, and its session goes on",
  async (sender, receiver) => {
    await using test = startBroker({ users: await usersOf({ ana: "1", bob: "2" }), allowAnonymous: true });
    const ana = await connectAs(test, sender, { clientId: "c", username: "ana", password: "1", ...LONG });
    await ana.subscribe(["a", 1]);
    for (const login of [{ username: "bob", password: "2" }, {}]) {
      for (const cleanStart of [true, false]) {
        const thief = test.open();
        thief.sendConnect({ version: receiver, clientId: "c", cleanStart, ...login });
        await thief.expectRefused(2, 0x85);
      }
    }
    await ana.ping();
    ana.cut();
    await test.settle();
    const thief = test.open();
    thief.sendConnect({ version: receiver, clientId: "c", username: "bob", password: "2", ...LONG });
    await thief.expectRefused(2, 0x85);
    assertEquals(test.broker.counters.clientIdsRefused, 5);
    const again = test.open();
    assertEquals(
      await again.connect({ version: sender, clientId: "c", username: "ana", password: "1", ...LONG }),
      sender !== 3,
    );
  },
);

testVersions(
  "what anybody left under a client identifier is anybody's, and nothing that a user goes on with",
  async (version) => {
    const users = await usersOf({ ana: "1", bob: "2" });
    await using test = startBroker({ users, allowAnonymous: true });
    const nameless = await connectAs(test, version, { clientId: "c", ...LONG });
    await nameless.subscribe(["trap", 0]);
    const again = test.open();
    assertEquals(await again.connect({ version, clientId: "c", ...LONG }), version !== 3);
    const ana = test.open();
    assertEquals(
      await ana.connect({ version, clientId: "c", username: "ana", password: "1", ...LONG }),
      false,
    );
    await again.expectEnded(0x8e);
    await ana.publish("trap", "x");
    await ana.expectNothing();
    // Whose name is known no more has nothing either.
    users.replace(new Map([["bob", await verifierOf("2")]]));
    test.broker.identitiesChanged();
    const bob = test.open();
    assertEquals(
      await bob.connect({ version, clientId: "c", username: "bob", password: "2", ...LONG }),
      false,
    );
  },
);

testVersions(
  "too many wrong passwords from one address, and no more are looked at from there for a while",
  async (version) => {
    await using test = startBroker({
      users: await usersOf({ ana: "1" }),
      allowAnonymous: true,
      limits: { authFailuresMax: 3, authFailureSeconds: 60 },
    });
    const attempt = async (password: string, returnCode: number, reasonCode: number) => {
      const client = test.open();
      client.sendConnect({ version, username: "ana", password });
      await client.expectRefused(returnCode, reasonCode);
    };
    for (const password of ["x", "y", ""]) await attempt(password, 4, 0x86);
    await attempt("1", 3, 0x9f);
    assertEquals(test.broker.counters.authenticationsRefused["too-many-failures"], 1);
    // Who shows nothing guesses nothing.
    await test.connect({ version });
    test.clock.advance(60 * SECOND);
    await connectAs(test, version, { username: "ana", password: "1" });
  },
);

// NanoMQ CVE-2026-32696: what is missing was no less than right.
testVersions("a user name without a password, and empty ones, let nobody in", async (version) => {
  await using test = startBroker({
    users: await usersOf({ ana: "1" }),
    tokens: tokensOf(),
    allowAnonymous: true,
  });
  const shown = [
    { username: "ana" },
    { username: "ana", password: "" },
    { username: "", password: "" },
    {
      username: "",
    },
    { username: "", password: "1" },
    { username: "anonymous", password: "" },
  ];
  for (const credentials of shown) {
    const client = test.open();
    client.sendConnect({ version, ...credentials });
    await client.expectRefused(4, 0x86);
  }
  assert(test.broker.sessions.size === 0);
});
