// The attacks on rights again, this time on the rules of an `acl-file`, one regression each. That all ways out and in agree
// is what `rights_parity_test.ts` shows; a file that cannot be used is the business of `auth/rules_file_test.ts`.

import { assertEquals } from "@std/assert";
import { createBridge } from "../bridge/mod.ts";
import { expectAuth, expectConnack, sendAuth, sendConnect, SteppedMethod } from "./mqtt5/auth_support.ts";
import { eventually } from "./support/eventually.ts";
import { rulesOf } from "./support/reference_rules.ts";
import { authorizationOf, GroupAuthenticator, publishAll, topicsCome } from "./support/rights_world.ts";
import { identityOf, startBroker, type StartOptions, type TestBroker } from "./support/start_broker.ts";

/** A broker under these rules, where everybody is who they say. */
function startWithRules(text: string, options: StartOptions = {}): TestBroker {
  return startBroker({
    authenticators: [new GroupAuthenticator("none", [])],
    rules: rulesOf(text),
    ...options,
  });
}

const EVERYTHING = '[[rule]]\nallow = "all"\ntopics = ["#", "$SYS/#"]\n';
const NOTHING = '[[rule]]\ndeny = "all"\ntopics = ["#", "$SYS/#"]\n';

// Mosquitto CVE-2017-7650: a user called # or + could read what belongs to all. RabbitMQ CVE-2026-44838: one called .* too.
Deno.test("[CVE-2017-7650] [CVE-2026-44838] a user or client name that is more than a level stands for nothing in a rule, and is no pattern", async () => {
  await using host = startWithRules('[[rule]]\nallow = "all"\ntopics = ["user/%u/#", "client/%c/#"]\n');
  const names = ["#", "+", "a/b", "/", "a+", "#a", ".*", "a|b", "(", "[", "$SYS", "%c", "%u", "\\", "^a$"];
  for (const name of names) {
    const isLevel = !/[+#/]/.test(name);
    const client = await host.connect({ version: 5, username: name, clientId: name });
    const foreign = ["user/#", "user/ana/#", "client/+", "client/ana", "client/#", "#", "$SYS/#"];
    const codes = await client.subscribe(...foreign.map((filter) => [filter, 0] as const));
    assertEquals(codes, foreign.map(() => 0x87), name);
    for (const topic of ["user/ana/x", "client/ana", "user/a", "client/b"]) {
      await client.expectAck("puback", client.sendPublish(topic, "x", { qos: 1 }), 0x87);
    }
    if (!isLevel) continue;
    assertEquals(await client.subscribe([`user/${name}/#`, 0], [`client/${name}/#`, 0]), [0, 0], name);
  }
  // Nor is there anything that a name could take the place of where there is none.
  for (const username of [undefined, ""]) {
    const client = await host.connect({ version: 5, clientId: "", ...(username === "" ? { username } : {}) });
    assertEquals(await client.subscribe(["user//#", 0], ["client//#", 0], ["user/anonymous/#", 0]), [
      0x87,
      0x87,
      0x87,
    ]);
  }
});

Deno.test("a client without an identifier has the rights of the one that it is given", async () => {
  await using host = startWithRules('[[rule]]\nallow = "all"\ntopics = "client/%c/#"\n');
  const client = host.open();
  client.sendConnect({ version: 5, clientId: "" });
  const connack = await client.receive();
  const clientId = connack?.type === "connack" ? connack.assignedClientId : undefined;
  assertEquals(await client.subscribe([`client/${clientId}/#`, 0], ["client/x", 0]), [0, 0x87]);
  const other = host.open();
  other.sendConnect({ version: 5, clientId: "", will: { topic: `client/${clientId}/will` } });
  const refused = await other.receive();
  assertEquals(refused?.type === "connack" && refused.reasonCode, 0x87);
});

// NATS CVE-2026-33217 and CVE-2026-58214: the server's own topics were behind no check, or behind half of one.
Deno.test("[CVE-2026-33217] [CVE-2026-58214] what begins with $ is behind the same rules, by every name and in every share", async () => {
  await using host = startWithRules('[[rule]]\nallow = "all"\ntopics = ["#", "+/#", "%u/#"]\n');
  publishAll(host.broker, ["$SYS/broker/uptime", "$http/r/1"], { retain: true });
  const filters = [
    "$SYS/#",
    "$SYS/broker/uptime",
    "$SYS/+/uptime",
    "$http/#",
    "$http/r/1",
    "$share/g/$SYS/#",
  ];
  for (const username of ["ana", "$SYS", "$http"]) {
    const client = await host.connect({ version: 5, username });
    assertEquals(
      await client.subscribe(...filters.map((filter) => [filter, 0] as const)),
      filters.map(() => 0x87),
    );
    assertEquals(await client.subscribe(["#", 0], ["+/#", 0], ["+/broker/uptime", 0]), [0, 0, 0]);
    publishAll(host.broker, ["$SYS/broker/uptime", "$http/r/1"]);
    await client.expectNothing();
  }
  host.broker.ruleBook.replace(rulesOf('[[rule]]\nallow = "read"\ntopics = "$SYS/broker/+"\n'));
  const reader = await host.connect({ version: 5 });
  assertEquals(await reader.subscribe(["$SYS/#", 0], ["$SYS/broker/+", 0]), [0x87, 0]);
  assertEquals(await topicsCome(reader), ["$SYS/broker/uptime"]);
});

// Mosquitto CVE-2021-34434: a subscription outlived the right to it.
Deno.test("[CVE-2021-34434] new rules silence subscriptions at once, alone and shared, and give them back", async () => {
  await using host = startWithRules(EVERYTHING);
  const client = await host.connect();
  await client.subscribe(["a", 0], ["$share/g/b", 0], ["c/#", 0]);
  const topics = ["a", "b", "c/d"];
  publishAll(host.broker, topics);
  assertEquals(await topicsCome(client), topics);
  // The second says nothing against the topics, only against the filters.
  for (const text of [NOTHING, '[[rule]]\ndeny = "subscribe"\ntopics = "#"\n' + EVERYTHING]) {
    host.broker.ruleBook.replace(rulesOf(text));
    publishAll(host.broker, topics);
    await client.expectNothing();
    host.broker.ruleBook.replace(rulesOf(EVERYTHING));
    publishAll(host.broker, topics);
    assertEquals(await topicsCome(client), topics);
  }
});

// NATS CVE-2026-58209: what was on its way out of a store passed rules that live messages met.
Deno.test("retained messages that a slow client has not been sent yet stay where they are when the rules change", async () => {
  const cases = [NOTHING, '[[rule]]\ndeny = "subscribe"\ntopics = "#"\n' + EVERYTHING];
  for (const text of cases) {
    await using host = startWithRules(EVERYTHING, { limits: { inflightMax: 1 } });
    publishAll(host.broker, ["r/1", "r/2", "r/3"], { retain: true, qos: 1 });
    const client = await host.connect();
    await client.subscribe(["r/+", 1]);
    const { packetId } = await client.receivePublish();
    host.broker.ruleBook.replace(rulesOf(text));
    client.sendAck("puback", packetId);
    await client.expectNothing();
  }
});

// Mosquitto CVE-2018-12550, Moquette CVE-2026-95848: who was named nowhere was allowed.
Deno.test("who is named in no rule may do nothing, over MQTT and HTTP", async () => {
  await using host = startWithRules('[[rule]]\nallow = "all"\ntopics = "#"\nusers = "ana"\n');
  publishAll(host.broker, ["a"], { retain: true });
  for (const username of [undefined, "bob", "", "ANA", "ana ", "ana\u200b"]) {
    const client = await host.connect({ version: 5, ...(username === undefined ? {} : { username }) });
    assertEquals(await client.subscribe(["a", 0], ["#", 0]), [0x87, 0x87], username);
    await client.expectAck("puback", client.sendPublish("a", "x", { qos: 1 }), 0x87);
  }
  const bridge = createBridge(host.broker);
  for (const [user, status] of [["ana", 200], ["bob", 403], [undefined, 401]] as const) {
    const headers = authorizationOf({ user });
    const response = await bridge.fetch(new Request("http://localhost/topics/a", { headers }));
    await response.body?.cancel();
    assertEquals(response.status, status);
  }
  await bridge.close();
});

Deno.test("who authenticates by AUTH, once or again, is under the same rules as who shows a password", async () => {
  const method = new SteppedMethod();
  const rules = rulesOf('[[rule]]\nallow = "all"\ntopics = "of/%u/%c/#"\n');
  await using host = startBroker({ enhancedAuthenticators: [method], rules });
  const client = sendConnect(host, { clientId: "c", will: { topic: "of/ana/c/will" } });
  await method.answer({ step: "granted", identity: identityOf("ana") });
  await expectConnack(client, 0);
  const filters = ["#", "of/ana/+/#", "of/ana/c/#"];
  const codesOf = () => client.subscribe(...filters.map((filter) => [filter, 0] as const));
  assertEquals(await codesOf(), [0x87, 0x87, 0]);
  sendAuth(client, 0x19);
  await method.answer({ step: "granted", identity: identityOf("ana") });
  await expectAuth(client, 0);
  assertEquals(await codesOf(), [0x87, 0x87, 0]);
  await client.expectAck("puback", client.sendPublish("a", "x", { qos: 1 }), 0x87);
  host.broker.ruleBook.replace(rulesOf(NOTHING));
  client.cut();
  await eventually(() => assertEquals(host.broker.counters.refusals.denied, 2));
});

// Mosquitto CVE-2018-12546, and "Burglars' IoT Paradise": a will, once accepted, was published for whoever had left it.
Deno.test("a will that waits is published by the rules of the moment at which it fires", async () => {
  await using host = startWithRules(EVERYTHING);
  const watcher = await host.connect();
  await watcher.subscribe(["#", 0]);
  for (const [topic, retain] of [["w/1", false], ["w/2", true], ["w/3", false]] as const) {
    const client = await host.connect({
      version: 5,
      clientId: topic,
      cleanStart: false,
      will: { topic, retain, delaySeconds: 10 },
    });
    client.cut();
    await eventually(() => assertEquals(host.broker.sessions.get(topic)?.isConnected, false));
  }
  host.broker.ruleBook.replace(
    rulesOf(
      '[[rule]]\ndeny = "publish"\ntopics = "w/1"\n[[rule]]\nallow = "all"\nretain = false\ntopics = "#"\n',
    ),
  );
  host.clock.advance(11_000);
  assertEquals(await topicsCome(watcher), ["w/3"]);
  assertEquals([host.broker.counters.refusals.denied, host.broker.retained.size], [2, 0]);
});
