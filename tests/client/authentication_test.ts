import { assertEquals, assertRejects } from "@std/assert";
import { type Authentication, ClosedError, connect } from "../../broker/client/mod.ts";
import { INBOX_MESSAGES_MAX } from "../../broker/client/inbox.ts";
import { memoryLinks } from "../../broker/transport/memory.ts";
import { connectedPair, end, idle, isSettled, pairOf, type ScriptedPeer, textOf } from "./scripted_peer.ts";

const encoder = new TextEncoder();
const bytes = (text: string) => encoder.encode(text);
const METHOD = { authenticationMethod: "X" } as const;

/** A method that says who it is and writes down what it hears. */
class Scribe implements Authentication {
  readonly method = "X";
  readonly heard: string[] = [];

  start(): Uint8Array {
    this.heard.push("start");
    return bytes("hello");
  }

  respond(data: Uint8Array | undefined): Promise<Uint8Array> {
    this.heard.push(`respond ${data && textOf(data)}`);
    return Promise.resolve(bytes(`re: ${data && textOf(data)}`));
  }

  finish(data: Uint8Array | undefined): void {
    this.heard.push(`finish ${data && textOf(data)}`);
  }
}

async function challenge(peer: ScriptedPeer, text: string): Promise<void> {
  await peer.send({ type: "auth", reasonCode: 0x18, ...METHOD, authenticationData: bytes(text) });
}

async function expectAnswer(peer: ScriptedPeer, reasonCode: number, text: string): Promise<void> {
  const packet = await peer.expect("auth");
  assertEquals([packet.reasonCode, packet.authenticationMethod], [reasonCode, "X"]);
  assertEquals(textOf(packet.authenticationData!), text);
}

async function accept(peer: ScriptedPeer, data?: string): Promise<void> {
  const authenticationData = data === undefined ? undefined : bytes(data);
  await peer.send({ type: "connack", sessionPresent: false, reasonCode: 0, ...METHOD, authenticationData });
}

async function authenticatedPair(authentication: Authentication) {
  const { connecting, peer } = pairOf({ version: 5, authentication });
  await peer.expect("connect");
  await accept(peer);
  return { client: await connecting, peer };
}

Deno.test("[MQTT5-4.12.0-3] [MQTT5-4.12.0-5] connecting goes through all steps of an authentication", async () => {
  const authentication = new Scribe();
  const { connecting, peer } = pairOf({ version: 5, authentication });
  const { authenticationMethod, authenticationData } = await peer.expect("connect");
  assertEquals([authenticationMethod, textOf(authenticationData!)], ["X", "hello"]);
  await challenge(peer, "one");
  await expectAnswer(peer, 0x18, "re: one");
  await challenge(peer, "two");
  await expectAnswer(peer, 0x18, "re: two");
  assertEquals(await isSettled(connecting), false);
  await accept(peer, "proof");
  const client = await connecting;
  assertEquals(authentication.heard, ["start", "respond one", "respond two", "finish proof"]);
  await end({ client, peer });
});

Deno.test("a method without data sends none", async () => {
  const authentication = { method: "X", start: () => undefined, respond: () => undefined };
  const { connecting, peer } = pairOf({ version: 5, authentication });
  assertEquals((await peer.expect("connect")).authenticationData, undefined);
  await peer.send({ type: "auth", reasonCode: 0x18, ...METHOD });
  assertEquals(await peer.expect("auth"), { type: "auth", reasonCode: 0x18, ...METHOD });
  await accept(peer);
  await end({ client: await connecting, peer });
});

Deno.test("a broker that does not prove itself is left", async () => {
  const authentication = new Scribe();
  authentication.finish = () => {
    throw new Error("wrong signature");
  };
  const { connecting, peer } = pairOf({ version: 5, authentication });
  await peer.expect("connect");
  await accept(peer, "forged");
  await assertRejects(() => connecting, ClosedError, "Authentication failed: wrong signature");
  await peer.expectFarewell(0x80);
});

Deno.test("a step that fails ends the connection before CONNACK", async () => {
  const authentication = new Scribe();
  authentication.respond = () => Promise.reject(new Error("no idea"));
  const { connecting, peer } = pairOf({ version: 5, authentication });
  await peer.expect("connect");
  await challenge(peer, "one");
  await assertRejects(() => connecting, ClosedError, "Authentication failed: no idea");
  await peer.expectFarewell(0x80);
});

Deno.test("an authentication that cannot begin connects nowhere", async () => {
  const [near, far] = memoryLinks("peer");
  const authentication = new Scribe();
  authentication.start = () => {
    throw new Error("no password");
  };
  await assertRejects(() => connect({ version: 5, link: near, authentication }), Error, "no password");
  assertEquals(await far.read(new Uint8Array(1)), null);
});

Deno.test("[MQTT5-4.12.0-5] another method, none, or AUTH out of turn ends the connection with 0x82", async () => {
  const other = { authenticationMethod: "Y" };
  const cases = [
    { type: "auth", reasonCode: 0x18, ...other },
    { type: "auth", reasonCode: 0x19, ...METHOD },
    { type: "connack", sessionPresent: false, reasonCode: 0, ...other },
    { type: "connack", sessionPresent: false, reasonCode: 0 },
  ] as const;
  for (const packet of cases) {
    const { connecting, peer } = pairOf({ version: 5, authentication: new Scribe() });
    await peer.expect("connect");
    await peer.send(packet);
    await assertRejects(() => connecting, ClosedError, "The broker broke the protocol");
    await peer.expectFarewell(0x82);
  }
});

Deno.test("[MQTT5-4.12.0-6] AUTH that nobody asked for ends the connection with 0x82", async () => {
  const early = pairOf({ version: 5 });
  await early.peer.expect("connect");
  await challenge(early.peer, "one");
  await assertRejects(() => early.connecting, ClosedError, "no authentication is under way");
  await early.peer.expectFarewell(0x82);

  for (
    const { client, peer } of [await connectedPair({ version: 5 }), await authenticatedPair(new Scribe())]
  ) {
    await challenge(peer, "one");
    await peer.expectFarewell(0x82);
    assertEquals((await client.closed)?.message.includes("no authentication is under way"), true);
  }
});

Deno.test("[MQTT5-4.12.1-1] a client authenticates again while the connection goes on", async () => {
  const authentication = new Scribe();
  const { client, peer } = await authenticatedPair(authentication);
  for (let round = 0; round < 2; round++) {
    authentication.heard.length = 0;
    const authenticating = client.reauthenticate();
    await expectAnswer(peer, 0x19, "hello");
    await assertRejects(() => client.reauthenticate(), TypeError, "under way");
    await client.publish("a", "meanwhile");
    await peer.expect("publish");
    await challenge(peer, "again");
    await expectAnswer(peer, 0x18, "re: again");
    assertEquals(await isSettled(authenticating), false);
    await peer.send({ type: "auth", reasonCode: 0, ...METHOD, authenticationData: bytes("proof") });
    await authenticating;
    assertEquals(authentication.heard, ["start", "respond again", "finish proof"]);
  }
  await end({ client, peer });
});

Deno.test("[MQTT5-4.12.1-2] an authentication that fails later ends the connection, whoever finds it wanting", async () => {
  const refused = await authenticatedPair(new Scribe());
  const refusing = assertRejects(() => refused.client.reauthenticate(), ClosedError, "not authorized");
  await refused.peer.expect("auth");
  await refused.peer.send({ type: "disconnect", reasonCode: 0x87 });
  await refusing;

  const authentication = new Scribe();
  const { client, peer } = await authenticatedPair(authentication);
  authentication.finish = () => {
    throw new Error("wrong signature");
  };
  const doubting = assertRejects(() => client.reauthenticate(), ClosedError, "wrong signature");
  await peer.expect("auth");
  await peer.send({ type: "auth", reasonCode: 0, ...METHOD });
  await doubting;
  await peer.expectFarewell(0x80);
  await client.closed;
});

Deno.test("[MQTT5-4.12.0-7] without an authentication nothing can be authenticated again", async () => {
  const pair = await connectedPair({ version: 5 });
  await assertRejects(() => pair.client.reauthenticate(), TypeError, "without authentication");
  await end(pair);
  await assertRejects(() => pair.client.reauthenticate(), ClosedError);
});

Deno.test("a step that cannot begin leaves the connection as it is", async () => {
  const authentication = new Scribe();
  const pair = await authenticatedPair(authentication);
  authentication.start = () => {
    throw new Error("no password");
  };
  await assertRejects(() => pair.client.reauthenticate(), Error, "no password");
  authentication.start = () => bytes("hello");
  const authenticating = pair.client.reauthenticate();
  await expectAnswer(pair.peer, 0x19, "hello");
  await pair.peer.send({ type: "auth", reasonCode: 0, ...METHOD });
  await authenticating;
  await end(pair);
});

Deno.test("a client that closes while a step is under way says nothing more", async () => {
  const authentication = new Scribe();
  const { client, peer } = await authenticatedPair(authentication);
  const step = Promise.withResolvers<Uint8Array>();
  authentication.respond = () => step.promise;
  const authenticating = assertRejects(() => client.reauthenticate(), ClosedError, "The client was closed");
  await peer.expect("auth");
  await challenge(peer, "one");
  await idle();
  const closing = client.close();
  await peer.expect("disconnect");
  step.resolve(bytes("late"));
  const more = peer.receive().catch(() => undefined);
  assertEquals(await isSettled(more), false);
  peer.link.close();
  await Promise.all([closing, authenticating, more]);
});

Deno.test("an authentication is not stuck behind messages that nobody takes", async () => {
  const { client, peer } = await authenticatedPair(new Scribe());
  const subscribing = client.subscribe("a");
  await peer.grant(0);
  await subscribing;
  const flood = (async () => {
    for (let index = 0; index < INBOX_MESSAGES_MAX * 2; index++) {
      await peer.sendPublish("a", "x".repeat(100));
    }
  })();
  assertEquals(await isSettled(flood), false);
  const authenticating = client.reauthenticate();
  await peer.expect("auth");
  await flood;
  await peer.send({ type: "auth", reasonCode: 0, ...METHOD });
  await authenticating;
  await end({ client, peer });
});
