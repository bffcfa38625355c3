import { assertEquals } from "@std/assert";
import { HeldStore } from "../support/held_store.ts";
import type { RawClient } from "../support/raw_client.ts";
import { startBroker, type TestBroker } from "../support/start_broker.ts";
import { connect5, LASTING, subscribe5, textOf } from "./support.ts";

const FILTER = "$share/g/a";

/** Two members of one shared subscription, whose sessions last; the first has the first turn. */
async function connectMembers(test: TestBroker): Promise<[RawClient, RawClient]> {
  const members: RawClient[] = [];
  for (const clientId of ["one", "two"]) {
    const member = await connect5(test, { ...LASTING, clientId });
    assertEquals(await member.subscribe([FILTER, 2]), [2]);
    members.push(member);
  }
  return members as [RawClient, RawClient];
}

Deno.test("[MQTT5-4.8.2-1] [MQTT5-4.8.2-2] a shared filter has a name without wildcards and a filter behind it", async () => {
  await using test = startBroker();
  const client = await connect5(test);
  const filters = [
    "$share//a",
    "$share/",
    "$share/g",
    "$share/g/",
    "$share/g+/a",
    "$share/#/a",
    "$share/+/a",
  ];
  const codes = await subscribe5(client, filters.map((filter) => ({ filter, qos: 1 as const })));
  assertEquals(codes, filters.map(() => 0x8f));
  assertEquals(test.broker.subscriptionCount, 0);
});

Deno.test("[MQTT5-4.8.2-2] what is behind the name is the filter, with its slashes and wildcards", async () => {
  await using test = startBroker();
  const client = await connect5(test);
  assertEquals(await client.subscribe(["$share/g//a", 0], ["$share/g/b/+/#", 0]), [0, 0]);
  for (const topic of ["a", "/a", "b", "b/1", "b//2/3", "g/a"]) await client.publish(topic, "x");
  for (const topic of ["/a", "b/1", "b//2/3"]) await client.expectPublish({ topic, payload: "x" });
  await client.expectNothing();
});

Deno.test("[MQTT5-4.8.2-3] each member has its own granted QoS", async () => {
  await using test = startBroker();
  const publisher = await connect5(test);
  const members = [];
  for (const qos of [0, 1, 2] as const) {
    const member = await connect5(test);
    await member.subscribe([FILTER, qos]);
    members.push(member);
  }
  for (let round = 0; round < 2; round++) {
    for (const [qos, member] of members.entries()) {
      await publisher.publish("a", `${round}`, { qos: 2 });
      await member.takePublish({ topic: "a", payload: `${round}`, qos: qos as 0 | 1 | 2 });
    }
  }
});

for (const step of ["PUBLISH", "PUBREC", "PUBREL"] as const) {
  Deno.test(`[MQTT5-4.8.2-4] QoS 2 cut after ${step} is completed to the same member`, async () => {
    await using test = startBroker();
    const [one, two] = await connectMembers(test);
    const publisher = await connect5(test);
    await publisher.publish("a", "1", { qos: 2 });
    const packetId = await one.expectPublish({ topic: "a", payload: "1", qos: 2 });
    if (step !== "PUBLISH") one.sendAck("pubrec", packetId);
    if (step === "PUBREL") await one.expectAck("pubrel", packetId);
    await one.ping();
    one.cut();
    await two.expectNothing();
    const again = await connect5(test, { ...LASTING, clientId: "one" });
    if (step === "PUBLISH") {
      await again.expectPublish({ topic: "a", payload: "1", qos: 2, dup: true, packetId });
      again.sendAck("pubrec", packetId);
    }
    await again.expectAck("pubrel", packetId);
    again.sendAck("pubcomp", packetId);
    for (const member of [again, two]) await member.expectNothing();
  });
}

Deno.test("[MQTT5-4.8.2-5] QoS 2 that a member began ends with its session", async () => {
  await using test = startBroker();
  const [one, two] = await connectMembers(test);
  const publisher = await connect5(test);
  await publisher.publish("a", "1", { qos: 2 });
  await one.expectPublish({ topic: "a", payload: "1", qos: 2 });
  one.cut();
  await two.ping();
  test.clock.advance(LASTING.sessionExpirySeconds * 1000 + 1000);
  assertEquals(test.broker.sessions.get("one"), undefined);
  await two.expectNothing();
});

for (const [qos, type] of [[1, "puback"], [2, "pubrec"]] as const) {
  Deno.test(`[MQTT5-4.8.2-6] what a member answers with an error in ${type.toUpperCase()} is offered to nobody else`, async () => {
    await using test = startBroker();
    const [one, two] = await connectMembers(test);
    const publisher = await connect5(test);
    await publisher.publish("a", "1", { qos });
    const packetId = await one.expectPublish({ topic: "a", payload: "1", qos });
    one.send({ type, packetId, reasonCode: 0x80 });
    await two.expectNothing();
    one.send({ type: "disconnect", reasonCode: 0, sessionExpirySeconds: 0 }); // Nor when it leaves for good.
    await one.expectClosed();
    await two.expectNothing();
  });
}

Deno.test("[MQTT5-3.3.4-5] a copy for a shared subscription has its identifier, one for another its own", async () => {
  await using test = startBroker();
  const client = await connect5(test);
  await subscribe5(client, [{ filter: "a", qos: 0 }], 1);
  await subscribe5(client, [{ filter: FILTER, qos: 0 }], 2);
  await subscribe5(client, [{ filter: "$share/h/+", qos: 0 }]);
  await (await connect5(test)).publish("a", "x");
  const identifiers: number[][] = [];
  for (let copy = 0; copy < 3; copy++) {
    const packet = await client.receivePublish();
    assertEquals(textOf(packet), "x");
    identifiers.push([...packet.subscriptionIds]);
  }
  assertEquals(identifiers.sort(), [[], [1], [2]]);
  await client.expectNothing();
});

Deno.test("[MQTT5-3.3.2-5] what expired while a member had it goes to no other when the session ends", async () => {
  await using test = startBroker();
  const { counters } = test.broker;
  const absent = await connect5(test, { ...LASTING, clientId: "absent" });
  await absent.subscribe([FILTER, 1]);
  await absent.disconnect();
  const publisher = await connect5(test);
  for (const [packetId, expirySeconds] of [[1, 5], [2, 500]] as const) {
    const payload = new TextEncoder().encode(`${expirySeconds} s`);
    const properties = { expirySeconds };
    publisher.send({
      type: "publish",
      topic: "a",
      payload,
      qos: 1,
      retain: false,
      dup: false,
      packetId,
      properties,
    });
    await publisher.expectAck("puback", packetId);
  }
  const other = await connect5(test);
  await other.subscribe([FILTER, 1]);
  test.clock.advance(5_000);
  const again = await connect5(test, { clientId: "absent" });
  assertEquals(textOf(await other.receivePublish()), "500 s");
  await other.expectNothing();
  await again.expectNothing();
  assertEquals(counters.deliveries["dropped:expired"], 1);
});

Deno.test("while the store fails, a group gets QoS 1 as long as nothing need be kept for a member", async () => {
  const store = new HeldStore();
  await using test = startBroker({ store });
  const lasting = await connect5(test, { ...LASTING, clientId: "lasting" });
  await lasting.subscribe(["$share/lasting/kept", 1], ["$share/mixed/a", 0]);
  const worker = await connect5(test);
  await worker.subscribe([FILTER, 1]);
  const [first, publisher] = [await connect5(test), await connect5(test)];
  store.hold();
  first.isConnected = false;
  first.sendPublish("kept", "x", { qos: 1, packetId: 1 });
  await store.commitCalled(1);
  store.reject();
  await first.expectClosed();
  publisher.sendPublish("a", "x", { qos: 1, packetId: 2 });
  publisher.sendPublish("kept", "x", { qos: 1, packetId: 3 });
  const codes: unknown[] = [];
  for (let count = 0; count < 2; count++) {
    const packet = await publisher.receive();
    codes.push(packet?.type === "puback" && packet.reasonCode);
  }
  store.release();
  assertEquals(codes, [0x00, 0x97]);
  await worker.expectPublish({ topic: "a", payload: "x", qos: 1 });
});
