import { assertEquals } from "@std/assert";
import { encode } from "../../broker/packet/mod.ts";
import { hex, testInvalid, testValid } from "./fixtures.ts";

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
