import { assertNotEncoded, testInvalid, testValid } from "./fixtures.ts";

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
