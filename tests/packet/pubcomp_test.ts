import { assertEquals } from "@std/assert";
import { encode } from "../../broker/packet/mod.ts";
import { assertNotEncoded, hex, testInvalid, testValid } from "./fixtures.ts";

testValid([
  {
    name: "PUBCOMP with identifier 1 [MQTT-2.3.1-6]",
    hex: "70 02 00 01",
    packet: { type: "pubcomp", packetId: 1, reasonCode: 0 },
  },
  {
    name: "PUBCOMP with identifier 65535 [MQTT-2.3.1-6]",
    hex: "70 02 ff ff",
    packet: { type: "pubcomp", packetId: 65535, reasonCode: 0 },
  },
  {
    name: "PUBCOMP of MQTT 3.1",
    hex: "70 02 12 34",
    version: 3,
    packet: { type: "pubcomp", packetId: 0x1234, reasonCode: 0 },
  },
]);

testInvalid([
  { name: "PUBCOMP with identifier 0 [MQTT-2.3.1-1]", hex: "70 02 00 00", reasonCode: 0x82 },
  { name: "PUBCOMP with flags 1 [MQTT-2.2.2-2]", hex: "71 02 00 01", reasonCode: 0x81 },
  { name: "PUBCOMP with flags 2 [MQTT-2.2.2-2]", hex: "72 02 00 01", reasonCode: 0x81 },
  { name: "PUBCOMP with DUP in MQTT 3.1", hex: "78 02 00 01", version: 3, reasonCode: 0x81 },
  { name: "PUBCOMP of 1 byte", hex: "70 01 01", reasonCode: 0x81 },
  { name: "PUBCOMP of 3 bytes", hex: "70 03 00 01 00", reasonCode: 0x81 },
  { name: "an empty PUBCOMP", hex: "70 00", reasonCode: 0x81 },
]);

Deno.test("PUBCOMP with an identifier out of range is not encoded", () => {
  for (const packetId of [0, -1, 65536]) {
    assertNotEncoded({ type: "pubcomp", packetId, reasonCode: 0 }, 4, 0x82);
  }
});

testValid([
  {
    name: "PUBCOMP of MQTT 5.0, short [MQTT5-2.2.1-5]",
    hex: "70 02 ff ff",
    version: 5,
    packet: { type: "pubcomp", packetId: 65535, reasonCode: 0 },
  },
  {
    name: "PUBCOMP with its reason code only [MQTT5-3.7.2-1]",
    hex: "70 03 00 01 92",
    version: 5,
    packet: { type: "pubcomp", packetId: 1, reasonCode: 0x92 },
  },
  {
    name: "PUBCOMP with success in so many words",
    hex: "70 03 00 01 00",
    version: 5,
    packet: { type: "pubcomp", packetId: 1, reasonCode: 0 },
    decodeOnly: true,
  },
  {
    name: "PUBCOMP with an empty block of properties",
    hex: "70 04 00 01 92 00",
    version: 5,
    packet: { type: "pubcomp", packetId: 1, reasonCode: 0x92 },
    decodeOnly: true,
  },
  {
    name: "PUBCOMP with all properties",
    hex: "70 16 00 01 00 12 1f 00 03 'why' 26 00 01 'a' 00 01 'b' 26 00 00 00 00",
    version: 5,
    packet: {
      type: "pubcomp",
      packetId: 1,
      reasonCode: 0,
      reasonString: "why",
      userProperties: [["a", "b"], ["", ""]],
    },
  },
]);

testInvalid([
  {
    name: "PUBCOMP of MQTT 5.0 with identifier 0 [MQTT5-2.2.1-3]",
    hex: "70 03 00 00 92",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "PUBCOMP with a reason code of another packet [MQTT5-3.7.2-1]",
    hex: "70 03 00 01 10",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "PUBCOMP with a reserved reason code [MQTT5-3.7.2-1]",
    hex: "70 04 00 01 7f 00",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "PUBCOMP with bytes behind its properties",
    hex: "70 05 00 01 92 00 00",
    version: 5,
    reasonCode: 0x81,
  },
  { name: "PUBCOMP with half a block", hex: "70 06 00 01 92 04 1f 00", version: 5, reasonCode: 0x81 },
  {
    name: "PUBCOMP of MQTT 5.0 with flags [MQTT5-2.1.3-1]",
    hex: "72 02 00 01",
    version: 5,
    reasonCode: 0x81,
  },
]);

Deno.test("PUBCOMP leaves out for 3.1.1 what only 5.0 knows", () => {
  const packet = { type: "pubcomp", packetId: 1, reasonCode: 0x92, reasonString: "why" } as const;
  assertEquals(encode(packet, 4), hex("70 02 00 01"));
  assertNotEncoded({ ...packet, reasonCode: 0x10 }, 5, 0x82);
});
