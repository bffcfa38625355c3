import { RECORD_FIELDS, RECORD_KEYS, type RecordKind, type StoreRecord } from "./records.ts";

/** Of a record in the batch, beside its payload and names. */
const RECORD_OVERHEAD_BYTES = 100;

/** Places that may be left empty: beyond, and beyond as many as are taken, the records move together. */
const HOLES_MAX = 1_000;

/** What a kind does to the row of a table. */
interface Effect {
  readonly table: string;
  readonly action: "put" | "change" | "delete";
  /** A key names one thing for ever, and so a row that this batch makes has nothing before it on the disk. */
  readonly isKeyUsedOnce: boolean;
  readonly keyFields: readonly string[];
}

const USED_ONCE: ReadonlySet<string> = new Set(["message", "delivery"]);

/**
 * Records that are committed together, one a row at the most: what a later one undoes or replaces is never written. A
 * message that its only subscriber acknowledges before the disk was asked costs the disk nothing.
 *
 *     put   then put      the later one
 *     put   then delete   nothing, if the row was made here; else the deletion
 *     put   then sent     a put with the packet identifier
 */
export class RecordBatch {
  #records: (StoreRecord | undefined)[] = [];
  /** By table: where in `#records` the row's one record stands. */
  readonly #places = new Map<string, Map<unknown, number>>();
  #size = 0;
  #bytes = 0;
  #isInDoubt = false;

  /** Places for records, empty ones too: what the batch holds however much came and went. */
  get placeCount(): number {
    return this.#records.length;
  }

  /** Records that are left. */
  get size(): number {
    return this.#size;
  }

  /** What they take in memory, about. */
  get bytes(): number {
    return this.#bytes;
  }

  add(record: StoreRecord): void {
    const effect = EFFECTS[record.kind];
    const places = this.#placesOf(effect.table);
    const key = keyOf(record, effect.keyFields);
    const place = places.get(key);
    const previous = place === undefined ? undefined : this.#records[place];
    if (!previous) return this.#push(record, places, key);
    const merged = merge(previous, record, { ...effect, isInDoubt: this.#isInDoubt });
    if (merged && effect.action !== "delete") {
      this.#bytes += sizeOf(merged) - sizeOf(previous);
      this.#records[place!] = merged;
      return;
    }
    this.#records[place!] = undefined;
    this.#bytes -= sizeOf(previous);
    this.#size--;
    places.delete(key);
    if (this.#records.length - this.#size > Math.max(HOLES_MAX, this.#size)) this.#compact();
    // Behind all others: the end of a session takes what was put for it with it.
    if (merged) this.#push(merged, places, key);
  }

  /**
   * Its commit failed, and may have come to the disk all the same: where the sync fails that ends it, a later start can
   * find it whole. So from now on nothing is left out for not being there, or for being there still.
   */
  doubt(): void {
    this.#isInDoubt = true;
  }

  /** Adds the records of a later batch behind these. */
  addAll(later: RecordBatch): void {
    for (const record of later) this.add(record);
  }

  *[Symbol.iterator](): Generator<StoreRecord> {
    for (const record of this.#records) if (record) yield record;
  }

  #push(record: StoreRecord, places: Map<unknown, number>, key: unknown): void {
    places.set(key, this.#records.push(record) - 1);
    this.#size++;
    this.#bytes += sizeOf(record);
  }

  /** Each record moves once for each that went since the last time, at the most. */
  #compact(): void {
    const records = this.#records.filter((record) => record !== undefined);
    for (const places of this.#places.values()) places.clear();
    for (const [place, record] of records.entries()) {
      const { table, keyFields } = EFFECTS[record.kind];
      this.#placesOf(table).set(keyOf(record, keyFields), place);
    }
    this.#records = records;
  }

  #placesOf(table: string): Map<unknown, number> {
    let places = this.#places.get(table);
    if (!places) this.#places.set(table, places = new Map());
    return places;
  }
}

/** What two records of one row come to; undefined for nothing. */
function merge(
  previous: StoreRecord,
  record: StoreRecord,
  { action, isKeyUsedOnce, isInDoubt }: Effect & { readonly isInDoubt: boolean },
): StoreRecord | undefined {
  const wasAction = EFFECTS[previous.kind].action;
  if (action === "change") {
    return previous.kind === "delivery-put"
      ? { ...previous, packetId: (record as { packetId: number }).packetId }
      : record;
  }
  if (!isKeyUsedOnce || isInDoubt) return record;
  if (action === "delete") return wasAction === "put" ? undefined : record;
  // It was deleted a moment ago and is wanted after all: on the disk it still is.
  return wasAction === "delete" ? undefined : record;
}

function keyOf(record: StoreRecord, [first, second]: readonly string[]): unknown {
  const fields = record as unknown as Readonly<Record<string, unknown>>;
  // No identifier in the first field has a space in it where there is a second one.
  return second === undefined ? fields[first!] : `${fields[first!]} ${fields[second]}`;
}

function sizeOf(record: StoreRecord): number {
  const { payload, topic, properties } = record as {
    payload?: Uint8Array;
    topic?: string;
    properties?: Uint8Array;
  };
  return RECORD_OVERHEAD_BYTES + (payload?.length ?? 0) + (topic?.length ?? 0) + (properties?.length ?? 0);
}

function effectOf(kind: RecordKind): Effect {
  const table = kind.slice(0, kind.lastIndexOf("-"));
  const putKind = `${table}-put` as keyof typeof RECORD_KEYS;
  const action = kind === putKind ? "put" : kind.endsWith("-deleted") ? "delete" : "change";
  // `events-deleted` is a range, of which there is one.
  const keyCount = RECORD_KEYS[putKind] ?? 0;
  const keyFields = RECORD_FIELDS[kind].slice(0, keyCount).map(([name]) => name);
  return { table, action, isKeyUsedOnce: USED_ONCE.has(table), keyFields };
}

const EFFECTS = Object.fromEntries(
  (Object.keys(RECORD_FIELDS) as RecordKind[]).map((kind) => [kind, effectOf(kind)]),
) as Readonly<Record<RecordKind, Effect>>;
