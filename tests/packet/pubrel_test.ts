import { assertEquals } from "@std/assert";
import { encode } from "../../broker/packet/mod.ts";
import { assertNotEncoded, hex, testInvalid, testValid } from "./fixtures.ts";

testValid([
  {
    name: "PUBREL with identifier 1 [MQTT-3.6.1-1] [MQTT-2.3.1-6]",
    hex: "62 02 00 01",
    packet: { type: "pubrel", packetId: 1, reasonCode: 0 },
  },
  {
    name: "PUBREL with identifier 65535 [MQTT-2.3.1-6]",
    hex: "62 02 ff ff",
    packet: { type: "pubrel", packetId: 65535, reasonCode: 0 },
  },
  {
    name: "PUBREL that MQTT 3.1 sends again",
    hex: "6a 02 00 01",
    version: 3,
    packet: { type: "pubrel", packetId: 1, reasonCode: 0 },
    decodeOnly: true,
  },
]);

testInvalid([
  { name: "PUBREL with flags 0 [MQTT-3.6.1-1]", hex: "60 02 00 01", reasonCode: 0x81 },
  { name: "PUBREL with flags 0 in MQTT 3.1", hex: "60 02 00 01", version: 3, reasonCode: 0x81 },
  { name: "PUBREL with DUP in MQTT 3.1.1 [MQTT-3.6.1-1]", hex: "6a 02 00 01", reasonCode: 0x81 },
  { name: "PUBREL with identifier 0 [MQTT-2.3.1-1]", hex: "62 02 00 00", reasonCode: 0x82 },
  { name: "PUBREL of 1 byte", hex: "62 01 01", reasonCode: 0x81 },
  { name: "PUBREL of 3 bytes", hex: "62 03 00 01 00", reasonCode: 0x81 },
]);

Deno.test("PUBREL with an identifier out of range is not encoded", () => {
  for (const packetId of [0, -1, 65536]) {
    assertNotEncoded({ type: "pubrel", packetId, reasonCode: 0 }, 4, 0x82);
  }
});

testValid([
  {
    name: "PUBREL of MQTT 5.0, short [MQTT5-2.2.1-5]",
    hex: "62 02 ff ff",
    version: 5,
    packet: { type: "pubrel", packetId: 65535, reasonCode: 0 },
  },
  {
    name: "PUBREL with its reason code only [MQTT5-3.6.2-1]",
    hex: "62 03 00 01 92",
    version: 5,
    packet: { type: "pubrel", packetId: 1, reasonCode: 0x92 },
  },
  {
    name: "PUBREL with success in so many words",
    hex: "62 03 00 01 00",
    version: 5,
    packet: { type: "pubrel", packetId: 1, reasonCode: 0 },
    decodeOnly: true,
  },
  {
    name: "PUBREL with an empty block of properties",
    hex: "62 04 00 01 92 00",
    version: 5,
    packet: { type: "pubrel", packetId: 1, reasonCode: 0x92 },
    decodeOnly: true,
  },
  {
    name: "PUBREL with all properties",
    hex: "62 16 00 01 00 12 1f 00 03 'why' 26 00 01 'a' 00 01 'b' 26 00 00 00 00",
    version: 5,
    packet: {
      type: "pubrel",
      packetId: 1,
      reasonCode: 0,
      reasonString: "why",
      userProperties: [["a", "b"], ["", ""]],
    },
  },
]);

testInvalid([
  {
    name: "PUBREL of MQTT 5.0 with identifier 0 [MQTT5-2.2.1-3]",
    hex: "62 03 00 00 92",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "PUBREL with a reason code of another packet [MQTT5-3.6.2-1]",
    hex: "62 03 00 01 10",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "PUBREL with a reserved reason code [MQTT5-3.6.2-1]",
    hex: "62 04 00 01 7f 00",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "PUBREL with bytes behind its properties",
    hex: "62 05 00 01 92 00 00",
    version: 5,
    reasonCode: 0x81,
  },
  { name: "PUBREL with half a block", hex: "62 06 00 01 92 04 1f 00", version: 5, reasonCode: 0x81 },
  {
    name: "PUBREL of MQTT 5.0 with flags [MQTT5-2.1.3-1]",
    hex: "60 02 00 01",
    version: 5,
    reasonCode: 0x81,
  },
]);

Deno.test("PUBREL leaves out for 3.1.1 what only 5.0 knows", () => {
  const packet = { type: "pubrel", packetId: 1, reasonCode: 0x92, reasonString: "why" } as const;
  assertEquals(encode(packet, 4), hex("62 02 00 01"));
  assertNotEncoded({ ...packet, reasonCode: 0x10 }, 5, 0x82);
});
