import { testInvalid, testValid } from "./fixtures.ts";

testValid([
  { name: "PINGRESP [MQTT-3.12.4-1]", hex: "d0 00", packet: { type: "pingresp" } },
  { name: "PINGRESP of MQTT 5.0", hex: "d0 00", version: 5, packet: { type: "pingresp" } },
  { name: "PINGRESP of MQTT 3.1", hex: "d0 00", version: 3, packet: { type: "pingresp" } },
]);

testInvalid([
  { name: "PINGRESP with flags 1 [MQTT-2.2.2-2]", hex: "d1 00", reasonCode: 0x81 },
  { name: "PINGRESP with flags 8 in MQTT 3.1", hex: "d8 00", version: 3, reasonCode: 0x81 },
  { name: "PINGRESP with a body", hex: "d0 01 00", reasonCode: 0x81 },
]);
