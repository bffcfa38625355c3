import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Authenticator } from "../../broker/auth/authenticator.ts";
import { ReasonCode, type Version } from "../../broker/packet/mod.ts";
import { connectScram, expectAuth, expectConnack, sendAuth, sendConnect } from "../mqtt5/auth_support.ts";
import type { RawClient } from "../support/raw_client.ts";
import { ScramClient } from "../support/scram_client.ts";
import { identityOf, startBroker, type TestBroker } from "../support/start_broker.ts";
import { usersOf } from "../support/users.ts";
import { testVersions } from "../support/versions.ts";

/** Whoever shows a name has it. */
const byName: Authenticator = {
  name: "by-name",
  authenticate: ({ username }) => ({
    granted: true,
    identity: identityOf(username ?? "anonymous"),
  }),
};

function start(connectionsPerIdentityMax: number): TestBroker {
  return startBroker({ limits: { connectionsPerIdentityMax }, authenticators: [byName] });
}

async function expectCrowded(test: TestBroker, version: Version, clientId: string): Promise<void> {
  const refused = test.open();
  refused.sendConnect({ version, username: "ana", clientId });
  await refused.expectRefused(3, ReasonCode.quotaExceeded);
}

testVersions(
  "connectionsPerIdentityMax 3: a user has so many connections and not one more, until one leaves",
  async (version) => {
    await using test = start(3);
    const clients: RawClient[] = [];
    for (let count = 0; count < 3; count++) clients.push(await test.connect({ version, username: "ana" }));
    await expectCrowded(test, version, "one-more");
    assertEquals(test.broker.sessions.get("one-more"), undefined);
    await test.connect({ version, username: "bob" });
    assertEquals(test.broker.counters.closes["too-many-of-identity"], 1);
    const [line = ""] = test.log.filter((line) => line.includes("too-many-of-identity"));
    assertStringIncludes(line, "connection-closed clientId=one-more");
    for (const client of clients) await client.ping();
    await clients[0]!.disconnect();
    await test.connect({ version, username: "ana" });
    await expectCrowded(test, version, "one-more");
  },
);

testVersions(
  "connectionsPerIdentityMax 1: the same client takes its session over, with and without a clean start",
  async (version) => {
    await using test = start(1);
    let client = await test.connect({ version, username: "ana", clientId: "lamp", cleanStart: false });
    for (const cleanStart of [false, true, true, false]) {
      const next = await test.connect({ version, username: "ana", clientId: "lamp", cleanStart });
      await client.expectEnded(ReasonCode.sessionTakenOver);
      await expectCrowded(test, version, "other");
      client = next;
    }
    client.cut();
    await test.connect({ version, username: "ana", clientId: "other" });
    // Its session is still there, but not its connection.
    await expectCrowded(test, version, "lamp");
  },
);

testVersions("connectionsPerIdentityMax does not bound those who showed no name", async (version) => {
  await using test = start(1);
  for (let count = 0; count < 20; count++) await test.connect({ version });
  assertEquals(test.broker.counters.closes["too-many-of-identity"], 0);
});

testVersions("without connectionsPerIdentityMax a user may have all connections", async (version) => {
  await using test = startBroker({ authenticators: [byName] });
  for (let count = 0; count < 100; count++) await test.connect({ version, username: "ana" });
});

testVersions(
  "connectionsPerIdentityMax counts a session that another user takes over as the other's",
  async (version) => {
    await using test = startBroker({
      limits: { connectionsPerIdentityMax: 1 },
      authenticators: [byName],
      clientIdPerUser: false,
    });
    const before = await test.connect({ version, username: "ana", clientId: "lamp", cleanStart: false });
    await test.connect({ version, username: "bob", clientId: "lamp", cleanStart: false });
    await before.expectEnded(ReasonCode.sessionTakenOver);
    await test.connect({ version, username: "ana", clientId: "hers" });
    const refused = test.open();
    refused.sendConnect({ version, username: "bob", clientId: "his" });
    await refused.expectRefused(3, ReasonCode.quotaExceeded);
    await expectCrowded(test, version, "lamp");
  },
);

Deno.test("connectionsPerIdentityMax counts whoever comes by SCRAM with those who come by password", async () => {
  await using test = startBroker({
    limits: { connectionsPerIdentityMax: 2 },
    users: await usersOf({ user: "pencil", ana: "secret" }),
  });
  await test.connect({ version: 4, username: "user", password: "pencil" });
  await connectScram(test, { clientId: "second" });
  const peer = new ScramClient();
  const third = sendConnect(test, { clientId: "third", authenticationData: peer.first() });
  sendAuth(third, 0x18, peer.final((await expectAuth(third, 0x18)).data));
  await expectConnack(third, ReasonCode.quotaExceeded);
  await third.expectClosed();
  assertEquals(test.broker.counters.closes["too-many-of-identity"], 1);
  await test.connect({ version: 4, username: "ana", password: "secret" });
});
