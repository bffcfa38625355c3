import { assertNotEncoded, testInvalid, testValid } from "./fixtures.ts";

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
