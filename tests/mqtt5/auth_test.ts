import { assertEquals } from "@std/assert";
import type { EnhancedAuthenticator } from "../../broker/auth/authenticator.ts";
import { ScryptVerifier } from "../../broker/auth/scrypt_verifier.ts";
import { UserTable } from "../../broker/auth/user_table.ts";
import { eventually } from "../support/eventually.ts";
import type { RawClient } from "../support/raw_client.ts";
import { ScramClient } from "../support/scram_client.ts";
import { identityOf, startBroker } from "../support/start_broker.ts";
import { usersOf } from "../support/users.ts";
import {
  connectScram,
  expectAuth,
  expectConnack,
  SCRAM,
  sendAuth,
  sendConnect,
  startWithUsers,
  SteppedMethod,
} from "./auth_support.ts";
import { connect5, expectDisconnect, expectRefused, sendConnect5 } from "./support.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

Deno.test("[MQTT5-4.12.0-2] [MQTT5-4.12.0-5] SCRAM lets in who proves to know the password, and proves it back", async () => {
  await using test = await startWithUsers();
  const { client, connack } = await connectScram(test, { clientId: "c" });
  assertEquals(connack.authenticationMethod, SCRAM);
  assertEquals(test.broker.sessions.get("c")!.identity.name, "user");
  await client.ping();
});

Deno.test("[MQTT5-4.12.0-4] who proves nothing is refused with 0x86, in the words of the method, and let go", async () => {
  await using test = await startWithUsers();
  for (const scram of [{ password: "wrong" }, { user: "nobody" }]) {
    const peer = new ScramClient(scram);
    const client = sendConnect(test, { authenticationData: peer.first() });
    sendAuth(client, 0x18, peer.final((await expectAuth(client, 0x18)).data));
    const connack = await expectConnack(client, 0x86);
    assertEquals(decoder.decode(connack.authenticationData), "e=invalid-proof");
    assertEquals(connack.authenticationMethod, SCRAM);
    await client.expectClosed();
  }
  assertEquals(test.broker.sessions.size, 0);
  assertEquals(test.broker.counters.authenticationsRefused["bad-credentials"], 2);
});

Deno.test("[MQTT5-4.12.0-4] nonsense for a first message is refused with 0x87 at once", async () => {
  await using test = await startWithUsers();
  for (const properties of [{}, { authenticationData: encoder.encode("n,,n=user") }]) {
    const client = sendConnect(test, properties);
    assertEquals(
      decoder.decode((await expectConnack(client, 0x87)).authenticationData),
      "e=invalid-encoding",
    );
    await client.expectClosed();
  }
});

Deno.test("[MQTT5-4.12.0-1] a method that nobody knows is refused with 0x8C, whatever else is right", async () => {
  await using test = await startWithUsers();
  for (const authenticationMethod of ["SCRAM-SHA-1", "scram-sha-256", ""]) {
    const client = sendConnect(test, {
      username: "user",
      password: "pencil",
      authenticationMethod,
    });
    await expectRefused(client, 0x8c);
  }
});

Deno.test("[MQTT5-4.12.0-6] who names no method gets no AUTH and no method in CONNACK", async () => {
  await using test = await startWithUsers();
  const client = test.open();
  client.sendConnect({ version: 5, username: "user", password: "pencil" });
  const connack = await expectConnack(client, 0);
  assertEquals([connack.authenticationMethod, connack.authenticationData], [undefined, undefined]);
});

Deno.test("[MQTT5-4.12.0-7] AUTH from who named no method ends the connection with 0x82", async () => {
  await using test = startBroker();
  for (const reasonCode of [0x18, 0x19]) {
    const client = await connect5(test);
    sendAuth(client, reasonCode, encoder.encode("x"));
    await expectDisconnect(client, 0x82);
  }
});

Deno.test("[MQTT5-3.1.2-30] before CONNACK a client sends AUTH or DISCONNECT, and all else ends it with 0x82", async () => {
  await using test = await startWithUsers();
  const watcher = (await connectScram(test, { clientId: "watcher" })).client;
  await watcher.subscribe(["#", 0]);
  const connect = "10 0e 00 04 'MQTT' 05 02 00 00 00 00 01 'c'";
  for (const hex of ["30 04 00 01 'a' 00", "c0 00", "82 07 00 01 00 00 01 'a' 00", connect]) {
    const client = sendConnect(test, { authenticationData: new ScramClient().first() });
    await expectAuth(client, 0x18);
    client.sendHex(hex);
    await expectConnack(client, 0x82);
    await client.expectClosed();
  }
  const client = sendConnect(test, {
    will: { topic: "will" },
    authenticationData: new ScramClient().first(),
  });
  await expectAuth(client, 0x18);
  client.send({ type: "disconnect", reasonCode: 0 });
  await client.expectClosed();
  await watcher.expectNothing();
});

Deno.test("[MQTT5-4.12.0-3] [MQTT5-4.12.0-5] AUTH with another code or method ends the authentication with 0x82", async () => {
  await using test = await startWithUsers();
  const wrong: ((client: RawClient) => void)[] = [
    (client) => sendAuth(client, 0x19),
    (client) => sendAuth(client, 0x00),
    (client) => client.sendHex("f0 00"),
    (client) => sendAuth(client, 0x18, undefined, "SCRAM-SHA-1"),
  ];
  for (const send of wrong) {
    const client = sendConnect(test, { authenticationData: new ScramClient().first() });
    await expectAuth(client, 0x18);
    send(client);
    await expectConnack(client, 0x82);
    await client.expectClosed();
  }
  const client = sendConnect(test, { authenticationData: new ScramClient().first() });
  await expectAuth(client, 0x18);
  client.sendHex("f0 01 55"); // [MQTT5-3.15.2-1]
  await expectConnack(client, 0x82);
  await client.expectClosed();
});

Deno.test("connectBytesMax and connectTimeoutSeconds hold until the authentication is over", async () => {
  await using test = startBroker({
    users: await usersOf({ user: "pencil" }),
    limits: { connectBytesMax: 300 },
  });
  const large = sendConnect(test, { authenticationData: new ScramClient().first() });
  await expectAuth(large, 0x18);
  sendAuth(large, 0x18, new Uint8Array(300));
  await expectConnack(large, 0x95);
  await large.expectClosed();
  const slow = sendConnect(test, { authenticationData: new ScramClient().first() });
  await expectAuth(slow, 0x18);
  test.clock.advance(10_500);
  await slow.expectClosed();
  assertEquals(test.broker.counters.closes["not-connected-in-time"], 1);
});

for (const roundsMax of [1, 3]) {
  Deno.test(`authenticationRoundsMax ${roundsMax}: a method may ask so often, and once more refuses with 0x87`, async () => {
    const asking: EnhancedAuthenticator = {
      method: SCRAM,
      begin: () => ({ next: () => ({ step: "continue", data: encoder.encode("more") }) }),
    };
    await using test = startBroker({
      enhancedAuthenticators: [asking],
      limits: { authenticationRoundsMax: roundsMax },
    });
    const client = sendConnect(test);
    for (let round = 0; round < roundsMax; round++) {
      await expectAuth(client, 0x18);
      sendAuth(client, 0x18);
    }
    await expectConnack(client, 0x87);
    await client.expectClosed();
    assertEquals(test.broker.counters.authenticationsRefused["not-authorized"], 1);
    assertEquals(test.broker.counters.limitsMet.authenticationRoundsMax, 1);
  });
}

Deno.test("[MQTT5-3.1.2-24] a client that takes no packet as large as the challenge is told 0x95", async () => {
  await using test = await startWithUsers();
  const authenticationData = new ScramClient().first();
  await expectRefused(sendConnect(test, { authenticationData, packetBytesMax: 50 }), 0x95);
});

Deno.test("a method that fails lets nobody in, and a neighbour stays", async () => {
  await using test = startBroker({
    enhancedAuthenticators: [{
      method: "throws",
      begin: () => {
        throw new Error("Defect");
      },
    }, { method: "rejects", begin: () => ({ next: () => Promise.reject(new Error("Down")) }) }],
  });
  const neighbour = await connect5(test);
  for (const authenticationMethod of ["throws", "rejects"]) {
    await expectRefused(sendConnect(test, { authenticationMethod }), 0x88);
  }
  await neighbour.ping();
  assertEquals(test.broker.counters.authenticationsRefused.unavailable, 2);
});

Deno.test("what waits for the end of an authentication is not written over by what comes meanwhile", async () => {
  await using test = await startWithUsers();
  const { client: watcher } = await connectScram(test, {
    clientId: "watcher",
    scram: { user: "ana", password: "secret" },
  });
  await watcher.subscribe(["will", 0]);
  const will = { topic: "will", payload: "the last words" };
  const { client } = await connectScram(test, { clientId: "c", will });
  client.cut();
  await watcher.expectPublish(will);
});

Deno.test("a client that leaves while its method thinks is not let in when it has thought", async () => {
  const method = new SteppedMethod();
  await using test = startBroker({ enhancedAuthenticators: [method] });
  const client = sendConnect(test);
  await eventually(() => assertEquals(method.isAsked, true));
  test.clock.advance(10_500);
  await client.expectClosed();
  await method.answer({ step: "granted", identity: identityOf("late") });
  await (await connect5(test)).ping();
  assertEquals(test.broker.sessions.size, 1);
});

Deno.test("users come in by name and password in every version, and nobody without", async () => {
  await using test = await startWithUsers();
  for (const version of [3, 4, 5] as const) {
    const right = test.open();
    await right.connect({ version, username: "ana", password: "secret" });
    await right.ping();
    const wrong = [{}, { username: "ana" }, { username: "ana", password: "" }, {
      username: "ana",
      password: "x",
    }];
    for (const credentials of wrong) {
      const client = test.open();
      client.sendConnect({ version, ...credentials });
      const code = "username" in credentials ? 0x86 : 0x87;
      await expectConnack(client, code);
      await client.expectClosed();
    }
  }
});

Deno.test("with users, who shows no name comes in only if that is allowed, and a wrong password is never none", async () => {
  await using test = startBroker({ users: await usersOf({ user: "pencil" }), allowAnonymous: true });
  await test.connect();
  await connectScram(test);
  const client = test.open();
  client.sendConnect({ username: "user", password: "wrong" });
  await expectConnack(client, 0x86);
  await client.expectClosed();
});

Deno.test("SCRAM knows nobody whose password is kept in another form, and tells nobody of it", async () => {
  const salt = new Uint8Array(16);
  const scrypt = await ScryptVerifier.make("pencil", { cost: { ln: 10, r: 8, p: 1 }, salt });
  await using test = startBroker({ users: new UserTable(new Map([["user", scrypt]])) });
  const peer = new ScramClient({});
  const client = sendConnect(test, { authenticationData: peer.first() });
  sendAuth(client, 0x18, peer.final((await expectAuth(client, 0x18)).data));
  const connack = await expectConnack(client, 0x86);
  assertEquals(decoder.decode(connack.authenticationData), "e=invalid-proof");
  await connect5(test, { username: "user", password: "pencil" });
});

Deno.test("wrong proofs count as wrong passwords do, and after too many of them nothing begins", async () => {
  const users = await usersOf({ user: "pencil" });
  await using test = startBroker({ users, limits: { authFailuresMax: 2 } });
  for (const password of ["x", "y"]) {
    const peer = new ScramClient({ password });
    const client = sendConnect(test, { authenticationData: peer.first() });
    sendAuth(client, 0x18, peer.final((await expectAuth(client, 0x18)).data));
    await expectConnack(client, 0x86);
  }
  await expectConnack(sendConnect(test, { authenticationData: new ScramClient({}).first() }), 0x9f);
  await expectRefused(sendConnect5(test, { username: "user", password: "pencil" }), 0x9f);
  assertEquals(test.broker.counters.authenticationsRefused["too-many-failures"], 2);
});
