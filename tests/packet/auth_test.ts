import { assertNotEncoded, testInvalid, testValid } from "./fixtures.ts";

testValid([
  { name: "AUTH with nothing in it", hex: "f0 00", version: 5, packet: { type: "auth", reasonCode: 0 } },
  {
    name: "AUTH that goes on [MQTT5-4.12.0-2] [MQTT5-4.12.0-3]",
    hex: "f0 10 18 0e 15 00 05 'SCRAM' 16 00 03 00 ff 01",
    version: 5,
    packet: {
      type: "auth",
      reasonCode: 0x18,
      authenticationMethod: "SCRAM",
      authenticationData: Uint8Array.of(0, 255, 1),
    },
  },
  {
    name: "AUTH that begins again [MQTT5-4.12.1-1]",
    hex: "f0 06 19 04 15 00 01 'm'",
    version: 5,
    packet: { type: "auth", reasonCode: 0x19, authenticationMethod: "m" },
  },
  {
    name: "AUTH with all properties [MQTT5-4.12.0-5]",
    hex: "f0 16 00 14 15 00 01 'm' 16 00 00 1f 00 03 'why' 26 00 01 'a' 00 01 'b'",
    version: 5,
    packet: {
      type: "auth",
      reasonCode: 0,
      authenticationMethod: "m",
      authenticationData: Uint8Array.of(),
      reasonString: "why",
      userProperties: [["a", "b"]],
    },
  },
]);

testInvalid([
  { name: "AUTH with flags [MQTT5-3.15.1-1]", hex: "f1 00", version: 5, reasonCode: 0x81 },
  {
    name: "AUTH with a code of another packet [MQTT5-3.15.2-1]",
    hex: "f0 06 87 04 15 00 01 'm'",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "AUTH with a reserved code [MQTT5-3.15.2-1]",
    hex: "f0 06 55 04 15 00 01 'm'",
    version: 5,
    reasonCode: 0x82,
  },
  { name: "AUTH without properties", hex: "f0 01 18", version: 5, reasonCode: 0x81 },
  { name: "AUTH without method", hex: "f0 02 18 00", version: 5, reasonCode: 0x82 },
  { name: "AUTH with data and no method", hex: "f0 06 18 04 16 00 01 00", version: 5, reasonCode: 0x82 },
  {
    name: "AUTH with bytes behind its properties",
    hex: "f0 07 18 04 15 00 01 'm' 00",
    version: 5,
    reasonCode: 0x81,
  },
  { name: "AUTH in MQTT 3.1.1", hex: "f0 00", version: 4, reasonCode: 0x81 },
  { name: "AUTH in MQTT 3.1", hex: "f0 00", version: 3, reasonCode: 0x81 },
]);

Deno.test("an AUTH that breaks the rules is not encoded", () => {
  assertNotEncoded({ type: "auth", reasonCode: 0x18 }, 5, 0x82);
  assertNotEncoded({ type: "auth", reasonCode: 0x87, authenticationMethod: "m" }, 5, 0x82);
  assertNotEncoded({ type: "auth", reasonCode: 0, authenticationMethod: "m" }, 4, 0x82);
});
