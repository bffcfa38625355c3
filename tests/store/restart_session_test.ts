import { assert, assertEquals } from "@std/assert";
import { open5, subscribe5, textOf } from "../mqtt5/support.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { FakeDisk } from "../support/fake_store.ts";
import type { ConnectOptions } from "../support/raw_client.ts";
import { type Outage, restart, startOn } from "../support/restart.ts";
import type { TestBroker } from "../support/start_broker.ts";
import { testVersions } from "../support/versions.ts";

const encoder = new TextEncoder();
const LASTING = { sessionExpirySeconds: 1_000 };

/** Both ways in which a broker ends. */
function testEnds(name: string, run: (outage: Outage) => Promise<void>): void {
  Deno.test(`${name}, after a kill`, () => run({ isOrderly: false }));
  Deno.test(`${name}, after a stop`, () => run({ isOrderly: true }));
}

/** Expects that the client has no session. */
async function expectNoSession(test: TestBroker, options: ConnectOptions): Promise<void> {
  const client = test.open();
  assertEquals(await client.connect({ cleanStart: false, ...options }), false);
  await client.disconnect();
}

testVersions("[MQTT-3.1.2-4] a session comes back whether somebody was connected or not", async (version) => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  for (const clientId of ["away", "connected"]) {
    const client = await test.connect({ version, clientId, cleanStart: false });
    await client.subscribe(["a/+", 1], ["b", 0], ["gone", 2]);
    await client.unsubscribe("gone");
    if (clientId === "away") await client.disconnect();
  }
  const clean = await test.connect({ version, clientId: "clean" });
  await clean.subscribe(["a/+", 1]);
  test = await restart(test, disk);
  assertEquals(test.broker.subscriptionCount, 4);
  const publisher = await test.connect({ version });
  await publisher.publish("a/1", "x", { qos: 2 });
  await publisher.publish("gone", "x", { qos: 2 });
  for (const clientId of ["away", "connected"]) {
    const client = test.open();
    const isPresent = await client.connect({ version, clientId, cleanStart: false });
    assert(isPresent || version === 3, "MQTT 3.1 does not tell");
    await client.takePublish({ topic: "a/1", payload: "x", qos: 1 });
    await client.expectNothing();
  }
  await expectNoSession(test, { version, clientId: "clean" });
  await test.close();
});

testEnds(
  "the shapes of a session's filters count as before, also where they are more than may be now",
  async (outage) => {
    const disk = new FakeDisk();
    let test = await startOn(disk);
    const options = { version: 4, clientId: "c", cleanStart: false } as const;
    await (await test.connect(options)).subscribe(["a/+", 0], ["a/+/c", 0]);
    for (
      const [filterShapesPerSessionMax, code] of [[3, 0x80], [2, 0x80], [4, 0]] as const
    ) {
      test = await restart(test, disk, { ...outage, options: { limits: { filterShapesPerSessionMax } } });
      const client = await test.connect(options);
      assertEquals(await client.subscribe(["b/+/c", 0], ["a/+/c", 0], ["b/+/c/d", 0], ["x/y/+/z/e", 0]), [
        0,
        0,
        code,
        0x80,
      ]);
    }
    await test.close();
  },
);

testEnds("subscriptions keep their options", async (outage) => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  const { client } = await open5(test, { clientId: "c", cleanStart: false, ...LASTING });
  await subscribe5(client, [{ filter: "own", qos: 1, noLocal: true, retainAsPublished: false }], 7);
  await subscribe5(
    client,
    [{ filter: "kept", qos: 2, noLocal: false, retainAsPublished: true }],
    268_435_455,
  );
  await subscribe5(client, [{ filter: "$share/g/shared", qos: 1 }], 3);
  test = await restart(test, disk, outage);
  const { client: back, connack } = await open5(test, {
    clientId: "c",
    cleanStart: false,
    ...LASTING,
  });
  assert(connack.sessionPresent);
  for (const topic of ["own", "kept", "shared"]) {
    back.send({
      type: "publish",
      packetId: 0,
      topic,
      payload: encoder.encode("x"),
      qos: 0,
      retain: true,
      dup: false,
    });
  }
  const kept = await back.receivePublish();
  assertEquals([kept.topic, kept.retain, kept.subscriptionIds], ["kept", true, [268_435_455]]);
  const shared = await back.receivePublish();
  assertEquals([shared.topic, shared.retain, shared.subscriptionIds], ["shared", false, [3]]);
  await back.expectNothing();
  const other = await test.connect();
  await other.publish("own", "y");
  const own = await back.receivePublish();
  assertEquals([own.topic, textOf(own), own.subscriptionIds], ["own", "y", [7]]);
  await test.close();
});

testEnds("[MQTT-4.6.0-6] messages that wait come in their order, each once", async (outage) => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  const reader = await test.connect({ clientId: "reader", cleanStart: false });
  await reader.subscribe(["a/#", 2]);
  await reader.disconnect();
  const publisher = await test.connect();
  for (let number = 1; number <= 20; number++) {
    await publisher.publish(`a/${number}`, `${number}`, { qos: number % 2 === 0 ? 1 : 2 });
  }
  test = await restart(test, disk, outage);
  await (await test.connect()).publish("a/21", "21", { qos: 1 });
  const back = await test.connect({ clientId: "reader", cleanStart: false });
  const packetIds: number[] = [];
  for (let number = 1; number <= 21; number++) {
    const qos = number === 21 || number % 2 === 0 ? 1 : 2;
    packetIds.push(await back.expectPublish({ topic: `a/${number}`, payload: `${number}`, qos }));
  }
  for (const [index, packetId] of packetIds.entries()) {
    if (index === 20 || index % 2 === 1) {
      back.sendAck("puback", packetId);
    } else {
      back.sendAck("pubrec", packetId);
      await back.expectAck("pubrel", packetId);
      back.sendAck("pubcomp", packetId);
    }
  }
  await back.expectNothing();
  await back.disconnect();
  test = await restart(test, disk, { isOrderly: true });
  const last = await test.connect({ clientId: "reader", cleanStart: false });
  await last.expectNothing();
  await test.close();
  const kinds = disk.tables().records().map((record) => record.kind);
  assertEquals(kinds.filter((kind) => kind === "delivery-put" || kind === "message-put"), []);
});

Deno.test("a message is on the disk before a QoS 1 or 2 publisher hears of it, and what was not acknowledged may be lost", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  const reader = await test.connect({ clientId: "reader", cleanStart: false });
  await reader.subscribe(["a", 2]);
  await reader.disconnect();
  const publisher = await test.connect({ clientId: "publisher", cleanStart: false });
  const acknowledged: string[] = [];
  for (let number = 1; number <= 30; number++) {
    publisher.sendPublish("a", `${number}`, { qos: 1, packetId: number });
  }
  for (let number = 1; number <= 10; number++) {
    await publisher.expectAck("puback", number);
    acknowledged.push(`${number}`);
  }
  test = await restart(test, disk);
  const back = await test.connect({ clientId: "reader", cleanStart: false });
  for (const payload of acknowledged) await back.takePublish({ topic: "a", payload, qos: 1 });
  await test.close();
});

testEnds(
  "[MQTT-4.4.0-1] what was under way is sent again, with its identifier and DUP, before what waits",
  async (outage) => {
    const disk = new FakeDisk();
    let test = await startOn(disk, { limits: { inflightMax: 3 } });
    const options = { clientId: "reader", cleanStart: false };
    const reader = await test.connect(options);
    await reader.subscribe(["a", 2]);
    const publisher = await test.connect();
    for (const [payload, qos] of [["1", 1], ["2", 2], ["3", 1], ["4", 2], ["5", 1]] as const) {
      await publisher.publish("a", payload, { qos });
    }
    const packetIds: number[] = [];
    for (const [payload, qos] of [["1", 1], ["2", 2], ["3", 1]] as const) {
      packetIds.push(await reader.expectPublish({ topic: "a", payload, qos }));
    }
    await reader.ping();
    test = await restart(test, disk, { ...outage, options: { limits: { inflightMax: 3 } } });
    const back = await test.connect(options);
    for (const [index, [payload, qos]] of ([["1", 1], ["2", 2], ["3", 1]] as const).entries()) {
      await back.expectPublish({ topic: "a", payload, qos, dup: true, packetId: packetIds[index]! });
    }
    await back.expectNothing();
    back.sendAck("puback", packetIds[0]!);
    const fourth = await back.expectPublish({ topic: "a", payload: "4", qos: 2 });
    assert(!packetIds.slice(1).includes(fourth), "An identifier that is in use");
    back.sendAck("puback", packetIds[2]!);
    await back.takePublish({ topic: "a", payload: "5", qos: 1 });
    await test.close();
  },
);

testEnds(
  "[MQTT-4.6.0-4] PUBRELs are sent again in the order of their PUBRECs, behind what is still to be received",
  async (outage) => {
    const disk = new FakeDisk();
    let test = await startOn(disk);
    const options = { clientId: "reader", cleanStart: false };
    const reader = await test.connect(options);
    await reader.subscribe(["a", 2]);
    const publisher = await test.connect();
    const packetIds: number[] = [];
    for (const payload of ["1", "2", "3", "4"]) {
      await publisher.publish("a", payload, { qos: 2 });
      packetIds.push(await reader.expectPublish({ topic: "a", payload, qos: 2 }));
    }
    const [first, second, third, fourth] = packetIds as [number, number, number, number];
    for (const packetId of [third, first, fourth]) {
      reader.sendAck("pubrec", packetId);
      await reader.expectAck("pubrel", packetId);
    }
    reader.sendAck("pubcomp", fourth);
    await reader.ping();
    test.clock.advance(100);
    await endOfTurn();
    await endOfTurn();
    test = await restart(test, disk, outage);
    const back = await test.connect(options);
    await back.expectPublish({ topic: "a", payload: "2", qos: 2, dup: true, packetId: second });
    await back.expectAck("pubrel", third);
    await back.expectAck("pubrel", first);
    await back.expectNothing();
    for (const packetId of [third, first]) back.sendAck("pubcomp", packetId);
    back.sendAck("pubrec", second);
    await back.expectAck("pubrel", second);
    back.sendAck("pubcomp", second);
    await back.ping();
    await test.close();
    assertEquals(disk.tables().records().filter((record) => record.kind === "delivery-put"), []);
  },
);

testEnds(
  "[MQTT-4.3.3-2] a QoS 2 message that a client sends again after a restart is not published again",
  async (outage) => {
    const disk = new FakeDisk();
    let test = await startOn(disk);
    const reader = await test.connect({ clientId: "reader", cleanStart: false });
    await reader.subscribe(["a", 2]);
    await reader.disconnect();
    const options = { clientId: "publisher", cleanStart: false };
    const publisher = await test.connect(options);
    for (const packetId of [1, 2, 65_535]) {
      publisher.sendPublish("a", `${packetId}`, { qos: 2, packetId });
      await publisher.expectAck("pubrec", packetId);
    }
    publisher.sendAck("pubrel", 2);
    await publisher.expectAck("pubcomp", 2);
    test = await restart(test, disk, outage);
    const again = await test.connect(options);
    for (const packetId of [1, 65_535]) {
      again.sendPublish("a", `${packetId}`, { qos: 2, packetId, dup: true });
      await again.expectAck("pubrec", packetId);
      again.sendAck("pubrel", packetId);
      await again.expectAck("pubcomp", packetId);
    }
    await again.publish("a", "new", { qos: 2, packetId: 2 });
    const back = await test.connect({ clientId: "reader", cleanStart: false });
    for (const payload of ["1", "2", "65535", "new"]) {
      await back.expectPublish({ topic: "a", payload, qos: 2 });
    }
    await back.expectNothing();
    await test.close();
  },
);

Deno.test("a message expires on its way through a restart, and what is left of its time is told", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  const options = { clientId: "reader", cleanStart: false, ...LASTING };
  const { client: reader } = await open5(test, options);
  await subscribe5(reader, [{ filter: "a", qos: 1 }]);
  await reader.disconnect();
  const publisher = (await open5(test, { clientId: "publisher" })).client;
  for (const [packetId, expirySeconds] of [[1, 10], [2, 100]] as const) {
    const fields = {
      topic: "a",
      payload: encoder.encode(`${packetId}`),
      qos: 1,
      retain: false,
      dup: false,
    } as const;
    publisher.send({ type: "publish", packetId, ...fields, properties: { expirySeconds } });
    await publisher.expectAck("puback", packetId);
  }
  test.clock.advance(5_000);
  test = await restart(test, disk, { seconds: 20 });
  const { client: back } = await open5(test, options);
  const packet = await back.receivePublish();
  assertEquals([textOf(packet), packet.properties?.expirySeconds], ["2", 75]);
  await back.expectNothing();
  assertEquals(test.broker.counters.deliveries["dropped:expired"], 1);
  await test.close();
});

testEnds(
  "[MQTT5-3.1.2-23] a session ends when its time is over, running or not, and takes everything with it",
  async (outage) => {
    const disk = new FakeDisk();
    let test = await startOn(disk);
    const lasts = (clientId: string, sessionExpirySeconds: number) =>
      open5(test, { clientId, cleanStart: false, sessionExpirySeconds });
    for (const [clientId, seconds] of [["short", 60], ["long", 600]] as const) {
      const { client } = await lasts(clientId, seconds);
      await subscribe5(client, [{ filter: "a", qos: 1 }]);
      await client.disconnect();
    }
    const publisher = await test.connect();
    await publisher.publish("a", "x", { qos: 1 });
    test.clock.advance(30_000);
    await publisher.ping();
    test = await restart(test, disk, { ...outage, seconds: 20 });
    assertEquals(test.broker.sessions.size, 2);
    test.clock.advance(11_000);
    assertEquals(test.broker.sessions.size, 1, "60 seconds after it left");
    assertEquals(test.broker.subscriptionCount, 1);
    test = await restart(test, disk, { isOrderly: true, seconds: 600 });
    await expectNoSession(test, { clientId: "long", version: 5, sessionExpirySeconds: 5 });
    test.clock.advance(10_000);
    await test.close();
    const kinds = disk.tables().records().map((record) => record.kind);
    assertEquals(kinds.filter((kind) => kind !== "state-put"), []);
  },
);

Deno.test("the time of a session whose client was connected when the broker was killed begins at the next start", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  await open5(test, { clientId: "c", cleanStart: false, sessionExpirySeconds: 60 });
  test = await restart(test, disk, { seconds: 1_000 });
  test.clock.advance(59_000);
  assertEquals(test.broker.sessions.size, 1);
  test = await restart(test, disk, { seconds: 0 });
  test.clock.advance(2_000);
  assertEquals(test.broker.sessions.size, 0, "A second kill does not begin it anew");
  await test.close();
});

Deno.test("[MQTT-3.1.2-6] a clean session leaves nothing of the one before it", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  const reader = await test.connect({ clientId: "c", cleanStart: false });
  await reader.subscribe(["a", 2]);
  await (await test.connect()).publish("a", "x", { qos: 2 });
  await reader.expectPublish({ topic: "a", payload: "x", qos: 2 });
  const clean = await test.connect({ clientId: "c" });
  await clean.ping();
  test = await restart(test, disk);
  await expectNoSession(test, { clientId: "c" });
  assertEquals(test.broker.subscriptionCount, 0);
  await test.close();
});

Deno.test("[MQTT5-4.8.2-5] what an expired member of a shared subscription had goes to another after the restart", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  const member = (clientId: string, sessionExpirySeconds: number) =>
    open5(test, { clientId, cleanStart: false, sessionExpirySeconds });
  const { client: short } = await member("short", 10);
  await subscribe5(short, [{ filter: "$share/g/a", qos: 1 }]);
  const publisher = await test.connect();
  for (const payload of ["1", "2"]) await publisher.publish("a", payload, { qos: 1 });
  await short.receivePublish();
  await short.receivePublish();
  const { client: long } = await member("long", 1_000);
  await subscribe5(long, [{ filter: "$share/g/a", qos: 1 }]);
  await long.disconnect();
  short.cut();
  await publisher.ping();
  test = await restart(test, disk, { seconds: 20 });
  const { client: back } = await member("long", 1_000);
  test.clock.advance(11_000);
  for (const payload of ["1", "2"]) await back.takePublish({ topic: "a", payload, qos: 1 });
  await back.expectNothing();
  await test.close();
});
