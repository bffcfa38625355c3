import { assert, assertEquals, assertRejects, equal } from "@std/assert";
import type { PutKind, RecordKind, StoreRecord } from "../../broker/store/records.ts";
import { CommitError, type Store } from "../../broker/store/store.ts";
import { DELIVERY, EDGES, REMOVALS, sameKey, SEQUENCE_MAX, SUBSCRIPTION, WILL } from "./store_records.ts";
import { RandomRecords } from "../support/random_records.ts";
import { inOrder, PUT_KINDS, Tables } from "../support/tables.ts";
import { Random } from "../topic/random_names.ts";

/** Where one kind of store keeps its records, empty at first. */
export interface StorePlace extends AsyncDisposable {
  /** A store on what is there; the one before it is closed, or belongs to a process that is no more. */
  open(): Store;
}

export interface StoreUnderTest {
  readonly name: string;
  create(): Promise<StorePlace> | StorePlace;
}

/** What every store must do that outlives the process. */
export function testStore(storeUnderTest: StoreUnderTest): void {
  const test = (name: string, run: (bench: Bench) => Promise<void>) =>
    Deno.test(`${storeUnderTest.name}: ${name}`, async () => {
      await using place = await storeUnderTest.create();
      const bench = new Bench(place);
      assertRecords(await bench.reopen(), [], "An empty place has nothing");
      await run(bench);
      await bench.close();
    });
  testRecords(test);
  testCommits(test);
}

type Test = (name: string, run: (bench: Bench) => Promise<void>) => void;

function testRecords(test: Test): void {
  test("every kind of record comes back with every field as it was, at the edges of what it can be", async (bench) => {
    const kinds = new Set<RecordKind>(EDGES.map((record) => record.kind));
    assertEquals(PUT_KINDS.filter((kind) => !kinds.has(kind)), [], "Kinds without an example");
    await bench.commit(EDGES);
    assertRecords(await bench.reopen(), new Tables().applyAll(EDGES).records());
  });

  test("a record takes the place of an earlier one with the same key", async (bench) => {
    const later = EDGES.map((record) => sameKey(record));
    await bench.commit(EDGES);
    await bench.commit(later);
    assertRecords(await bench.reopen(), new Tables().applyAll([...EDGES, ...later]).records());
  });

  test("every kind of removal and change does what it says, and spares its neighbours", async (bench) => {
    const before = [...EDGES, ...REMOVALS.flatMap(([records]) => records)];
    await bench.commit(before);
    for (const [records, removal] of REMOVALS) {
      const tables = new Tables().applyAll(await bench.reopen()).applyAll(records);
      const had = tables.records().length;
      await bench.commit([...records]);
      await bench.commit([removal]);
      tables.apply(removal);
      if (removal.kind !== "delivery-sent") assert(tables.records().length < had, removal.kind);
      assertRecords(await bench.reopen(), tables.records(), removal.kind);
    }
  });

  test("the end of a session takes its subscriptions, inbound flows and will with it, and no other's", async (bench) => {
    const of = (sessionId: number): StoreRecord[] => [
      {
        kind: "session-put",
        sessionId,
        clientId: `c${sessionId}`,
        identity: "",
        expirySeconds: 1,
        expiresAt: 1,
      },
      { ...SUBSCRIPTION, sessionId },
      { ...SUBSCRIPTION, sessionId, filter: "b" },
      { kind: "inbound-put", sessionId, packetId: 1 },
      { ...WILL, sessionId },
    ];
    await bench.commit([...of(1), ...of(2)]);
    await bench.commit([...of(3), { ...DELIVERY, sessionId: 1 }]);
    await bench.commit([{ kind: "session-deleted", sessionId: 1 }, {
      kind: "session-deleted",
      sessionId: 3,
    }]);
    assertRecords(await bench.reopen(), inOrder([...of(2), { ...DELIVERY, sessionId: 1 }]));
    await bench.commit([...of(4), { kind: "session-deleted", sessionId: 4 }]);
    assertRecords(await bench.reopen(), inOrder([...of(2), { ...DELIVERY, sessionId: 1 }]), "In one batch");
  });

  test("what a record points to is told before it, and what has an order is told in it", async (bench) => {
    const random = new RandomRecords(new Random(1));
    await bench.commit(random.take(2_000));
    const told = await bench.reopen({ asTold: true });
    const order = told.map(({ kind }) => PUT_KINDS.indexOf(kind as PutKind));
    assertEquals(order, order.toSorted((one, other) => one - other));
    for (
      const [kind, name] of [["delivery-put", "deliveryId"], ["message-put", "sequence"], [
        "event-put",
        "sequence",
      ]]
    ) {
      const numbers = told.filter((record) => record.kind === kind)
        .map((record) => (record as unknown as Record<string, number>)[name!]!);
      assert(numbers.length > 10, kind);
      assertEquals(numbers, numbers.toSorted((one, other) => one - other), kind);
    }
  });
}

function testCommits(test: Test): void {
  test("after a cut at any record everything before it is there, and nothing behind it", async (bench) => {
    const records = new RandomRecords(new Random(2)).take(60);
    const tables = new Tables();
    for (const record of records) {
      await bench.commit([record]);
      tables.apply(record);
      assertRecords(await bench.reopen(), tables.records(), record.kind);
    }
  });

  test("what was appended and not committed is gone after a cut", async (bench) => {
    await bench.commit([{ kind: "state-put", name: "a", value: "1" }]);
    bench.append([{ kind: "state-put", name: "a", value: "2" }]);
    assertRecords(await bench.reopen(), [{ kind: "state-put", name: "a", value: "1" }]);
  });

  test("a batch that fails leaves nothing, and is part of the next one", async (bench) => {
    const first: StoreRecord = { kind: "state-put", name: "a", value: "1" };
    await bench.commit([first]);
    const failing: StoreRecord[] = [
      { kind: "state-put", name: "a", value: "2" },
      { ...DELIVERY, deliveryId: 7 },
      { kind: "inbound-put", sessionId: 1, packetId: Infinity },
      { kind: "state-put", name: "b", value: "2" },
    ];
    const error = await assertRejects(() => bench.commit(failing), CommitError);
    assertEquals(error.isFull, false);
    assertEquals(bench.store.pendingBytes > 0, true);
    // What made it fail is taken back; behind it something happens to what failed with it.
    const later: StoreRecord[] = [
      { kind: "inbound-deleted", sessionId: 1, packetId: Infinity },
      { kind: "delivery-sent", deliveryId: 7, packetId: 3 },
      { kind: "state-put", name: "c", value: "3" },
    ];
    await bench.commit(later);
    assertEquals(bench.store.pendingBytes, 0);
    assertRecords(await bench.reopen(), new Tables().applyAll([first, ...failing, ...later]).records());
  });

  test("a batch that fails leaves nothing for the next start either", async (bench) => {
    await bench.commit([{ kind: "state-put", name: "a", value: "1" }]);
    const failing: StoreRecord[] = [
      { kind: "state-put", name: "a", value: "2" },
      { kind: "inbound-put", sessionId: 1, packetId: Infinity },
    ];
    await assertRejects(() => bench.commit(failing), CommitError);
    assertRecords(await bench.reopen(), [{ kind: "state-put", name: "a", value: "1" }]);
  });

  test("records that come while a commit is under way are part of the next one, and of it alone", async (bench) => {
    bench.append([{ kind: "state-put", name: "a", value: "1" }]);
    const committing = bench.store.commit();
    bench.append([{ kind: "state-put", name: "a", value: "2" }]);
    await committing;
    await bench.commit([]);
    assertRecords(await bench.reopen(), [{ kind: "state-put", name: "a", value: "2" }]);
    bench.append([{ kind: "state-put", name: "a", value: "3" }]);
    const last = bench.store.commit();
    bench.append([{ kind: "state-put", name: "a", value: "4" }]);
    await last;
    assertRecords(await bench.reopen(), [{ kind: "state-put", name: "a", value: "3" }]);
  });

  test("a commit of nothing is done at once", async (bench) => {
    await bench.commit([]);
    assertEquals(bench.store.commit(), undefined);
  });

  test("any records in any batches come to the same as one by one, also across cuts", async (bench) => {
    for (let seed = 10; seed < 16; seed++) {
      const random = new Random(seed);
      const source = new RandomRecords(random);
      await bench.empty();
      const tables = new Tables();
      for (let batches = 0; batches < 25; batches++) {
        const records = source.take(random.below(random.pick([3, 40, 200])));
        await bench.commit(records);
        tables.applyAll(records);
        if (random.below(6) === 0) assertRecords(await bench.reopen(), tables.records(), `Seed ${seed}`);
      }
      assertRecords(await bench.reopen(), tables.records(), `Seed ${seed}`);
    }
  });

  test("close lets another store have the place, twice as well as once", async (bench) => {
    await bench.commit([{ kind: "state-put", name: "a", value: "1" }]);
    await bench.store.close();
    await bench.store.close();
    assertRecords(await bench.reopen(), [{ kind: "state-put", name: "a", value: "1" }]);
  });
}

/** A place with the store that is open on it. */
class Bench {
  readonly #place: StorePlace;
  #store: Store | undefined;

  constructor(place: StorePlace) {
    this.#place = place;
  }

  get store(): Store {
    assert(this.#store);
    return this.#store;
  }

  /** Lets go of the store, opens another and answers what it tells, in the order of `Tables.records`. */
  async reopen({ asTold = false } = {}): Promise<StoreRecord[]> {
    await this.close();
    this.#store = this.#place.open();
    const told: StoreRecord[] = [];
    for await (const records of this.#store.load()) told.push(...records);
    return asTold ? told : inOrder(told);
  }

  append(records: readonly StoreRecord[]): void {
    for (const record of records) this.store.append(record);
  }

  async commit(records: readonly StoreRecord[]): Promise<void> {
    this.append(records);
    await this.store.commit();
  }

  /** Deletes everything. */
  async empty(): Promise<void> {
    const removals = (await this.reopen()).map((record): StoreRecord | undefined => {
      switch (record.kind) {
        case "session-put":
          return { kind: "session-deleted", sessionId: record.sessionId };
        case "message-put":
          return { kind: "message-deleted", sequence: record.sequence };
        case "retained-put":
          return { kind: "retained-deleted", topic: record.topic };
        case "subscription-put":
          return { kind: "subscription-deleted", sessionId: record.sessionId, filter: record.filter };
        case "delivery-put":
          return { kind: "delivery-deleted", deliveryId: record.deliveryId };
        case "inbound-put":
          return { kind: "inbound-deleted", sessionId: record.sessionId, packetId: record.packetId };
        case "will-put":
          return { kind: "will-deleted", sessionId: record.sessionId };
        case "event-put":
          return { kind: "events-deleted", before: SEQUENCE_MAX };
        case "interest-put":
          return { kind: "interest-deleted", filter: record.filter };
        default:
          return undefined;
      }
    });
    await this.commit(removals.filter((record) => record !== undefined));
  }

  async close(): Promise<void> {
    await this.#store?.close();
    this.#store = undefined;
  }
}

/** As `assertEquals`, which takes minutes to show where two lists with texts of 64 KiB differ. */
function assertRecords(actual: readonly StoreRecord[], expected: readonly StoreRecord[], message = ""): void {
  for (let index = 0; index < Math.max(actual.length, expected.length); index++) {
    if (equal(actual[index], expected[index])) continue;
    const [found, wanted] = [actual, expected].map((records) => Deno.inspect(records[index]).slice(0, 500));
    throw new Error(`${message} Record ${index} of ${expected.length} is ${found}, not ${wanted}`);
  }
}
