import { assertEquals } from "@std/assert";
import { encode } from "../../broker/packet/mod.ts";
import { assertNotEncoded, hex, testInvalid, testValid } from "./fixtures.ts";

testValid([
  {
    name: "PUBACK with identifier 1 [MQTT-2.3.1-6]",
    hex: "40 02 00 01",
    packet: { type: "puback", packetId: 1, reasonCode: 0 },
  },
  {
    name: "PUBACK with identifier 65535 [MQTT-2.3.1-6]",
    hex: "40 02 ff ff",
    packet: { type: "puback", packetId: 65535, reasonCode: 0 },
  },
  {
    name: "PUBACK of MQTT 3.1",
    hex: "40 02 12 34",
    version: 3,
    packet: { type: "puback", packetId: 0x1234, reasonCode: 0 },
  },
]);

testInvalid([
  { name: "PUBACK with identifier 0 [MQTT-2.3.1-1]", hex: "40 02 00 00", reasonCode: 0x82 },
  { name: "PUBACK with flags 1 [MQTT-2.2.2-2]", hex: "41 02 00 01", reasonCode: 0x81 },
  { name: "PUBACK with flags 2 [MQTT-2.2.2-2]", hex: "42 02 00 01", reasonCode: 0x81 },
  { name: "PUBACK with DUP in MQTT 3.1", hex: "48 02 00 01", version: 3, reasonCode: 0x81 },
  { name: "PUBACK of 1 byte", hex: "40 01 01", reasonCode: 0x81 },
  { name: "PUBACK of 3 bytes", hex: "40 03 00 01 00", reasonCode: 0x81 },
  { name: "an empty PUBACK", hex: "40 00", reasonCode: 0x81 },
]);

Deno.test("PUBACK with an identifier out of range is not encoded", () => {
  for (const packetId of [0, -1, 65536]) {
    assertNotEncoded({ type: "puback", packetId, reasonCode: 0 }, 4, 0x82);
  }
});

testValid([
  {
    name: "PUBACK of MQTT 5.0, short [MQTT5-2.2.1-5]",
    hex: "40 02 ff ff",
    version: 5,
    packet: { type: "puback", packetId: 65535, reasonCode: 0 },
  },
  {
    name: "PUBACK with its reason code only [MQTT5-3.4.2-1]",
    hex: "40 03 00 01 10",
    version: 5,
    packet: { type: "puback", packetId: 1, reasonCode: 0x10 },
  },
  {
    name: "PUBACK with success in so many words",
    hex: "40 03 00 01 00",
    version: 5,
    packet: { type: "puback", packetId: 1, reasonCode: 0 },
    decodeOnly: true,
  },
  {
    name: "PUBACK with an empty block of properties",
    hex: "40 04 00 01 10 00",
    version: 5,
    packet: { type: "puback", packetId: 1, reasonCode: 0x10 },
    decodeOnly: true,
  },
  {
    name: "PUBACK with all properties",
    hex: "40 16 00 01 00 12 1f 00 03 'why' 26 00 01 'a' 00 01 'b' 26 00 00 00 00",
    version: 5,
    packet: {
      type: "puback",
      packetId: 1,
      reasonCode: 0,
      reasonString: "why",
      userProperties: [["a", "b"], ["", ""]],
    },
  },
]);

testInvalid([
  {
    name: "PUBACK of MQTT 5.0 with identifier 0 [MQTT5-2.2.1-3]",
    hex: "40 03 00 00 10",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "PUBACK with a reason code of another packet [MQTT5-3.4.2-1]",
    hex: "40 03 00 01 92",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "PUBACK with a reserved reason code [MQTT5-3.4.2-1]",
    hex: "40 04 00 01 7f 00",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "PUBACK with bytes behind its properties",
    hex: "40 05 00 01 10 00 00",
    version: 5,
    reasonCode: 0x81,
  },
  { name: "PUBACK with half a block", hex: "40 06 00 01 10 04 1f 00", version: 5, reasonCode: 0x81 },
  {
    name: "PUBACK of MQTT 5.0 with flags [MQTT5-2.1.3-1]",
    hex: "42 02 00 01",
    version: 5,
    reasonCode: 0x81,
  },
]);

Deno.test("PUBACK leaves out for 3.1.1 what only 5.0 knows", () => {
  const packet = { type: "puback", packetId: 1, reasonCode: 0x10, reasonString: "why" } as const;
  assertEquals(encode(packet, 4), hex("40 02 00 01"));
  assertNotEncoded({ ...packet, reasonCode: 0x92 }, 5, 0x82);
});
