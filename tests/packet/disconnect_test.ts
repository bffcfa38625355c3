import { assertEquals } from "@std/assert";
import { encode } from "../../broker/packet/mod.ts";
import { assertNotEncoded, hex, testInvalid, testValid } from "./fixtures.ts";

testValid([
  { name: "DISCONNECT", hex: "e0 00", packet: { type: "disconnect", reasonCode: 0 } },
]);

testInvalid([
  { name: "DISCONNECT with flags 1 [MQTT-3.14.1-1]", hex: "e1 00", reasonCode: 0x81 },
  { name: "DISCONNECT with a body, which comes with MQTT 5.0", hex: "e0 01 00", reasonCode: 0x81 },
]);

Deno.test("DISCONNECT leaves its reason out", () => {
  assertEquals(encode({ type: "disconnect", reasonCode: 0x8b }, 4), hex("e0 00"));
});

testValid([
  {
    name: "DISCONNECT of MQTT 5.0 with nothing in it",
    hex: "e0 00",
    version: 5,
    packet: { type: "disconnect", reasonCode: 0 },
  },
  {
    name: "DISCONNECT with its reason code only [MQTT5-3.14.2-1]",
    hex: "e0 01 04",
    version: 5,
    packet: { type: "disconnect", reasonCode: 0x04 },
  },
  {
    name: "DISCONNECT with a normal end in so many words",
    hex: "e0 01 00",
    version: 5,
    packet: { type: "disconnect", reasonCode: 0 },
    decodeOnly: true,
  },
  {
    name: "DISCONNECT with an empty block of properties",
    hex: "e0 02 8e 00",
    version: 5,
    packet: { type: "disconnect", reasonCode: 0x8e },
    decodeOnly: true,
  },
  {
    name: "DISCONNECT that keeps the session for ever",
    hex: "e0 07 00 05 11 ff ff ff ff",
    version: 5,
    packet: { type: "disconnect", reasonCode: 0, sessionExpirySeconds: Infinity },
  },
  {
    name: "DISCONNECT that ends the session",
    hex: "e0 07 00 05 11 00 00 00 00",
    version: 5,
    packet: { type: "disconnect", reasonCode: 0, sessionExpirySeconds: 0 },
  },
  {
    name: "DISCONNECT of a server that knows a better one",
    hex: "e0 17 9c 15 1c 00 04 'next' 1f 00 03 'why' 26 00 01 'a' 00 02 'bc'",
    version: 5,
    packet: {
      type: "disconnect",
      reasonCode: 0x9c,
      serverReference: "next",
      reasonString: "why",
      userProperties: [["a", "bc"]],
    },
  },
]);

testInvalid([
  {
    name: "DISCONNECT of MQTT 5.0 with flags [MQTT5-3.14.1-1]",
    hex: "e1 00",
    version: 5,
    reasonCode: 0x81,
  },
  {
    name: "DISCONNECT with the reason code of a CONNACK [MQTT5-3.14.2-1]",
    hex: "e0 01 84",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "DISCONNECT with bytes behind its properties",
    hex: "e0 03 00 00 00",
    version: 5,
    reasonCode: 0x81,
  },
  { name: "DISCONNECT with a block that is cut off", hex: "e0 02 00 05", version: 5, reasonCode: 0x81 },
]);

Deno.test("DISCONNECT has no code that does not occur there [MQTT5-3.14.2-1]", () => {
  assertNotEncoded({ type: "disconnect", reasonCode: 0x84 }, 5, 0x82);
  assertNotEncoded({ type: "disconnect", reasonCode: 0, sessionExpirySeconds: -1 }, 5, 0x81);
});
