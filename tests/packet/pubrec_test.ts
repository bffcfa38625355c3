import { assertEquals } from "@std/assert";
import { encode } from "../../broker/packet/mod.ts";
import { assertNotEncoded, hex, testInvalid, testValid } from "./fixtures.ts";

testValid([
  {
    name: "PUBREC with identifier 1 [MQTT-2.3.1-6]",
    hex: "50 02 00 01",
    packet: { type: "pubrec", packetId: 1, reasonCode: 0 },
  },
  {
    name: "PUBREC with identifier 65535 [MQTT-2.3.1-6]",
    hex: "50 02 ff ff",
    packet: { type: "pubrec", packetId: 65535, reasonCode: 0 },
  },
  {
    name: "PUBREC of MQTT 3.1",
    hex: "50 02 12 34",
    version: 3,
    packet: { type: "pubrec", packetId: 0x1234, reasonCode: 0 },
  },
]);

testInvalid([
  { name: "PUBREC with identifier 0 [MQTT-2.3.1-1]", hex: "50 02 00 00", reasonCode: 0x82 },
  { name: "PUBREC with flags 1 [MQTT-2.2.2-2]", hex: "51 02 00 01", reasonCode: 0x81 },
  { name: "PUBREC with flags 2 [MQTT-2.2.2-2]", hex: "52 02 00 01", reasonCode: 0x81 },
  { name: "PUBREC with DUP in MQTT 3.1", hex: "58 02 00 01", version: 3, reasonCode: 0x81 },
  { name: "PUBREC of 1 byte", hex: "50 01 01", reasonCode: 0x81 },
  { name: "PUBREC of 3 bytes", hex: "50 03 00 01 00", reasonCode: 0x81 },
  { name: "an empty PUBREC", hex: "50 00", reasonCode: 0x81 },
]);

Deno.test("PUBREC with an identifier out of range is not encoded", () => {
  for (const packetId of [0, -1, 65536]) {
    assertNotEncoded({ type: "pubrec", packetId, reasonCode: 0 }, 4, 0x82);
  }
});

testValid([
  {
    name: "PUBREC of MQTT 5.0, short [MQTT5-2.2.1-5]",
    hex: "50 02 ff ff",
    version: 5,
    packet: { type: "pubrec", packetId: 65535, reasonCode: 0 },
  },
  {
    name: "PUBREC with its reason code only [MQTT5-3.5.2-1]",
    hex: "50 03 00 01 97",
    version: 5,
    packet: { type: "pubrec", packetId: 1, reasonCode: 0x97 },
  },
  {
    name: "PUBREC with success in so many words",
    hex: "50 03 00 01 00",
    version: 5,
    packet: { type: "pubrec", packetId: 1, reasonCode: 0 },
    decodeOnly: true,
  },
  {
    name: "PUBREC with an empty block of properties",
    hex: "50 04 00 01 97 00",
    version: 5,
    packet: { type: "pubrec", packetId: 1, reasonCode: 0x97 },
    decodeOnly: true,
  },
  {
    name: "PUBREC with all properties",
    hex: "50 16 00 01 00 12 1f 00 03 'why' 26 00 01 'a' 00 01 'b' 26 00 00 00 00",
    version: 5,
    packet: {
      type: "pubrec",
      packetId: 1,
      reasonCode: 0,
      reasonString: "why",
      userProperties: [["a", "b"], ["", ""]],
    },
  },
]);

testInvalid([
  {
    name: "PUBREC of MQTT 5.0 with identifier 0 [MQTT5-2.2.1-3]",
    hex: "50 03 00 00 97",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "PUBREC with a reason code of another packet [MQTT5-3.5.2-1]",
    hex: "50 03 00 01 92",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "PUBREC with a reserved reason code [MQTT5-3.5.2-1]",
    hex: "50 04 00 01 7f 00",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "PUBREC with bytes behind its properties",
    hex: "50 05 00 01 97 00 00",
    version: 5,
    reasonCode: 0x81,
  },
  { name: "PUBREC with half a block", hex: "50 06 00 01 97 04 1f 00", version: 5, reasonCode: 0x81 },
  {
    name: "PUBREC of MQTT 5.0 with flags [MQTT5-2.1.3-1]",
    hex: "52 02 00 01",
    version: 5,
    reasonCode: 0x81,
  },
]);

Deno.test("PUBREC leaves out for 3.1.1 what only 5.0 knows", () => {
  const packet = { type: "pubrec", packetId: 1, reasonCode: 0x97, reasonString: "why" } as const;
  assertEquals(encode(packet, 4), hex("50 02 00 01"));
  assertNotEncoded({ ...packet, reasonCode: 0x92 }, 5, 0x82);
});
