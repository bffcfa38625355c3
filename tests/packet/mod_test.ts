import { assertEquals } from "@std/assert";
import { decodeChunks, hex, testInvalid } from "./fixtures.ts";

testInvalid([
  { name: "packet type 0 [MQTT-4.8.0-1]", hex: "00 00", reasonCode: 0x81 },
  { name: "packet type 0 with flags [MQTT-4.8.0-1]", hex: "0f 00", reasonCode: 0x81 },
  { name: "packet type 15 [MQTT-4.8.0-1]", hex: "f0 00", reasonCode: 0x81 },
  { name: "packet type 15 with flags [MQTT-4.8.0-1]", hex: "ff 00", reasonCode: 0x81 },
]);

Deno.test("several packets of one chunk come out in order [MQTT-6.0.0-2]", () => {
  const bytes = hex("c0 00 30 07 00 03 'a/b' 'hi' 40 02 00 01 e0 00");
  const expected = ["pingreq", "publish", "puback", "disconnect"];
  assertEquals(decodeChunks([bytes], 4).map(({ type }) => type), expected);
  for (let at = 0; at <= bytes.length; at++) {
    assertEquals(decodeChunks([bytes.slice(0, at), bytes.slice(at)], 4).map(({ type }) => type), expected);
  }
});
