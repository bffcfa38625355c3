import { assertEquals } from "@std/assert";
import { encode } from "../../broker/packet/mod.ts";
import { assertNotEncoded, hex, testInvalid, testValid } from "./fixtures.ts";

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

testValid([
  {
    name: "SUBSCRIBE of MQTT 5.0 [MQTT5-3.8.1-1] [MQTT5-3.8.3-1]",
    hex: "82 09 00 0a 00 00 03 'a/b' 01",
    version: 5,
    packet: { type: "subscribe", packetId: 10, requests: [{ filter: "a/b", qos: 1 }] },
  },
  {
    name: "SUBSCRIBE with every option",
    hex: "82 17 00 0a 00 00 01 'a' 04 00 01 'b' 09 00 01 'c' 12 00 01 'd' 20 00 01 'e' 2e",
    version: 5,
    packet: {
      type: "subscribe",
      packetId: 10,
      requests: [
        { filter: "a", qos: 0, noLocal: true },
        { filter: "b", qos: 1, retainAsPublished: true },
        { filter: "c", qos: 2, retainHandling: 1 },
        { filter: "d", qos: 0, retainHandling: 2 },
        { filter: "e", qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 },
      ],
    },
  },
  {
    name: "SUBSCRIBE with the largest subscription identifier and a user property",
    hex: "82 13 00 0a 0c 0b ff ff ff 7f 26 00 01 'a' 00 01 'b' 00 01 '#' 00",
    version: 5,
    packet: {
      type: "subscribe",
      packetId: 10,
      requests: [{ filter: "#", qos: 0 }],
      subscriptionId: 268_435_455,
      userProperties: [["a", "b"]],
    },
  },
]);

testInvalid([
  {
    name: "SUBSCRIBE of MQTT 5.0 without filter [MQTT5-3.8.3-2]",
    hex: "82 03 00 0a 00",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "SUBSCRIBE of MQTT 5.0 with flags 0 [MQTT5-3.8.1-1]",
    hex: "80 07 00 0a 00 00 01 '#' 00",
    version: 5,
    reasonCode: 0x81,
  },
  ...["40", "80", "c1"].map((options) => ({
    name: `SUBSCRIBE with reserved bits in its options ${options} [MQTT5-3.8.3-5]`,
    hex: `82 07 00 0a 00 00 01 '#' ${options}`,
    version: 5 as const,
    reasonCode: 0x81,
  })),
  {
    name: "SUBSCRIBE of MQTT 5.0 with QoS 3",
    hex: "82 07 00 0a 00 00 01 '#' 03",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "SUBSCRIBE with Retain Handling 3",
    hex: "82 07 00 0a 00 00 01 '#' 30",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "SUBSCRIBE with subscription identifier 0",
    hex: "82 09 00 0a 02 0b 00 00 01 '#' 00",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "SUBSCRIBE with two subscription identifiers",
    hex: "82 0b 00 0a 04 0b 01 0b 02 00 01 '#' 00",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "SUBSCRIBE with a subscription identifier of five bytes",
    hex: "82 0d 00 0a 06 0b ff ff ff ff 01 00 01 '#' 00",
    version: 5,
    reasonCode: 0x81,
  },
]);

Deno.test("SUBSCRIBE leaves out for 3.1.1 what only 5.0 knows", () => {
  const requests = [{
    filter: "#",
    qos: 1,
    noLocal: true,
    retainAsPublished: true,
    retainHandling: 2,
  }] as const;
  const packet = { type: "subscribe", packetId: 1, requests, subscriptionId: 7 } as const;
  assertEquals(encode(packet, 4), hex("82 06 00 01 00 01 '#' 01"));
  assertEquals(encode(packet, 5), hex("82 09 00 01 02 0b 07 00 01 '#' 2d"));
});
