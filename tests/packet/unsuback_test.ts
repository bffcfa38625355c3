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
