import { assert, assertEquals } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { BROKER_IDENTITY } from "../../broker/core/identity.ts";
import { SqliteStore } from "../../broker/store/sqlite_store.ts";
import { open5, subscribe5, textOf } from "../mqtt5/support.ts";
import { FakeDisk } from "../support/fake_store.ts";
import { restart, startOn } from "../support/restart.ts";

const encoder = new TextEncoder();

Deno.test("retained messages come back with all their properties, and the time that is left of them", async () => {
  const disk = new FakeDisk();
  const test = await startOn(disk);
  const { client } = await open5(test, { clientId: "publisher" });
  const properties = {
    payloadIsText: true,
    contentType: "text/plain; ü",
    responseTopic: "answers/1",
    correlationData: Uint8Array.of(0, 255, 0),
    expirySeconds: 100,
    userProperties: [["b", "1"], ["a", "2"], ["b", "1"], ["", ""], ["é\u0301", "😀"]] as const,
  };
  const fields = {
    topic: "r/ü",
    payload: encoder.encode("21.5 °C"),
    qos: 2,
    retain: true,
    dup: false,
  } as const;
  client.send({ type: "publish", packetId: 1, ...fields, properties });
  assertEquals((await client.receive())?.type, "pubrec");
  const again = await restart(test, disk, { seconds: 30 });
  const { client: reader } = await open5(again);
  await subscribe5(reader, [{ filter: "r/+", qos: 2 }]);
  const packet = await reader.receivePublish();
  assertEquals(packet.topic, "r/ü");
  assertEquals(textOf(packet), "21.5 °C");
  assertEquals([packet.qos, packet.retain], [2, true]);
  assertEquals(packet.properties, { ...properties, expirySeconds: 70 });
  await again.close();
});

Deno.test("the last message of a topic is what comes back, and a cleared topic has none", async () => {
  const disk = new FakeDisk();
  const test = await startOn(disk);
  const publisher = await test.connect();
  for (let number = 1; number <= 5; number++) {
    await publisher.publish("r/changed", `${number}`, { qos: 1, retain: true });
    await publisher.publish(`r/${number}`, `${number}`, { qos: 0, retain: true });
  }
  await publisher.publish("r/3", "", { qos: 1, retain: true });
  const again = await restart(test, disk);
  const reader = await again.connect();
  await reader.subscribe(["r/#", 1]);
  for (
    const [topic, payload, qos] of [["r/1", "1", 0], ["r/2", "2", 0], ["r/4", "4", 0], [
      "r/5",
      "5",
      0,
    ]] as const
  ) {
    await reader.expectPublish({ topic, payload, qos, retain: true });
  }
  await reader.takePublish({ topic: "r/changed", payload: "5", qos: 1, retain: true });
  await reader.expectNothing();
  assertEquals(again.broker.retained.size, 5);
  await again.close();
});

Deno.test("a retained message that expires while no broker runs is gone, on the disk as well", async () => {
  const disk = new FakeDisk();
  const test = await startOn(disk);
  const { client } = await open5(test);
  const fields = { topic: "r", payload: encoder.encode("x"), qos: 1, retain: true, dup: false } as const;
  client.send({ type: "publish", packetId: 1, ...fields, properties: { expirySeconds: 10 } });
  await client.receive();
  const again = await restart(test, disk, { seconds: 11 });
  const reader = await again.connect();
  await reader.subscribe(["r", 1]);
  await reader.expectNothing();
  again.clock.advance(0);
  await again.close();
  const kinds = disk.tables().records().map((record) => record.kind);
  assertEquals(kinds.filter((kind) => kind !== "state-put"), []);
});

Deno.test("[MQTT-3.1.2-7] a message that others have as well lives as long as the last of them", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  const reader = await test.connect({ clientId: "reader", cleanStart: false });
  await reader.subscribe(["r", 1]);
  await reader.disconnect();
  const publisher = await test.connect();
  await publisher.publish("r", "kept", { qos: 1, retain: true });
  await publisher.publish("r", "", { qos: 1, retain: true });
  test = await restart(test, disk);
  const messages = () => disk.tables().records().filter((record) => record.kind === "message-put").length;
  assertEquals(messages(), 2, "Retained no more, but they wait");
  const back = await test.connect({ clientId: "reader", cleanStart: false });
  await back.takePublish({ topic: "r", payload: "kept", qos: 1 });
  await back.takePublish({ topic: "r", payload: "", qos: 1 });
  await back.ping();
  await test.close();
  assertEquals(messages(), 0);
});

Deno.test("a retained message that was read from the disk keeps nothing of what was read with it", async () => {
  const folder = await Deno.makeTempDir();
  let broker = await Broker.open({ store: new SqliteStore({ folder }) });
  const properties = { correlationData: Uint8Array.of(1, 2, 3) };
  const draft = { topic: "r", payload: encoder.encode("small"), qos: 1, retain: true, properties } as const;
  assert(broker.publish(BROKER_IDENTITY, draft).accepted);
  await broker.close();
  broker = await Broker.open({ store: new SqliteStore({ folder }) });
  const message = broker.retained.get(BROKER_IDENTITY, "r")!;
  assertEquals(message.properties, properties);
  for (const bytes of [message.payload, message.properties!.correlationData!]) {
    assert(bytes.buffer.byteLength < 1_000, `${bytes.buffer.byteLength} bytes are held for ${bytes.length}`);
  }
  await broker.close();
  await Deno.remove(folder, { recursive: true });
});
