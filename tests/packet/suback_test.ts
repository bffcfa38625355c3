import { assertEquals } from "@std/assert";
import { encode } from "../../broker/packet/mod.ts";
import { assertNotEncoded, hex, testInvalid, testValid } from "./fixtures.ts";

testValid([
  {
    name: "SUBACK with one code [MQTT-2.3.1-7]",
    hex: "90 03 00 0a 00",
    packet: { type: "suback", packetId: 10, reasonCodes: [0] },
  },
  {
    name: "SUBACK with all codes in order [MQTT-3.9.3-1] [MQTT-3.9.3-2]",
    hex: "90 06 ff ff 02 80 00 01",
    packet: { type: "suback", packetId: 65535, reasonCodes: [2, 0x80, 0, 1] },
  },
]);

testInvalid([
  { name: "SUBACK with code 3 [MQTT-3.9.3-2]", hex: "90 03 00 0a 03", reasonCode: 0x81 },
  { name: "SUBACK with code 135 [MQTT-3.9.3-2]", hex: "90 03 00 0a 87", reasonCode: 0x81 },
  { name: "SUBACK without code", hex: "90 02 00 0a", reasonCode: 0x82 },
  { name: "SUBACK with identifier 0", hex: "90 03 00 00 00", reasonCode: 0x82 },
  { name: "SUBACK with flags 2 [MQTT-2.2.2-2]", hex: "92 03 00 0a 00", reasonCode: 0x81 },
]);

Deno.test("every failure in a SUBACK is 0x80 [MQTT-3.9.3-2]", () => {
  const packet = { type: "suback", packetId: 1, reasonCodes: [0x87, 1, 0x8f, 0x97, 0x80] } as const;
  assertEquals(encode(packet, 4), hex("90 07 00 01 80 01 80 80 80"));
  assertEquals(encode(packet, 3), hex("90 07 00 01 80 01 80 80 80"));
});

Deno.test("a SUBACK that breaks the rules is not encoded", () => {
  assertNotEncoded({ type: "suback", packetId: 1, reasonCodes: [] }, 4, 0x82);
  assertNotEncoded({ type: "suback", packetId: 0, reasonCodes: [0] }, 4, 0x82);
});

testValid([
  {
    name: "SUBACK of MQTT 5.0 [MQTT5-2.2.1-6] [MQTT5-2.2.2-1]",
    hex: "90 04 00 0a 00 00",
    version: 5,
    packet: { type: "suback", packetId: 10, reasonCodes: [0] },
  },
  {
    name: "SUBACK with all codes that there are, in order [MQTT5-3.9.3-1] [MQTT5-3.9.3-2]",
    hex: "90 0f ff ff 00 00 01 02 80 83 87 8f 91 97 9e a1 a2",
    version: 5,
    packet: {
      type: "suback",
      packetId: 65535,
      reasonCodes: [0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
    },
  },
  {
    name: "SUBACK with properties",
    hex: "90 11 00 0a 0d 1f 00 03 'why' 26 00 01 'a' 00 01 'b' 01",
    version: 5,
    packet: {
      type: "suback",
      packetId: 10,
      reasonCodes: [1],
      reasonString: "why",
      userProperties: [["a", "b"]],
    },
  },
]);

testInvalid([
  { name: "SUBACK of MQTT 5.0 without code", hex: "90 03 00 0a 00", version: 5, reasonCode: 0x82 },
  { name: "SUBACK of MQTT 5.0 without properties", hex: "90 02 00 0a", version: 5, reasonCode: 0x81 },
  {
    name: "SUBACK with a code of UNSUBACK [MQTT5-3.9.3-2]",
    hex: "90 04 00 0a 00 11",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "SUBACK of MQTT 5.0 with flags [MQTT5-2.1.3-1]",
    hex: "92 04 00 0a 00 00",
    version: 5,
    reasonCode: 0x81,
  },
]);

Deno.test("a SUBACK of MQTT 5.0 says which failure [MQTT5-3.9.3-2]", () => {
  const packet = { type: "suback", packetId: 1, reasonCodes: [0x87, 1] } as const;
  assertEquals(encode(packet, 5), hex("90 05 00 01 00 87 01"));
  assertNotEncoded({ ...packet, reasonCodes: [0x8d] }, 5, 0x82);
  assertNotEncoded({ ...packet, reasonCodes: [] }, 5, 0x82);
});
