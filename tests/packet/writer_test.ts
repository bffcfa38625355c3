import { assertEquals, assertThrows } from "@std/assert";
import { PacketError } from "../../broker/packet/packet_error.ts";
import { Reader } from "../../broker/packet/reader.ts";
import { Writer } from "../../broker/packet/writer.ts";
import { hex } from "./fixtures.ts";

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(0);
  write(writer);
  assertEquals(writer.finish().length, writer.length);
  return writer.finish();
}

Deno.test("numbers are written with the highest byte first", () => {
  assertEquals(written((writer) => writer.u8(255)), hex("ff"));
  assertEquals(written((writer) => writer.u16(0x1234)), hex("12 34"));
  assertEquals(written((writer) => writer.u32(0xfedcba98)), hex("fe dc ba 98"));
});

Deno.test("variable byte integers take as few bytes as they can", () => {
  const expected: [number, string][] = [
    [0, "00"],
    [127, "7f"],
    [128, "80 01"],
    [16_383, "ff 7f"],
    [16_384, "80 80 01"],
    [2_097_151, "ff ff 7f"],
    [2_097_152, "80 80 80 01"],
    [268_435_455, "ff ff ff 7f"],
  ];
  for (const [value, bytes] of expected) assertEquals(written((writer) => writer.varint(value)), hex(bytes));
  assertThrows(() => new Writer().varint(268_435_456), PacketError);
});

Deno.test("what is written is read back", () => {
  const bytes = written((writer) => {
    writer.u8(7);
    writer.string("ñ/日/😀");
    writer.u32(4294967295);
    writer.binary(hex("00 ff"));
    writer.varint(300);
    writer.string("");
    writer.bytes(hex("01 02"));
  });
  const reader = new Reader();
  reader.reset(bytes);
  assertEquals(reader.u8(), 7);
  assertEquals(reader.string(), "ñ/日/😀");
  assertEquals(reader.u32(), 4294967295);
  assertEquals(reader.binary(), hex("00 ff"));
  assertEquals(reader.varint(), 300);
  assertEquals(reader.string(), "");
  assertEquals(reader.bytes(2), hex("01 02"));
  reader.end();
});

Deno.test("fields of 65535 bytes are written, longer ones are not", () => {
  assertEquals(written((writer) => writer.string("a".repeat(65535))).length, 65537);
  assertEquals(written((writer) => writer.string("ñ".repeat(32767))).length, 65536);
  assertEquals(written((writer) => writer.binary(new Uint8Array(65535))).length, 65537);
  assertThrows(() => new Writer().string("a".repeat(65536)), PacketError);
  assertThrows(() => new Writer().string("ñ".repeat(32768)), PacketError);
  assertThrows(() => new Writer().binary(new Uint8Array(65536)), PacketError);
});

Deno.test("numbers that do not fit in 2 bytes are not written", () => {
  for (const value of [-1, 65536, NaN]) assertThrows(() => new Writer().u16(value), PacketError);
});

Deno.test("numbers that do not fit in 4 bytes, or in a variable byte integer, are not written", () => {
  for (const value of [-1, 4294967296, 1.5, NaN]) assertThrows(() => new Writer().u32(value), PacketError);
  for (const value of [-1, NaN, Infinity]) assertThrows(() => new Writer().varint(value), PacketError);
});

Deno.test("a block is preceded by its length, however many bytes that takes", () => {
  for (const [length, bytes] of [[0, "00"], [127, "7f"], [128, "80 01"], [16_384, "80 80 01"]] as const) {
    const block = Uint8Array.from({ length }, (_, at) => at);
    const result = written((writer) => {
      writer.u8(9);
      const start = writer.beginBlock();
      writer.bytes(block);
      assertEquals(writer.endBlock(start), hex(bytes).length);
      writer.u8(7);
    });
    assertEquals(result, Uint8Array.from([9, ...hex(bytes), ...block, 7]));
  }
});

Deno.test("strings that MQTT does not allow are not written", () => {
  assertThrows(() => new Writer().string("a\0b"), PacketError); // [MQTT-1.5.3-2]
  assertThrows(() => new Writer().string("ñ\0"), PacketError); // [MQTT-1.5.3-2]
  assertThrows(() => new Writer().string("a\uD83D"), PacketError); // [MQTT-1.5.3-1]
  assertThrows(() => new Writer().string("\uDE00\uD83D"), PacketError); // [MQTT-1.5.3-1]
});

Deno.test("a packet begins with its first byte and remaining length", () => {
  for (
    const [length, header] of [[0, "30 00"], [127, "30 7f"], [128, "30 80 01"], [
      16_384,
      "30 80 80 01",
    ]] as const
  ) {
    const writer = new Writer();
    writer.bytes(new Uint8Array(length).fill(0x55));
    const packet = writer.finishPacket(0x30);
    const headerBytes = hex(header);
    assertEquals(packet.length, headerBytes.length + length);
    assertEquals(packet.slice(0, headerBytes.length), headerBytes);
    assertEquals(packet.slice(headerBytes.length).every((byte) => byte === 0x55), true);
  }
});
