import {
  type PutKind,
  RECORD_FIELDS,
  RECORD_KEYS,
  type RecordOf,
  type StoreRecord,
} from "../../broker/store/records.ts";

/** The order in which a store tells its tables: what a record points to comes before it. */
export const PUT_KINDS: readonly PutKind[] = [
  "state-put",
  "session-put",
  "subscription-put",
  "inbound-put",
  "will-put",
  "message-put",
  "retained-put",
  "delivery-put",
  "event-put",
  "interest-put",
];

const SESSION_KINDS: readonly PutKind[] = ["session-put", "subscription-put", "inbound-put", "will-put"];

/** What records come to when they are applied one by one, as simply as that can be said: a store must agree with it. */
export class Tables {
  readonly #rows = new Map<PutKind, Map<string, StoreRecord>>(PUT_KINDS.map((kind) => [kind, new Map()]));

  apply(record: StoreRecord): void {
    const { kind } = record;
    if (kind === "session-deleted") {
      for (const kind of SESSION_KINDS) {
        this.#delete(kind, (row) => (row as RecordOf<"session-put">).sessionId === record.sessionId);
      }
    } else if (kind === "events-deleted") {
      this.#delete("event-put", (row) => (row as RecordOf<"event-put">).sequence < record.before);
    } else if (kind === "delivery-sent") {
      const deliveries = this.#table("delivery-put");
      const row = deliveries.get(String(record.deliveryId));
      if (row) {
        deliveries.set(
          String(record.deliveryId),
          { ...row as RecordOf<"delivery-put">, packetId: record.packetId },
        );
      }
    } else {
      const putKind = kind.replace("-deleted", "-put") as PutKind;
      if (putKind === kind) this.#table(putKind).set(keyOf(record, putKind), record);
      else this.#table(putKind).delete(keyOf(record, putKind));
    }
  }

  applyAll(records: Iterable<StoreRecord>): this {
    for (const record of records) this.apply(record);
    return this;
  }

  clone(): Tables {
    return new Tables().applyAll(this.records());
  }

  /** Everything that is there, table by table, each by its key. */
  records(): StoreRecord[] {
    return PUT_KINDS.flatMap((kind) =>
      [...this.#table(kind).values()].sort((one, other) => compare(one, other, kind))
    );
  }

  #table(kind: PutKind): Map<string, StoreRecord> {
    return this.#rows.get(kind)!;
  }

  #delete(kind: PutKind, isGone: (row: StoreRecord) => boolean): void {
    const table = this.#table(kind);
    for (const [key, row] of table) if (isGone(row)) table.delete(key);
  }
}

/** The records in the order of `Tables.records`, whatever order within their tables they came in. */
export function inOrder(records: readonly StoreRecord[]): StoreRecord[] {
  return records.toSorted((one, other) => {
    const [kind, otherKind] = [one.kind as PutKind, other.kind as PutKind];
    return PUT_KINDS.indexOf(kind) - PUT_KINDS.indexOf(otherKind) || compare(one, other, kind);
  });
}

function compare(one: StoreRecord, other: StoreRecord, kind: PutKind): number {
  for (const [name] of RECORD_FIELDS[kind].slice(0, RECORD_KEYS[kind])) {
    const [left, right] = [one, other].map((record) => (record as unknown as Record<string, string>)[name]!);
    if (left! < right!) return -1;
    if (left! > right!) return 1;
  }
  return 0;
}

function keyOf(record: StoreRecord, kind: PutKind): string {
  const fields = record as unknown as Readonly<Record<string, unknown>>;
  return RECORD_FIELDS[kind].slice(0, RECORD_KEYS[kind]).map(([name]) => String(fields[name])).join(" ");
}
