import { assertEquals } from "@std/assert";
import { encode } from "../../broker/packet/mod.ts";
import { assertNotEncoded, hex, testInvalid, testValid } from "./fixtures.ts";

testValid([
  {
    name: "UNSUBACK with identifier 1 [MQTT-2.3.1-7]",
    hex: "b0 02 00 01",
    packet: { type: "unsuback", packetId: 1, reasonCodes: [] },
  },
  {
    name: "UNSUBACK with identifier 65535 [MQTT-2.3.1-7]",
    hex: "b0 02 ff ff",
    packet: { type: "unsuback", packetId: 65535, reasonCodes: [] },
  },
]);

testInvalid([
  { name: "UNSUBACK with identifier 0", hex: "b0 02 00 00", reasonCode: 0x82 },
  { name: "UNSUBACK with flags 2 [MQTT-2.2.2-2]", hex: "b2 02 00 01", reasonCode: 0x81 },
  { name: "UNSUBACK with reason codes, which come with MQTT 5.0", hex: "b0 03 00 01 00", reasonCode: 0x81 },
]);

Deno.test("UNSUBACK leaves reason codes out", () => {
  assertEquals(encode({ type: "unsuback", packetId: 1, reasonCodes: [0, 0x11] }, 4), hex("b0 02 00 01"));
  assertNotEncoded({ type: "unsuback", packetId: 0, reasonCodes: [] }, 4, 0x82);
});

testValid([
  {
    name: "UNSUBACK with all codes that there are, in order [MQTT5-3.11.3-1] [MQTT5-3.11.3-2]",
    hex: "b0 0a ff ff 00 00 11 80 83 87 8f 91",
    version: 5,
    packet: { type: "unsuback", packetId: 65535, reasonCodes: [0, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91] },
  },
  {
    name: "UNSUBACK with properties",
    hex: "b0 11 00 0a 0d 1f 00 03 'why' 26 00 01 'a' 00 01 'b' 00",
    version: 5,
    packet: {
      type: "unsuback",
      packetId: 10,
      reasonCodes: [0],
      reasonString: "why",
      userProperties: [["a", "b"]],
    },
  },
]);

testInvalid([
  { name: "UNSUBACK of MQTT 5.0 without code", hex: "b0 03 00 01 00", version: 5, reasonCode: 0x82 },
  { name: "UNSUBACK of MQTT 5.0 without properties", hex: "b0 02 00 01", version: 5, reasonCode: 0x81 },
  {
    name: "UNSUBACK with a code of SUBACK [MQTT5-3.11.3-2]",
    hex: "b0 04 00 01 00 01",
    version: 5,
    reasonCode: 0x82,
  },
]);

Deno.test("an UNSUBACK of MQTT 5.0 needs its codes [MQTT5-3.11.3-2]", () => {
  assertNotEncoded({ type: "unsuback", packetId: 1, reasonCodes: [] }, 5, 0x82);
  assertNotEncoded({ type: "unsuback", packetId: 1, reasonCodes: [0x97] }, 5, 0x82);
});
