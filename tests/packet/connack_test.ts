import { assertEquals } from "@std/assert";
import { connectReturnCode, encode } from "../../broker/packet/mod.ts";
import { assertNotEncoded, hex, testInvalid, testValid } from "./fixtures.ts";

testValid([
  {
    name: "CONNACK, new session [MQTT-3.1.4-4]",
    hex: "20 02 00 00",
    packet: { type: "connack", sessionPresent: false, reasonCode: 0x00 },
  },
  {
    name: "CONNACK, session present [MQTT-3.2.2-2]",
    hex: "20 02 01 00",
    packet: { type: "connack", sessionPresent: true, reasonCode: 0x00 },
  },
  {
    name: "CONNACK 1, protocol version",
    hex: "20 02 00 01",
    packet: { type: "connack", sessionPresent: false, reasonCode: 0x84 },
  },
  {
    name: "CONNACK 2, client identifier",
    hex: "20 02 00 02",
    packet: { type: "connack", sessionPresent: false, reasonCode: 0x85 },
  },
  {
    name: "CONNACK 3, unavailable",
    hex: "20 02 00 03",
    packet: { type: "connack", sessionPresent: false, reasonCode: 0x88 },
  },
  {
    name: "CONNACK 4, user name or password",
    hex: "20 02 00 04",
    packet: { type: "connack", sessionPresent: false, reasonCode: 0x86 },
  },
  {
    name: "CONNACK 5, not authorized",
    hex: "20 02 00 05",
    packet: { type: "connack", sessionPresent: false, reasonCode: 0x87 },
  },
  {
    name: "CONNACK of MQTT 3.1",
    hex: "20 02 00 00",
    version: 3,
    packet: { type: "connack", sessionPresent: false, reasonCode: 0x00 },
  },
  {
    name: "CONNACK of MQTT 3.1, whose first byte says nothing",
    hex: "20 02 01 04",
    version: 3,
    packet: { type: "connack", sessionPresent: false, reasonCode: 0x86 },
    decodeOnly: true,
  },
]);

testInvalid([
  { name: "CONNACK with return code 6 [MQTT-3.2.2-6]", hex: "20 02 00 06", reasonCode: 0x81 },
  { name: "CONNACK with return code 255 [MQTT-3.2.2-6]", hex: "20 02 00 ff", reasonCode: 0x81 },
  { name: "CONNACK with reserved flags", hex: "20 02 02 00", reasonCode: 0x81 },
  { name: "CONNACK that fails with session present [MQTT-3.2.2-4]", hex: "20 02 01 05", reasonCode: 0x81 },
  { name: "CONNACK with header flags [MQTT-2.2.2-2]", hex: "21 02 00 00", reasonCode: 0x81 },
  { name: "CONNACK of 3 bytes", hex: "20 03 00 00 00", reasonCode: 0x81 },
  { name: "CONNACK of 1 byte", hex: "20 01 00", reasonCode: 0x81 },
]);

Deno.test("session present is not said where it must not be", () => {
  assertEquals(encode({ type: "connack", sessionPresent: true, reasonCode: 0x00 }, 3), hex("20 02 00 00"));
  assertEquals(encode({ type: "connack", sessionPresent: true, reasonCode: 0x87 }, 4), hex("20 02 00 05")); // [MQTT-3.2.2-4]
});

Deno.test("a reason without return code has no CONNACK [MQTT-3.2.2-6]", () => {
  for (const reasonCode of [0x80, 0x81, 0x82, 0x89, 0x8a, 0x95, 0x97, 0x01]) {
    assertEquals(connectReturnCode(reasonCode), undefined);
    assertNotEncoded({ type: "connack", sessionPresent: false, reasonCode }, 4, 0x80);
  }
});
