// The attacks on rights and on who somebody is, one regression each. `canReceive` is one rule for whatever is live,
// retained, queued, under way or sent again; what may be published is one rule for PUBLISH and wills.

import { assertEquals, assertMatch } from "@std/assert";
import type { Authenticator, Credentials, Grant } from "../broker/auth/authenticator.ts";
import type { Action, Identity } from "../broker/core/identity.ts";
import { eventually } from "./support/eventually.ts";
import { identityOf, startBroker } from "./support/start_broker.ts";

/** Rights that a test takes away and gives back, for everybody; by user name if one stands before. */
class Rights implements Authenticator {
  readonly name = "rights";
  /** `publish alarm`, `mallory receive secret`. */
  readonly revoked = new Set<string>();
  readonly #identities = new Map<string, Identity>();

  authenticate({ username = "anybody" }: Credentials): Grant {
    const known = this.#identities.get(username);
    const identity = known ?? identityOf(username, (action, topic) => this.#can(username, action, topic));
    this.#identities.set(username, identity);
    return { granted: true, identity };
  }

  #can(username: string, action: Action, topic: string): boolean {
    if (topic === "defect") throw new Error("A port that must not throw does");
    return !this.revoked.has(`${action} ${topic}`) && !this.revoked.has(`${username} ${action} ${topic}`);
  }
}

function authenticatorThat(authenticate: Authenticator["authenticate"]): Authenticator {
  return { name: "test", authenticate };
}

// Mosquitto CVE-2018-12550, CVE-2018-12551: what could not be found out was allowed.
Deno.test("[CVE-2018-12550] [CVE-2026-95848] an authenticator that fails lets nobody in, and a neighbour stays", async () => {
  const failures: (() => Promise<Grant>)[] = [
    () => {
      throw new Error("Defect");
    },
    () => Promise.reject(new Deno.errors.ConnectionRefused("The directory is down")),
    () => Promise.reject(undefined),
  ];
  await using host = startBroker({
    authenticators: [authenticatorThat(({ username }) => {
      if (username === undefined) return { granted: true, identity: identityOf("neighbour") };
      return failures[Number(username)]!();
    })],
  });
  const neighbour = await host.connect();
  for (const index of failures.keys()) {
    const client = host.open();
    client.sendConnect({ username: String(index), will: { topic: "will" } });
    await client.expectHex("20 02 00 03");
    await client.expectClosed();
  }
  await neighbour.ping();
  assertEquals([host.broker.counters.closes.refused, host.broker.sessions.size], [3, 1]);
  assertEquals(host.broker.counters.messagesReceived, 0);
});

Deno.test("who is known to no authenticator, or to none at all, is refused", async () => {
  for (const authenticators of [[], [authenticatorThat(() => undefined)]]) {
    await using host = startBroker({ authenticators });
    const client = host.open();
    client.sendConnect({ username: "root", password: "" });
    await client.expectHex("20 02 00 05");
    await client.expectClosed();
  }
});

Deno.test("an authenticator that never answers holds a connection until the CONNECT is overdue, and no longer", async () => {
  let answer: (grant: Grant) => void = () => {};
  await using host = startBroker({
    authenticators: [authenticatorThat(() => new Promise((resolve) => answer = resolve))],
  });
  const client = host.open();
  client.sendConnect({ clientId: "late", cleanStart: false });
  client.sendHex("c0 00");
  await eventually(() => assertEquals(host.broker.counters.bytesReceived > 0, true));
  host.clock.advance(10_500);
  await client.expectClosed();
  await eventually(() => assertEquals(host.server.connectionCount, 0));
  // An answer after the end changes nothing.
  answer({ granted: true, identity: identityOf("late") });
  await host.open().link.write(new Uint8Array(1));
  assertEquals(host.broker.sessions.size, 0);
  assertEquals(host.broker.counters.closes["not-connected-in-time"], 1);
});

// Moquette CVE-2026-95842, mqtt-packet CVE-2019-5432: one exception ended the loop that served everybody.
Deno.test("[CVE-2026-95842] [CVE-2019-5432] [CVE-2016-10523] an exception in a handler ends its connection only, though its will meets the same", async () => {
  await using host = startBroker({ authenticators: [new Rights()], expectsInternalErrors: true });
  const { broker, log } = host;
  const neighbour = await host.connect();
  await neighbour.subscribe(["#", 0]);
  broker.observe((message) => {
    if (message.topic === "observed") throw new Error("An observer that must not throw does");
  });
  for (const attack of ["publish", "subscribe", "observe"]) {
    const client = await host.connect({ will: { topic: "observed" } });
    if (attack === "publish") client.sendPublish("defect", "x");
    else if (attack === "observe") client.sendPublish("observed", "x");
    else client.send({ type: "subscribe", packetId: 1, requests: [{ filter: "defect", qos: 0 }] });
    await client.expectClosed();
    if (attack === "observe") await neighbour.expectPublish({ topic: "observed", payload: "x" });
    await neighbour.expectPublish({ topic: "observed", payload: "gone" });
  }
  assertEquals([broker.counters.closes["internal-error"], broker.counters.willsFailed], [3, 3]);
  assertEquals(log.filter((line) => line.includes("will-failed")).length, 3);
  await neighbour.expectNothing();
  // Whoever takes over, and the server that stops, have no part in it either.
  await host.connect({ clientId: "same", will: { topic: "observed" } });
  await (await host.connect({ clientId: "same" })).ping();
  await host.connect({ will: { topic: "observed" } });
});

// Moquette CVE-2026-95846; Mosquitto: a will to `$CONTROL`.
Deno.test("[CVE-2026-95846] a will that may not be published refuses its CONNECT", async () => {
  const rights = new Rights();
  rights.revoked.add("publish alarm");
  await using host = startBroker({ authenticators: [rights] });
  const subscriber = await host.connect();
  await subscriber.subscribe(["#", 0], ["$SYS/#", 0]);
  for (const topic of ["alarm", "$SYS/broker/version", "$CONTROL/x"]) {
    const client = host.open();
    client.sendConnect({ clientId: topic, will: { topic } });
    await client.expectHex("20 02 00 05");
    await client.expectClosed();
  }
  await subscriber.expectNothing();
  assertEquals(host.broker.sessions.size, 1);
});

Deno.test("[CVE-2026-95846] a will whose right went after CONNECT does not fire", async () => {
  const rights = new Rights();
  await using host = startBroker({ authenticators: [rights] });
  const subscriber = await host.connect();
  await subscriber.subscribe(["#", 0]);
  const allowed = await host.connect({ will: { topic: "note", payload: "bye" } });
  const revoked = await host.connect({ will: { topic: "alarm", payload: "bye", retain: true } });
  rights.revoked.add("publish alarm");
  allowed.cut();
  revoked.cut();
  await subscriber.expectPublish({ topic: "note", payload: "bye" });
  await eventually(() => assertEquals(host.broker.counters.refusals.denied, 1));
  await subscriber.expectNothing();
  assertEquals(host.broker.retained.size, 0);
});

// Mosquitto CVE-2018-12546, NATS CVE-2026-58209: what was stored came out past the rules.
Deno.test("[CVE-2026-58209] what waits for a session is checked again when it is sent", async () => {
  const rights = new Rights();
  await using host = startBroker({ authenticators: [rights], limits: { inflightMax: 2 } });
  const before = await host.connect({ clientId: "s", cleanStart: false });
  await before.subscribe(["#", 1]);
  const publisher = await host.connect();
  for (const topic of ["secret", "open"]) await publisher.publish(topic, "sent", { qos: 1 });
  await before.expectPublish({ topic: "secret", payload: "sent", qos: 1 });
  await before.expectPublish({ topic: "open", payload: "sent", qos: 1 });
  before.cut();
  for (const topic of ["secret", "open", "secret", "other"]) {
    await publisher.publish(topic, "queued", { qos: 1 });
  }

  rights.revoked.add("receive secret");
  const client = await host.connect({ clientId: "s", cleanStart: false });
  await client.takePublish({ topic: "open", payload: "sent", qos: 1, dup: true });
  await client.takePublish({ topic: "open", payload: "queued", qos: 1 });
  await client.takePublish({ topic: "other", payload: "queued", qos: 1 });
  await client.expectNothing();
  const { counters, sessions } = host.broker;
  assertEquals([counters.deliveries["dropped:denied"], sessions.queueBudget.bytes], [3, 0]);
});

Deno.test("[CVE-2018-12546] what is retained is checked when it is sent, not only when it is asked for", async () => {
  const rights = new Rights();
  await using host = startBroker({ authenticators: [rights], limits: { inflightMax: 1 } });
  const publisher = await host.connect();
  for (const topic of ["r/1", "r/2", "r/3"]) await publisher.publish(topic, topic, { retain: true, qos: 1 });
  rights.revoked.add("receive r/1");
  const client = await host.connect();
  await client.subscribe(["r/+", 1]);
  const first = await client.receivePublish();
  const second = first.topic === "r/2" ? "r/3" : "r/2";
  rights.revoked.add(`receive ${second}`);
  client.sendAck("puback", first.packetId);
  await client.expectNothing();
});

// Mosquitto CVE-2021-34434: a subscription outlived the right to it.
Deno.test("[CVE-2021-34434] live messages stop and come again as rights change", async () => {
  const rights = new Rights();
  await using host = startBroker({ authenticators: [rights] });
  const client = await host.connect();
  await client.subscribe(["a", 0]);
  const publisher = await host.connect();
  await publisher.publish("a", "1");
  await client.expectPublish({ topic: "a", payload: "1" });
  rights.revoked.add("receive a");
  host.broker.rightsChanged();
  await publisher.publish("a", "2");
  await client.expectNothing();
  rights.revoked.clear();
  host.broker.rightsChanged();
  await publisher.publish("a", "3");
  await client.expectPublish({ topic: "a", payload: "3" });
});

// sol #17, Moquette CVE-2026-95847: a client identifier is no secret.
Deno.test("[CVE-2026-95847] [sol #17] who takes another's client identifier receives nothing that he may not", async () => {
  const rights = new Rights();
  rights.revoked.add("mallory receive secret");
  await using host = startBroker({ authenticators: [rights], clientIdPerUser: false });
  const alice = await host.connect({ clientId: "alice", username: "alice", cleanStart: false });
  await alice.subscribe(["#", 1]);
  const publisher = await host.connect();
  await publisher.publish("secret", "live", { qos: 1 }); // The route is remembered as alice's.
  await alice.takePublish({ topic: "secret", payload: "live", qos: 1 });
  await alice.disconnect();
  await publisher.publish("secret", "queued", { qos: 1 });
  const mallory = await host.connect({ clientId: "alice", username: "mallory", cleanStart: false });
  await publisher.publish("secret", "later", { qos: 1, retain: true });
  await mallory.subscribe(["secret", 0]);
  await mallory.expectNothing();
});

// Mosquitto CVE-2017-7650, RabbitMQ CVE-2026-44838: a client identifier became part of a pattern or a path.
Deno.test("[CVE-2026-95847] a client identifier is a name and nothing else", async () => {
  await using host = startBroker();
  const victim = await host.connect({ clientId: "a" });
  await victim.subscribe(["a", 0]);
  const clientIds = [
    "#",
    "+",
    "../../etc/passwd",
    "$SYS/x",
    "a/#",
    ".*",
    "__proto__",
    "constructor",
    "%61",
    "A",
  ];
  for (const clientId of clientIds) {
    const client = await host.connect({ clientId });
    await client.subscribe([`of/${clientIds.indexOf(clientId)}`, 0]);
  }
  assertEquals([host.broker.sessions.size, host.broker.subscriptionCount], [11, 11]);
  const publisher = await host.connect();
  await publisher.publish("a", "1");
  await victim.expectPublish({ topic: "a", payload: "1" });
  assertEquals(host.broker.counters.deliveries.queued, 1);
});

Deno.test("a client identifier forges no line of the log", async () => {
  await using host = startBroker();
  const breaks = ["\n", "\r\n", "\u0085", "\u2028", "\u009b2J", "\u007f", '" reason="x'];
  for (const text of breaks) {
    const clientId = `x${text}2026-11-22T00:00:00.000Z error forged`;
    const client = await host.connect({ clientId });
    client.sendHex("f0 00");
    await client.expectClosed();
  }
  const closed = host.log.filter((line) => line.includes("connection-closed"));
  assertEquals(closed.length, breaks.length);
  for (const line of closed) {
    assertMatch(line, /^[\x20-\x7e]+$/);
    assertMatch(
      line,
      /^\S+ warn +connection-closed clientId="(?:[^"\\]|\\.)*" peer=\S+ reason=malformed-packet /,
    );
  }
});
