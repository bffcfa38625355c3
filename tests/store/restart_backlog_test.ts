import { assert, assertEquals } from "@std/assert";
import type { RecordOf } from "../../broker/store/records.ts";
import { FakeDisk } from "../support/fake_store.ts";
import type { RawClient } from "../support/raw_client.ts";
import { restart, startOn } from "../support/restart.ts";
import type { TestBroker } from "../support/start_broker.ts";

const TOPICS = Array.from({ length: 40 }, (_, index) => `r/${index}`);
const LIMITS = { inflightMax: 4 };
const READER = { clientId: "reader", cleanStart: false };

async function retain(test: TestBroker): Promise<void> {
  const publisher = await test.connect();
  for (const topic of TOPICS) await publisher.publish(topic, "kept", { qos: 1, retain: true });
}

/** Takes so many retained messages; answers their topics. */
async function take(client: RawClient, count: number): Promise<string[]> {
  const topics: string[] = [];
  for (let taken = 0; taken < count; taken++) {
    const packet = await client.receivePublish();
    if (!packet.dup) assert(packet.retain, packet.topic);
    topics.push(packet.topic);
    client.sendAck("puback", packet.packetId);
  }
  return topics;
}

Deno.test("the retained messages of a new subscription come all, though the broker is killed between them", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk, { limits: LIMITS });
  await retain(test);
  const reader = await test.connect(READER);
  await reader.subscribe(["r/+", 1]);
  const topics = await take(reader, 10);
  await reader.ping();
  test = await restart(test, disk, { options: { limits: LIMITS } });
  const back = await test.connect(READER);
  while (new Set(topics).size < TOPICS.length) topics.push(...await take(back, 1));
  assertEquals([...new Set(topics)].sort(), TOPICS.toSorted());
  await test.close();
});

Deno.test("what was published live while the backlog waits through a restart does not come before an older value", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk, { limits: LIMITS });
  await retain(test);
  const reader = await test.connect(READER);
  await reader.subscribe(["r/+", 1]);
  await take(reader, 1);
  await reader.ping();
  test = await restart(test, disk, { options: { limits: LIMITS } });
  const publisher = await test.connect();
  for (const topic of TOPICS) await publisher.publish(topic, "new", { qos: 1, retain: true });
  const back = await test.connect(READER);
  const last = new Map<string, string>();
  const isDone = () =>
    last.size === TOPICS.length && [...last.values()].every((payload) => payload === "new");
  while (!isDone()) {
    const packet = await back.receivePublish();
    const payload = new TextDecoder().decode(packet.payload);
    assert(!(last.get(packet.topic) === "new" && payload === "kept"), `${packet.topic} went back`);
    last.set(packet.topic, payload);
    back.sendAck("puback", packet.packetId);
  }
  await back.ping();
  await test.close();
});

Deno.test("a backlog that was sent does not come again, and one that was unsubscribed is forgotten", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  await retain(test);
  const reader = await test.connect(READER);
  await reader.subscribe(["r/+", 1]);
  await take(reader, TOPICS.length);
  await reader.expectNothing();
  const subscription = () => disk.tables().records().find((record) => record.kind === "subscription-put");
  test.clock.advance(100);
  await reader.ping();
  test = await restart(test, disk, { isOrderly: true });
  assertEquals((subscription() as RecordOf<"subscription-put">).hasBacklog, false);
  const back = await test.connect(READER);
  await back.expectNothing();
  await back.subscribe(["r/+", 1]);
  await back.ping();
  for (let packet = back.take(); packet; packet = back.take()) assert(packet.type === "publish");
  await back.unsubscribe("r/+");
  test = await restart(test, disk);
  const last = await test.connect(READER);
  await last.ping();
  for (let packet = last.take(); packet; packet = last.take()) {
    assert(packet.type === "publish" && packet.dup, "Only what was under way");
  }
  await test.close();
});
