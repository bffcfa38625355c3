import { testInvalid, testValid } from "./fixtures.ts";

testValid([
  { name: "PINGREQ [MQTT-3.12.4-1]", hex: "c0 00", packet: { type: "pingreq" } },
  { name: "PINGREQ of MQTT 5.0", hex: "c0 00", version: 5, packet: { type: "pingreq" } },
  { name: "PINGREQ of MQTT 3.1", hex: "c0 00", version: 3, packet: { type: "pingreq" } },
]);

testInvalid([
  { name: "PINGREQ with flags 1 [MQTT-2.2.2-2]", hex: "c1 00", reasonCode: 0x81 },
  { name: "PINGREQ with flags 8 in MQTT 3.1", hex: "c8 00", version: 3, reasonCode: 0x81 },
  { name: "PINGREQ with a body", hex: "c0 01 00", reasonCode: 0x81 },
]);
