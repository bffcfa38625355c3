import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { PacketError } from "../../broker/packet/packet_error.ts";
import { Reader } from "../../broker/packet/reader.ts";
import { StringCache } from "../../broker/packet/string_cache.ts";
import { hex } from "./fixtures.ts";

function readerOf(text: string, strings?: StringCache): Reader {
  const reader = new Reader(strings);
  reader.reset(hex(text));
  return reader;
}

function assertMalformed(action: () => unknown): PacketError {
  const error = assertThrows(action, PacketError);
  assertEquals(error.reasonCode, 0x81);
  return error;
}

Deno.test("numbers are unsigned and the highest byte comes first", () => {
  assertEquals(readerOf("ff").u8(), 255);
  assertEquals(readerOf("12 34").u16(), 0x1234);
  assertEquals(readerOf("ff ff").u16(), 65535);
  assertEquals(readerOf("12 34 56 78").u32(), 0x12345678);
  assertEquals(readerOf("ff ff ff ff").u32(), 4294967295); // opifex: -1
});

Deno.test("a number that is cut off is refused", () => {
  assertMalformed(() => readerOf("").u8());
  const error = assertMalformed(() => readerOf("05").u16()); // opifex: 1280
  assertStringIncludes(error.message, "Cannot read 2 bytes: the packet ends after 1");
  assertMalformed(() => readerOf("01 02 03").u32());
  assertMalformed(() => readerOf("").varint());
  assertMalformed(() => readerOf("80").varint());
});

Deno.test("a variable byte integer has at most four bytes", () => {
  assertEquals(readerOf("00").varint(), 0);
  assertEquals(readerOf("7f").varint(), 127);
  assertEquals(readerOf("80 01").varint(), 128);
  assertEquals(readerOf("ff 7f").varint(), 16_383);
  assertEquals(readerOf("80 80 01").varint(), 16_384);
  assertEquals(readerOf("ff ff 7f").varint(), 2_097_151);
  assertEquals(readerOf("80 80 80 01").varint(), 2_097_152);
  assertEquals(readerOf("ff ff ff 7f").varint(), 268_435_455);
  assertMalformed(() => readerOf("ff ff ff ff 01").varint());
  assertMalformed(() => readerOf("80 80 80 80 00").varint());
});

Deno.test("a variable byte integer has no byte more than it needs [MQTT5-1.5.5-1]", () => {
  for (const text of ["80 00", "ff 00", "80 80 00", "ff ff ff 00"]) {
    assertMalformed(() => readerOf(text).varint());
  }
});

Deno.test("a block ends exactly where its length says", () => {
  const reader = readerOf("01 02 03 04");
  const outerEnd = reader.enter(2);
  assertEquals(reader.remaining, 2);
  assertMalformed(() => reader.u32());
  reader.u8();
  assertMalformed(() => reader.leave(outerEnd));
  reader.u8();
  reader.leave(outerEnd);
  assertEquals(reader.u16(), 0x0304);
  assertMalformed(() => readerOf("01 02").enter(3));
});

Deno.test("a reader stays inside its range although the bytes go on", () => {
  const reader = new Reader();
  reader.reset(hex("00 01 02 03 04 05"), 1, 4);
  assertEquals(reader.remaining, 3);
  assertEquals(reader.position, 1);
  assertEquals(reader.bytes(3), hex("01 02 03"));
  assertMalformed(() => reader.u8());
  reader.reset(hex("00 01 02 03 04 05"), 1, 4);
  assertMalformed(() => reader.u32());
  reader.reset(hex("00 02 41 42"), 0, 3);
  assertMalformed(() => reader.string());
});

Deno.test("the end is where the length says", () => {
  const reader = readerOf("01 02");
  assertStringIncludes(assertMalformed(() => reader.end()).message, "2 bytes left");
  reader.u16();
  reader.end();
});

Deno.test("binary fields carry their length", () => {
  assertEquals(readerOf("00 03 ff 00 01 aa").binary(), hex("ff 00 01"));
  assertEquals(readerOf("00 00").binary(), hex(""));
  assertMalformed(() => readerOf("00 03 ff 00").binary());
});

for (const strings of [undefined, new StringCache()]) {
  const how = strings ? "string with cache" : "string";
  const read = (text: string) => strings ? readerOf(text, strings).cachedString() : readerOf(text).string();

  Deno.test(`${how}: valid UTF-8 is read as it is`, () => {
    assertEquals(read("00 00"), "");
    assertEquals(read("00 03 'a/b'"), "a/b");
    assertEquals(read("00 09 'ñ日😀'"), "ñ日😀");
    assertEquals(read("00 04 ef bb bf 41"), "\uFEFFA"); // [MQTT-1.5.3-3]; opifex: stripped
    assertEquals(read("00 06 ef bb bf ef bb bf"), "\uFEFF\uFEFF"); // [MQTT-1.5.3-3]
    assertEquals(read("00 04 f4 8f bf bf"), "\u{10FFFF}");
    assertEquals(read("00 06 ef bf bf ef b7 90"), "\uFFFF\uFDD0"); // non-characters are no error
    assertEquals(read("00 04 01 1f 7f 0a"), "\x01\x1f\x7f\n"); // control characters neither
  });

  Deno.test(`${how}: ill-formed UTF-8 is refused [MQTT-1.5.3-1]`, () => {
    assertMalformed(() => read("00 02 c3 28")); // opifex: a replacement character
    assertMalformed(() => read("00 01 c3"));
    assertMalformed(() => read("00 01 80"));
    assertMalformed(() => read("00 02 c0 80"));
    assertMalformed(() => read("00 03 e0 80 80"));
    assertMalformed(() => read("00 03 ed a0 80"));
    assertMalformed(() => read("00 06 ed a0 bd ed b8 80"));
    assertMalformed(() => read("00 04 f4 90 80 80"));
    assertMalformed(() => read("00 01 ff"));
  });

  Deno.test(`${how}: U+0000 is refused [MQTT-1.5.3-2]`, () => {
    assertMalformed(() => read("00 01 00"));
    assertMalformed(() => read("00 03 61 00 62"));
    assertMalformed(() => read("00 03 61 62 00"));
  });

  Deno.test(`${how}: a length beyond the end is refused`, () => {
    assertMalformed(() => read("00 04 'a/b'"));
    assertMalformed(() => read("ff ff 'a/b'"));
    assertMalformed(() => read("00"));
  });
}
