import { assertNotEncoded, testInvalid, testValid } from "./fixtures.ts";

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
