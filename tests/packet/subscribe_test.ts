import { assertNotEncoded, testInvalid, testValid } from "./fixtures.ts";

testValid([
  {
    name: "SUBSCRIBE with one filter [MQTT-3.8.1-1]",
    hex: "82 08 00 0a 00 03 'a/b' 01",
    packet: { type: "subscribe", packetId: 10, requests: [{ filter: "a/b", qos: 1 }] },
  },
  {
    name: "SUBSCRIBE with three filters [MQTT-3.8.4-4]",
    hex: "82 11 ff ff 00 01 '#' 02 00 03 '+/b' 00 00 02 'ñ' 01",
    packet: {
      type: "subscribe",
      packetId: 65535,
      requests: [{ filter: "#", qos: 2 }, { filter: "+/b", qos: 0 }, { filter: "ñ", qos: 1 }],
    },
  },
  {
    name: "SUBSCRIBE with an ill-placed wildcard, which topic/name.ts judges",
    hex: "82 07 00 0a 00 02 'a#' 01",
    packet: { type: "subscribe", packetId: 10, requests: [{ filter: "a#", qos: 1 }] },
  },
  {
    name: "SUBSCRIBE that MQTT 3.1 sends again",
    hex: "8a 08 00 0a 00 03 'a/b' 01",
    version: 3,
    packet: { type: "subscribe", packetId: 10, requests: [{ filter: "a/b", qos: 1 }] },
    decodeOnly: true,
  },
]);

testInvalid([
  { name: "SUBSCRIBE with flags 0 [MQTT-3.8.1-1]", hex: "80 08 00 0a 00 03 'a/b' 01", reasonCode: 0x81 },
  {
    name: "SUBSCRIBE with DUP in MQTT 3.1.1 [MQTT-3.8.1-1]",
    hex: "8a 08 00 0a 00 03 'a/b' 01",
    reasonCode: 0x81,
  },
  { name: "SUBSCRIBE with identifier 0 [MQTT-2.3.1-1]", hex: "82 08 00 00 00 03 'a/b' 01", reasonCode: 0x82 },
  { name: "SUBSCRIBE without filter [MQTT-3.8.3-3]", hex: "82 02 00 0a", reasonCode: 0x82 },
  { name: "SUBSCRIBE with QoS 3 [MQTT-3.8.3-4]", hex: "82 08 00 0a 00 03 'a/b' 03", reasonCode: 0x81 },
  {
    name: "SUBSCRIBE with a reserved bit [MQTT-3.8.3-4]",
    hex: "82 08 00 0a 00 03 'a/b' 04",
    reasonCode: 0x81,
  },
  {
    name: "SUBSCRIBE with the highest reserved bit [MQTT-3.8.3-4]",
    hex: "82 08 00 0a 00 03 'a/b' 81",
    reasonCode: 0x81,
  },
  { name: "SUBSCRIBE without QoS byte", hex: "82 07 00 0a 00 03 'a/b'", reasonCode: 0x81 },
  {
    name: "SUBSCRIBE with a bad second request",
    hex: "82 0c 00 0a 00 03 'a/b' 01 00 01 'c' 03",
    reasonCode: 0x81,
  },
  { name: "an ill-formed filter [MQTT-3.8.3-1]", hex: "82 07 00 0a 00 02 c3 28 01", reasonCode: 0x81 },
  { name: "U+0000 in a filter [MQTT-4.7.3-2]", hex: "82 07 00 0a 00 02 61 00 01", reasonCode: 0x81 },
]);

Deno.test("a SUBSCRIBE that breaks the rules is not encoded", () => {
  assertNotEncoded({ type: "subscribe", packetId: 1, requests: [] }, 4, 0x82); // [MQTT-3.8.3-3]
  assertNotEncoded({ type: "subscribe", packetId: 0, requests: [{ filter: "a", qos: 0 }] }, 4, 0x82); // [MQTT-2.3.1-1]
});
