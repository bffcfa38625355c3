import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { RecordOf, StoreRecord } from "../../broker/store/records.ts";
import { StoreError } from "../../broker/store/store.ts";
import { FakeDisk } from "../support/fake_store.ts";
import { startOn } from "../support/restart.ts";

const MESSAGE: RecordOf<"message-put"> = {
  kind: "message-put",
  sequence: 1,
  time: 0,
  topic: "a",
  payload: new TextEncoder().encode("x"),
  qos: 2,
  retain: false,
  properties: undefined,
  publisherId: undefined,
};
const SESSION: StoreRecord = {
  kind: "session-put",
  sessionId: 1,
  clientId: "c",
  identity: "anonymous",
  expirySeconds: 1_000,
  expiresAt: Infinity,
};
const DELIVERY: RecordOf<"delivery-put"> = {
  kind: "delivery-put",
  deliveryId: 1,
  sessionId: 1,
  sequence: 1,
  qos: 2,
  retain: false,
  packetId: 5,
  identifiers: undefined,
  sharedFilter: undefined,
};

function diskWith(...records: StoreRecord[]): FakeDisk {
  const disk = new FakeDisk();
  disk.commits.push(records);
  return disk;
}

Deno.test("what belongs to nothing is left out, and forgotten", async () => {
  const disk = diskWith(
    SESSION,
    MESSAGE,
    { ...MESSAGE, sequence: 2 },
    { ...DELIVERY, deliveryId: 2, sessionId: 9 },
    { ...DELIVERY, deliveryId: 3, sequence: 9 },
    { kind: "retained-put", topic: "a", sequence: 9 },
    { kind: "inbound-put", sessionId: 9, packetId: 1 },
  );
  const test = await startOn(disk);
  assertEquals([test.broker.retained.size, test.broker.sessions.get("c")!.outbound.pendingCount], [0, 0]);
  test.clock.advance(1_000);
  await test.close();
  const kinds = disk.tables().records().map(({ kind }) => kind);
  assertEquals(kinds.filter((kind) => kind === "message-put" || kind === "delivery-put"), []);
});

Deno.test("two flows under one packet identifier, which nobody wrote, do not keep the broker from starting", async () => {
  const disk = diskWith(SESSION, MESSAGE, DELIVERY, { ...DELIVERY, deliveryId: 2 }, {
    ...DELIVERY,
    deliveryId: 3,
    sequence: 0,
  });
  const test = await startOn(disk);
  const client = await test.connect({ clientId: "c", cleanStart: false });
  await client.expectPublish({ topic: "a", payload: "x", qos: 2, dup: true, packetId: 5 });
  await client.expectNothing();
  client.sendAck("pubrec", 5);
  await client.expectAck("pubrel", 5);
  client.sendAck("pubcomp", 5);
  await client.ping();
  test.clock.advance(1_000);
  await test.close();
  assertEquals(disk.tables().records().filter(({ kind }) => kind === "delivery-put"), []);
});

Deno.test("properties that cannot be read keep the broker from starting, in one line that says so", async () => {
  const disk = diskWith({ ...MESSAGE, properties: Uint8Array.of(0x7f, 0xff) }, {
    kind: "retained-put",
    topic: "a",
    sequence: 1,
  });
  const error = await assertRejects(() => startOn(disk), StoreError);
  assertStringIncludes(error.message, "backup");
  assertEquals(error.message.includes("\n"), false);
});
