import { assertEquals, assertThrows } from "@std/assert";
import { PacketError } from "../../broker/packet/packet_error.ts";
import { StringCache } from "../../broker/packet/string_cache.ts";

const encoder = new TextEncoder();

Deno.test("the cache returns what the bytes say, however many strings share its slots", () => {
  const strings = new StringCache();
  for (let turn = 0; turn < 3; turn++) {
    for (let i = 0; i < 5000; i++) {
      const text = `site/${i}/ñ`;
      const bytes = encoder.encode(`##${text}##`);
      assertEquals(strings.decode(bytes, 2, bytes.length - 2), text);
    }
  }
});

Deno.test("a hit depends on the bytes of the string, not on those around it or their buffer", () => {
  const strings = new StringCache();
  const bytes = encoder.encode("abcabd");
  assertEquals(strings.decode(bytes, 0, 3), "abc");
  assertEquals(strings.decode(bytes, 3, 6), "abd");
  bytes.set(encoder.encode("xyz"));
  assertEquals(strings.decode(bytes, 0, 3), "xyz");
  assertEquals(strings.decode(encoder.encode("abc"), 0, 3), "abc");
  assertEquals(strings.decode(bytes, 1, 1), "");
});

Deno.test("strings of 255, 256 and 257 bytes are all decoded", () => {
  const strings = new StringCache();
  for (let turn = 0; turn < 2; turn++) {
    for (const length of [255, 256, 257, 65535]) {
      const text = "t".repeat(length);
      assertEquals(strings.decode(encoder.encode(text), 0, length), text);
    }
  }
});

Deno.test("what was refused once is refused again, beside valid strings of equal length", () => {
  const strings = new StringCache();
  for (let turn = 0; turn < 3; turn++) {
    assertThrows(() => strings.decode(Uint8Array.of(0xc3, 0x28), 0, 2), PacketError); // [MQTT-1.5.3-1]
    assertThrows(() => strings.decode(Uint8Array.of(0x61, 0x00), 0, 2), PacketError); // [MQTT-1.5.3-2]
    assertThrows(() => strings.decode(Uint8Array.of(0x00), 0, 1), PacketError); // [MQTT-1.5.3-2]
    assertEquals(strings.decode(Uint8Array.of(0xc3, 0xb1), 0, 2), "ñ");
  }
});
