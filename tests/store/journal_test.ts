import { assert, assertEquals } from "@std/assert";
import { silentLog } from "../../broker/core/log.ts";
import { Message } from "../../broker/core/message.ts";
import { Turn } from "../../broker/core/turn.ts";
import { Journal, type KeptDelivery } from "../../broker/store/journal.ts";
import type { RecordKind, StoreRecord } from "../../broker/store/records.ts";
import type { Store } from "../../broker/store/store.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { HeldStore } from "../support/held_store.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const SESSION = { clientId: "c", identity: "i", expirySeconds: 1, expiresAt: Infinity };

/** Remembers what it is told, and how often it was asked to keep it. */
class ToldStore implements Store {
  readonly durable = true;
  readonly pendingBytes = 0;
  readonly records: StoreRecord[] = [];
  commitCount = 0;

  async *load(): AsyncGenerator<never> {}

  append(record: StoreRecord): void {
    this.records.push(record);
  }

  commit(): undefined {
    this.commitCount++;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Takes the kinds of what it was told since the last time. */
  takeKinds(): RecordKind[] {
    return this.records.splice(0).map(({ kind }) => kind);
  }
}

function start() {
  const store = new ToldStore();
  const clock = new SimulatedClock();
  const turn = new Turn(store, { log: silentLog, clock });
  return { store, clock, journal: new Journal(store, turn, { clock, pendingBytesMax: Infinity }) };
}

function message(sequence: number): Message {
  return new Message({ topic: "a", payload: new Uint8Array(1), qos: 1, retain: false }, sequence, 0);
}

function deliveryOf(message: Message): KeptDelivery {
  return { message, qos: 1, retain: false, identifiers: [], sharedFilter: undefined };
}

Deno.test("a message is put with the first who has it and goes with the last", () => {
  const { store, journal } = start();
  const [one, other] = [message(1), message(2)];
  const first = journal.deliveryPut(1, deliveryOf(one), 0);
  const second = journal.deliveryPut(2, deliveryOf(one), 7);
  journal.retainedPut(one, undefined);
  assertEquals(store.takeKinds(), ["message-put", "delivery-put", "delivery-put", "retained-put"]);
  journal.deliveryDeleted(first, one);
  journal.retainedPut(other, one);
  assertEquals(store.takeKinds(), ["delivery-deleted", "message-put", "retained-put"]);
  journal.deliveryDeleted(second, one);
  assertEquals(store.takeKinds(), ["delivery-deleted", "message-deleted"]);
  journal.retainedDeleted(other);
  assertEquals(store.takeKinds(), ["retained-deleted", "message-deleted"]);
});

Deno.test("a message that is wanted again after the last let it go is put again", () => {
  const { store, journal } = start();
  const one = message(1);
  journal.deliveryDeleted(journal.deliveryPut(1, deliveryOf(one), 0), one);
  store.takeKinds();
  journal.deliveryPut(1, deliveryOf(one), 0);
  assertEquals(store.takeKinds(), ["message-put", "delivery-put"]);
});

Deno.test("PUBREC lets the message go, and puts the flow behind all others", () => {
  const { store, journal } = start();
  const one = message(1);
  const first = journal.deliveryPut(1, deliveryOf(one), 5);
  const later = journal.deliveryPut(1, deliveryOf(message(2)), 6);
  store.takeKinds();
  const released = journal.deliveryReleased(first, 1, 5, one);
  assert(released > later);
  const [, , put] = store.records;
  assertEquals(store.takeKinds(), ["delivery-deleted", "message-deleted", "delivery-put"]);
  assert(put?.kind === "delivery-put");
  assertEquals([put.deliveryId, put.sequence, put.packetId], [released, 0, 5]);
});

Deno.test("what was loaded counts: no number is given twice, and a message stays until its last goes", () => {
  const { store, journal } = start();
  const one = message(1);
  journal.loadedIds(7, 0);
  journal.loadedIds(3, 900);
  journal.loadedHolder(one);
  journal.loadedHolder(one);
  assertEquals(journal.sessionBegun(SESSION), 8);
  assertEquals(journal.deliveryPut(8, deliveryOf(one), 0), 901);
  for (const deliveryId of [901, 900]) journal.deliveryDeleted(deliveryId, one);
  assert(!store.takeKinds().includes("message-deleted"));
  journal.retainedDeleted(one);
  assertEquals(store.takeKinds(), ["retained-deleted", "message-deleted"]);
});

Deno.test("what is promised is committed when the turn ends, what only tidies up waits for company, but not for ever", async () => {
  const { store, clock, journal } = start();
  const deliveryId = journal.deliveryPut(1, deliveryOf(message(1)), 0);
  assertEquals(journal.promiseCount, 2);
  await endOfTurn();
  assertEquals(store.commitCount, 1);
  journal.deliveryDeleted(deliveryId, undefined);
  assertEquals(journal.promiseCount, 2, "A note is no promise");
  await endOfTurn();
  assertEquals(store.commitCount, 1);
  clock.advance(1_000);
  await endOfTurn();
  assertEquals(store.commitCount, 2);
});

Deno.test("the ten thousand deliveries of a session that ended are deleted in slices, each with its message", () => {
  const { store, clock, journal } = start();
  const shared = message(20_000);
  const deliveries = Array.from({ length: 10_000 }, (_, index): [number, Message] => {
    const its = index % 2 === 0 ? message(index + 1) : shared;
    return [journal.deliveryPut(1, deliveryOf(its), 0), its];
  });
  store.takeKinds();
  journal.sessionDeleted(1, deliveries);
  assertEquals(store.takeKinds(), ["session-deleted"]);
  const deleted = new Set<number>();
  let messageCount = 0;
  let sliceCount = 0;
  for (; deleted.size < deliveries.length; sliceCount++) {
    clock.advance(20);
    const slice = store.records.splice(0);
    assert(slice.length > 0 && slice.length <= 2_001, `${slice.length} records`);
    for (const record of slice) {
      if (record.kind === "delivery-deleted") deleted.add(record.deliveryId);
      else messageCount++;
    }
  }
  assertEquals(sliceCount, 10);
  assertEquals(messageCount, 5_001, "Half of them had one of their own");
  clock.advance(1_000);
  assertEquals(store.takeKinds(), []);
  assertEquals(clock.timerCount, 0);
});

Deno.test("two sessions that end while one is swept are swept as well, and close leaves nothing for later", () => {
  const { store, clock, journal } = start();
  const put = (sessionId: number) =>
    Array.from({ length: 1_500 }, (): [number, undefined] => [
      journal.deliveryPut(sessionId, deliveryOf(message(1)), 0),
      undefined,
    ]);
  const [one, other] = [put(1), put(2)];
  store.takeKinds();
  journal.sessionDeleted(1, one);
  clock.advance(20);
  journal.sessionDeleted(2, other);
  journal.close();
  assertEquals(store.takeKinds().filter((kind) => kind === "delivery-deleted").length, 3_000);
  clock.advance(1_000);
  assertEquals(store.takeKinds(), []);
});

Deno.test("a message of an ended session that another takes before it is swept stays in the store", () => {
  const { store, clock, journal } = start();
  const [taken, left] = [message(1), message(2)];
  const deliveries = [taken, left].map((its): [number, Message] => [
    journal.deliveryPut(1, deliveryOf(its), 0),
    its,
  ]);
  journal.sessionDeleted(1, deliveries);
  store.takeKinds();
  journal.deliveryPut(2, deliveryOf(taken), 0);
  assertEquals(store.takeKinds(), ["delivery-put"]);
  clock.advance(20);
  const deleted = store.records.filter((record) => record.kind === "message-deleted");
  assertEquals(deleted.map(({ sequence }) => sequence), [2]);
});

Deno.test("nothing is swept while the store fails or is busy, and all of it afterwards", async () => {
  for (const isFailing of [true, false]) {
    const store = new HeldStore();
    const clock = new SimulatedClock();
    const turn = new Turn(store, { log: silentLog, clock });
    const journal = new Journal(store, turn, { clock, pendingBytesMax: 0 });
    const deliveries = Array.from({ length: 2_500 }, (_, index): [number, Message] => {
      const its = message(index + 1);
      return [journal.deliveryPut(1, deliveryOf(its), 0), its];
    });
    await endOfTurn();
    store.hold();
    journal.sessionDeleted(1, deliveries);
    if (!isFailing) store.pendingBytes = 1; // What others have put since, and nobody asked about.
    await store.commitCalled(1);
    if (isFailing) store.reject();
    else store.resolve();
    await endOfTurn();
    clock.advance(900);
    assertEquals(store.kinds, ["session-deleted"]);
    store.release();
    store.pendingBytes = 0;
    clock.advance(100);
    await endOfTurn();
    clock.advance(100);
    assertEquals(store.kinds.length, 1 + 2 * deliveries.length);
    journal.close();
    await turn.close();
  }
});

Deno.test("a journal without deliveries to sweep waits for nothing", () => {
  const { clock, journal } = start();
  journal.sessionDeleted(1, []);
  journal.close();
  assertEquals(clock.timerCount, 0);
});
