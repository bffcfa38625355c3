import { assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import type { RawClient } from "../support/raw_client.ts";
import { ScramClient, type ScramClientOptions } from "../support/scram_client.ts";
import { identityOf, startBroker } from "../support/start_broker.ts";
import {
  connectScram,
  connectStepped,
  expectAuth,
  expectConnack,
  SCRAM,
  sendAuth,
  sendConnect,
  startWithUsers,
  SteppedMethod,
} from "./auth_support.ts";
import { connect5, expectDisconnect } from "./support.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Re-authenticates up to the client's last word. */
async function reauthenticate(client: RawClient, options: ScramClientOptions = {}): Promise<ScramClient> {
  const peer = new ScramClient(options);
  sendAuth(client, 0x19, peer.first());
  sendAuth(client, 0x18, peer.final((await expectAuth(client, 0x18)).data));
  return peer;
}

Deno.test("[MQTT5-4.12.1-1] re-authentication is answered by AUTH 0x00, and by SCRAM's proof", async () => {
  await using test = await startWithUsers();
  const { client } = await connectScram(test);
  for (let count = 0; count < 3; count++) {
    const peer = await reauthenticate(client, { nonce: `nonce${count}` });
    const success = await expectAuth(client, 0x00);
    assertEquals(success.authenticationMethod, SCRAM); // [MQTT5-4.12.0-5]
    assertEquals(peer.trusts(success.data), true);
  }
  await client.ping();
});

Deno.test("[MQTT5-4.12.1-2] a re-authentication that fails ends the connection with 0x87, and its will is published", async () => {
  await using test = await startWithUsers();
  const { client: watcher } = await connectScram(test, { clientId: "watcher" });
  await watcher.subscribe(["will", 0]);
  const { client } = await connectScram(test, { clientId: "c", will: { topic: "will" } });
  await reauthenticate(client, { password: "wrong" });
  await expectDisconnect(client, 0x87);
  await watcher.expectPublish({ topic: "will", payload: "gone" });
});

Deno.test("[MQTT5-4.12.1-2] a re-authentication as another user ends the connection with 0x87", async () => {
  await using test = await startWithUsers();
  const { client } = await connectScram(test, { clientId: "c" });
  await reauthenticate(client, { user: "ana", password: "secret" });
  assertEquals(
    await expectDisconnect(client, 0x87),
    'Cannot go on as "ana": the connection is of "user"',
  );
});

Deno.test("[MQTT5-4.12.1-1] AUTH with another method, or out of turn, ends an open connection with 0x82", async () => {
  await using test = await startWithUsers();
  const first = new ScramClient().first();
  const wrong: ((client: RawClient) => void)[] = [
    (client) => sendAuth(client, 0x19, first, "SCRAM-SHA-1"),
    (client) => sendAuth(client, 0x18, first),
    (client) => sendAuth(client, 0x00),
    (client) => client.sendHex("f0 00"),
  ];
  for (const send of wrong) {
    const { client } = await connectScram(test);
    send(client);
    await expectDisconnect(client, 0x82);
  }
});

Deno.test("a second re-authentication beside the first, or an answer before the question, ends the connection with 0x82", async () => {
  for (const reasonCode of [0x19, 0x18]) {
    const { test, method, client } = await connectStepped(identityOf("user"));
    await using _ = test;
    sendAuth(client, 0x19, encoder.encode("one"));
    sendAuth(client, reasonCode, encoder.encode("two"));
    await expectDisconnect(client, 0x82);
    await method.answer({ step: "granted", identity: identityOf("user") }); // To nobody's use.
    assertEquals(method.heard, ["", "one"]);
  }
});

Deno.test("other packets are handled while a re-authentication runs, and its data stay what they were", async () => {
  const { test, method, client } = await connectStepped(identityOf("user"));
  await using _ = test;
  sendAuth(client, 0x19, encoder.encode("again"));
  await client.subscribe(["a", 0]);
  await client.publish("a", "meanwhile", { qos: 0 });
  await client.expectPublish({ topic: "a", payload: "meanwhile" });
  await method.answer({ step: "continue", data: encoder.encode("prove it") });
  assertEquals(decoder.decode((await expectAuth(client, 0x18)).data), "prove it");
  await client.ping();
  sendAuth(client, 0x18, encoder.encode("proof"));
  await method.answer({ step: "granted", identity: identityOf("user") });
  assertEquals((await expectAuth(client, 0x00)).data.length, 0);
  assertEquals(method.heard, ["", "again", "proof"]);
});

Deno.test("a re-authentication may take rights away: from what is received, published and left as a will", async () => {
  const { test, method, client } = await connectStepped(identityOf("user"));
  await using _ = test;
  await client.subscribe(["a", 0]);
  await client.publish("a", "before");
  await client.expectPublish({ topic: "a", payload: "before" });
  sendAuth(client, 0x19);
  await method.answer({ step: "granted", identity: identityOf("user", () => false) });
  await expectAuth(client, 0x00);
  test.broker.publish(identityOf("other"), {
    topic: "a",
    payload: encoder.encode("after"),
    qos: 0,
    retain: false,
  });
  await client.ping();
  await client.expectNothing();
  assertEquals(await client.subscribe(["b", 0]), [0x87]);
});

Deno.test("a will is published with the rights of the last authentication", async () => {
  const method = new SteppedMethod();
  await using test = startBroker({ enhancedAuthenticators: [method] });
  const watcher = await connect5(test);
  await watcher.subscribe(["will", 0]);
  const client = sendConnect(test, { clientId: "c", will: { topic: "will" } });
  await method.answer({ step: "granted", identity: identityOf("user") });
  await expectConnack(client, 0);
  sendAuth(client, 0x19);
  await method.answer({ step: "granted", identity: identityOf("user", () => false) });
  await expectAuth(client, 0x00);
  client.cut();
  await eventually(() => assertEquals(test.broker.counters.refusals.denied, 1));
  await watcher.expectNothing();
});

Deno.test("a session that another connection takes meanwhile keeps the rights of that one", async () => {
  const { test, method, client } = await connectStepped(identityOf("user"));
  await using _ = test;
  sendAuth(client, 0x19);
  await eventually(() => assertEquals(method.isAsked, true));
  const newer = test.open();
  newer.sendConnect({ version: 5, clientId: "stepped", cleanStart: false });
  await expectConnack(newer, 0);
  await expectDisconnect(client, 0x8e);
  await method.answer({ step: "granted", identity: identityOf("user", () => false) });
  await newer.ping();
  assertEquals(test.broker.sessions.get("stepped")!.identity.name, "anonymous");
});
