import { assertEquals, assertLessOrEqual } from "@std/assert";
import { RecordBatch } from "../../broker/store/record_batch.ts";
import type { StoreRecord } from "../../broker/store/records.ts";
import { RandomRecords } from "../support/random_records.ts";
import { Tables } from "../support/tables.ts";
import { Random } from "../topic/random_names.ts";

const MESSAGE = {
  kind: "message-put",
  sequence: 1,
  time: 0,
  topic: "abc",
  payload: new Uint8Array(10),
  qos: 1,
  retain: false,
  properties: undefined,
  publisherId: undefined,
} as const;
const DELIVERY = {
  kind: "delivery-put",
  deliveryId: 1,
  sessionId: 1,
  sequence: 1,
  qos: 1,
  retain: false,
  packetId: 0,
  identifiers: undefined,
  sharedFilter: undefined,
} as const;
const SESSION = {
  kind: "session-put",
  sessionId: 1,
  clientId: "c",
  identity: "i",
  expirySeconds: 1,
  expiresAt: Infinity,
} as const;

function batchOf(...records: StoreRecord[]): RecordBatch {
  const batch = new RecordBatch();
  for (const record of records) batch.add(record);
  return batch;
}

Deno.test("a batch keeps the records of different rows in their order", () => {
  const records = [MESSAGE, DELIVERY, { ...DELIVERY, deliveryId: 2 }, SESSION];
  const batch = batchOf(...records);
  assertEquals([...batch], records);
  assertEquals(batch.size, 4);
});

Deno.test("a message that was delivered and acknowledged before the commit costs the disk nothing", () => {
  const batch = batchOf(
    MESSAGE,
    DELIVERY,
    { kind: "delivery-sent", deliveryId: 1, packetId: 7 },
    { kind: "delivery-deleted", deliveryId: 1 },
    { kind: "message-deleted", sequence: 1 },
  );
  assertEquals([...batch], []);
  assertEquals([batch.size, batch.bytes], [0, 0]);
});

Deno.test("a delivery that is sent before the commit is put as sent", () => {
  const batch = batchOf(DELIVERY, { kind: "delivery-sent", deliveryId: 1, packetId: 7 });
  assertEquals([...batch], [{ ...DELIVERY, packetId: 7 }]);
});

Deno.test("of a row that was there before, the last word is what is written", () => {
  assertEquals([...batchOf({ kind: "delivery-sent", deliveryId: 1, packetId: 7 }, {
    kind: "delivery-deleted",
    deliveryId: 1,
  })], [{ kind: "delivery-deleted", deliveryId: 1 }]);
  assertEquals(
    [...batchOf(SESSION, { ...SESSION, expiresAt: 5 })],
    [{ ...SESSION, expiresAt: 5 }],
  );
});

Deno.test("a message that is deleted and wanted again stays as it is on the disk", () => {
  const deleted = { kind: "message-deleted", sequence: 1 } as const;
  assertEquals([...batchOf(deleted, MESSAGE)], []);
  assertEquals([...batchOf(deleted, MESSAGE, deleted)], [deleted]);
  assertEquals([...batchOf(MESSAGE, deleted, MESSAGE)], [MESSAGE]);
});

Deno.test("the end of a session comes behind whatever was put for it", () => {
  const inbound = { kind: "inbound-put", sessionId: 1, packetId: 1 } as const;
  const ended = { kind: "session-deleted", sessionId: 1 } as const;
  assertEquals([...batchOf(SESSION, inbound, ended)], [inbound, ended]);
});

Deno.test("the bytes of a batch follow what is in it", () => {
  const batch = batchOf(MESSAGE);
  const bytes = batch.bytes;
  assertEquals(bytes >= 13, true);
  batch.add({ kind: "retained-put", topic: "abc", sequence: 1 });
  assertEquals(batch.bytes > bytes, true);
  batch.add({ kind: "retained-deleted", topic: "abc" });
  batch.add({ kind: "message-deleted", sequence: 1 });
  assertEquals(batch.bytes, batchOf({ kind: "retained-deleted", topic: "abc" }).bytes);
});

Deno.test("batches come to the same as their records one by one, however they are cut and joined", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed);
    const source = new RandomRecords(random);
    const [expected, actual] = [new Tables(), new Tables()];
    for (let round = 0; round < 5; round++) {
      const first = batchOf(...source.take(random.below(40)));
      const later = source.take(random.below(40));
      const firstRecords = [...first];
      first.addAll(batchOf(...later));
      actual.applyAll(first);
      expected.applyAll(firstRecords).applyAll(later);
      assertEquals(actual.records(), expected.records(), `Seed ${seed}`);
      assertEquals(first.size, [...first].length);
    }
  }
});

Deno.test("of a batch that may or may not be on the disk nothing is left out: the next one is right either way", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed);
    const source = new RandomRecords(random);
    const before = new Tables().applyAll(source.take(60));
    const failed = source.take(1 + random.below(40));
    const batch = batchOf(...failed);
    const expected = before.clone().applyAll(failed);
    let disks = [before];
    for (let tries = 0; tries < 3; tries++) {
      // Each try may have come to each of the disks that there may be.
      disks = [...disks, ...disks.map((disk) => disk.clone().applyAll(batch))];
      batch.doubt();
      const later = source.take(random.below(40));
      batch.addAll(batchOf(...later));
      expected.applyAll(later);
      for (const disk of disks) {
        assertEquals(disk.clone().applyAll(batch).records(), expected.records(), `Seed ${seed}`);
      }
    }
  }
});

Deno.test("what came and went leaves no room taken, and the rest in its order", () => {
  const batch = batchOf(SESSION);
  const kept: StoreRecord[] = [SESSION];
  for (let deliveryId = 1; deliveryId <= 100_000; deliveryId++) {
    const delivery = { ...DELIVERY, deliveryId };
    batch.add(delivery);
    if (deliveryId % 100 === 0) kept.push(delivery);
    else batch.add({ kind: "delivery-deleted", deliveryId });
    assertLessOrEqual(batch.placeCount, 2 * batch.size + 1_000);
  }
  assertEquals(batch.size, kept.length);
  assertEquals([...batch], kept);
  const changed = { ...DELIVERY, deliveryId: 100, packetId: 7 };
  batch.add({ kind: "delivery-sent", deliveryId: 100, packetId: 7 });
  assertEquals([...batch][1], changed);
  assertEquals(batch.size, kept.length);
});
