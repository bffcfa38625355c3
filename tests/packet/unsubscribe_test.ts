import { assertNotEncoded, testInvalid, testValid } from "./fixtures.ts";

testValid([
  {
    name: "UNSUBSCRIBE with one filter [MQTT-3.10.1-1]",
    hex: "a2 07 00 0a 00 03 'a/b'",
    packet: { type: "unsubscribe", packetId: 10, filters: ["a/b"] },
  },
  {
    name: "UNSUBSCRIBE with two filters [MQTT-3.10.4-6]",
    hex: "a2 0a ff ff 00 01 '#' 00 03 '+/b'",
    packet: { type: "unsubscribe", packetId: 65535, filters: ["#", "+/b"] },
  },
  {
    name: "UNSUBSCRIBE that MQTT 3.1 sends again",
    hex: "aa 07 00 0a 00 03 'a/b'",
    version: 3,
    packet: { type: "unsubscribe", packetId: 10, filters: ["a/b"] },
    decodeOnly: true,
  },
]);

testInvalid([
  { name: "UNSUBSCRIBE with flags 0 [MQTT-3.10.1-1]", hex: "a0 07 00 0a 00 03 'a/b'", reasonCode: 0x81 },
  {
    name: "UNSUBSCRIBE with DUP in MQTT 3.1.1 [MQTT-3.10.1-1]",
    hex: "aa 07 00 0a 00 03 'a/b'",
    reasonCode: 0x81,
  },
  { name: "UNSUBSCRIBE with identifier 0 [MQTT-2.3.1-1]", hex: "a2 07 00 00 00 03 'a/b'", reasonCode: 0x82 },
  { name: "UNSUBSCRIBE without filter [MQTT-3.10.3-2]", hex: "a2 02 00 0a", reasonCode: 0x82 },
  { name: "UNSUBSCRIBE with half a length", hex: "a2 08 00 0a 00 03 'a/b' 00", reasonCode: 0x81 },
  { name: "an ill-formed filter [MQTT-3.10.3-1]", hex: "a2 06 00 0a 00 02 c3 28", reasonCode: 0x81 },
]);

Deno.test("an UNSUBSCRIBE that breaks the rules is not encoded", () => {
  assertNotEncoded({ type: "unsubscribe", packetId: 1, filters: [] }, 4, 0x82); // [MQTT-3.10.3-2]
  assertNotEncoded({ type: "unsubscribe", packetId: 0, filters: ["a"] }, 4, 0x82); // [MQTT-2.3.1-1]
});

testValid([
  {
    name: "UNSUBSCRIBE of MQTT 5.0 with two filters [MQTT5-3.10.1-1] [MQTT5-3.10.3-1]",
    hex: "a2 0b ff ff 00 00 01 '#' 00 03 '+/b'",
    version: 5,
    packet: { type: "unsubscribe", packetId: 65535, filters: ["#", "+/b"] },
  },
  {
    name: "UNSUBSCRIBE with user properties",
    hex: "a2 14 00 0a 0e 26 00 01 'a' 00 01 'b' 26 00 01 'a' 00 01 'c' 00 01 '#'",
    version: 5,
    packet: { type: "unsubscribe", packetId: 10, filters: ["#"], userProperties: [["a", "b"], ["a", "c"]] },
  },
]);

testInvalid([
  {
    name: "UNSUBSCRIBE of MQTT 5.0 without filter [MQTT5-3.10.3-2]",
    hex: "a2 03 00 0a 00",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "UNSUBSCRIBE of MQTT 5.0 with flags 0 [MQTT5-3.10.1-1]",
    hex: "a0 06 00 0a 00 00 01 '#'",
    version: 5,
    reasonCode: 0x81,
  },
  {
    name: "UNSUBSCRIBE of MQTT 5.0 with an ill-formed filter [MQTT5-3.10.3-1]",
    hex: "a2 07 00 0a 00 00 02 c3 28",
    version: 5,
    reasonCode: 0x81,
  },
  {
    name: "UNSUBSCRIBE of MQTT 5.0 with identifier 0 [MQTT5-2.2.1-3]",
    hex: "a2 06 00 00 00 00 01 '#'",
    version: 5,
    reasonCode: 0x82,
  },
]);
