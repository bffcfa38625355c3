import { assertNotEncoded, testInvalid, testValid } from "./fixtures.ts";

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
