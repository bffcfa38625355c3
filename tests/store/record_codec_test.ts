import { assertEquals, assertThrows } from "@std/assert";
import { PacketError, Writer } from "../../broker/packet/mod.ts";
import {
  type ColumnValue,
  decodeRecords,
  encodeColumns,
  encodeRecords,
  readColumns,
} from "../../broker/store/record_codec.ts";
import {
  type PutKind,
  RECORD_FIELDS,
  type RecordKind,
  type StoreRecord,
} from "../../broker/store/records.ts";
import { EDGES, REMOVALS } from "../contract/store_records.ts";
import { RandomRecords } from "../support/random_records.ts";
import { Random } from "../topic/random_names.ts";

const REMOVED = REMOVALS.map(([, removal]) => removal);

Deno.test("records are read as they were written, all kinds of them at the edges of their fields", () => {
  const records: StoreRecord[] = [...EDGES, ...REMOVED, { kind: "session-deleted", sessionId: 1 }];
  const kinds = new Set<RecordKind>(records.map(({ kind }) => kind));
  assertEquals((Object.keys(RECORD_FIELDS) as RecordKind[]).filter((kind) => !kinds.has(kind)), []);
  for (const record of records) assertEquals(decodeRecords(encodeRecords([record])), [record]);
  assertEquals(decodeRecords(encodeRecords([])), []);
});

Deno.test("many records are read in their order", () => {
  const records = new RandomRecords(new Random(7)).take(5_000);
  assertEquals(decodeRecords(encodeRecords(records)), records);
});

Deno.test("columns, as SQLite has them, come to the same records", () => {
  const records = [...EDGES, ...new RandomRecords(new Random(8)).take(500)];
  const writer = new Writer(16);
  const puts: StoreRecord[] = [];
  for (const { kind, values } of readColumns(encodeRecords(records))) {
    if (!kind.endsWith("-put")) continue;
    encodeColumns(writer, kind as PutKind, values as ColumnValue[]);
    puts.push(records.filter((record) => record.kind.endsWith("-put"))[puts.length]!);
  }
  assertEquals(decodeRecords(writer.finish()), puts);
});

Deno.test("a text is kept whatever is in it, also what no packet could carry", () => {
  for (
    const value of ["", "\0", "a\0b", "\ufeff", "x".repeat(65_536), "ü".repeat(40_000), "😀".repeat(21_845)]
  ) {
    assertEquals(decodeRecords(encodeRecords([{ kind: "state-put", name: "n", value }])), [
      { kind: "state-put", name: "n", value },
    ]);
  }
});

Deno.test("a number that is none is refused where it is written, not where it is read", () => {
  for (const packetId of [-1, 0.5, NaN]) {
    assertThrows(() => encodeRecords([{ kind: "inbound-put", sessionId: 1, packetId }]), PacketError);
  }
});

Deno.test("bytes that end early are refused, wherever that is", () => {
  const bytes = encodeRecords([EDGES.find(({ kind }) => kind === "will-put")!]);
  for (let length = 1; length < bytes.length; length++) {
    assertThrows(() => decodeRecords(bytes.slice(0, length)), PacketError);
  }
});
