import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { describeReason, encode, isReasonOf, PacketError, ReasonCode } from "../../broker/packet/mod.ts";
import { type ReasonPacket, REASONS } from "../../broker/packet/reason_code.ts";
import { decodeChunks, hex } from "./fixtures.ts";

/** Table 2-6 of the specification, written down once more: the codes of each packet. */
const CODES: Readonly<Record<ReasonPacket, string>> = {
  connack: "00 80 81 82 83 84 85 86 87 88 89 8a 8c 90 95 97 99 9a 9b 9c 9d 9f",
  puback: "00 10 80 83 87 90 91 97 99",
  pubrec: "00 10 80 83 87 90 91 97 99",
  pubrel: "00 92",
  pubcomp: "00 92",
  suback: "00 01 02 80 83 87 8f 91 97 9e a1 a2",
  unsuback: "00 11 80 83 87 8f 91",
  disconnect: "00 04 80 81 82 83 87 89 8b 8c 8d 8e 8f 90 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f a0 a1 a2",
  auth: "00 18 19",
};
const PACKETS = Object.keys(CODES) as ReasonPacket[];

/** A packet with this reason code. */
function bytesOf(packet: ReasonPacket, code: number): Uint8Array {
  switch (packet) {
    case "connack":
      return Uint8Array.of(0x20, 3, 0, code, 0);
    case "puback":
      return Uint8Array.of(0x40, 3, 0, 1, code);
    case "pubrec":
      return Uint8Array.of(0x50, 3, 0, 1, code);
    case "pubrel":
      return Uint8Array.of(0x62, 3, 0, 1, code);
    case "pubcomp":
      return Uint8Array.of(0x70, 3, 0, 1, code);
    case "suback":
      return Uint8Array.of(0x90, 4, 0, 1, 0, code);
    case "unsuback":
      return Uint8Array.of(0xb0, 4, 0, 1, 0, code);
    case "disconnect":
      return Uint8Array.of(0xe0, 1, code);
    case "auth":
      return Uint8Array.of(0xf0, 6, code, 4, 0x15, 0, 1, 0x6d);
  }
}

for (const packet of PACKETS) {
  // [MQTT5-3.2.2-8] [MQTT5-3.4.2-1] [MQTT5-3.5.2-1] [MQTT5-3.6.2-1] [MQTT5-3.7.2-1] [MQTT5-3.9.3-2] [MQTT5-3.11.3-2]
  // [MQTT5-3.14.2-1] [MQTT5-3.15.2-1]
  Deno.test(`${packet} takes its own reason codes and no other`, () => {
    const allowed = new Set(hex(CODES[packet]));
    for (let code = 0; code < 256; code++) {
      assertEquals(isReasonOf(packet, code), allowed.has(code), `0x${code.toString(16)}`);
      const bytes = bytesOf(packet, code);
      if (!allowed.has(code)) {
        const error = assertThrows(() => decodeChunks([bytes], 5), PacketError);
        assertEquals(error.reasonCode, 0x82, error.message);
        continue;
      }
      const [decoded] = decodeChunks([bytes], 5);
      assertEquals(decodeChunks([encode(decoded!, 5)], 5), [decoded!]);
    }
  });
}

Deno.test("every reason code has a name for programs and words for people", () => {
  const named = new Set<number>(Object.values(ReasonCode));
  assertEquals(named, new Set(REASONS.map(({ code }) => code)));
  assertEquals(named.size, Object.keys(ReasonCode).length);
  for (const code of named) assertNotEquals(describeReason(code), "");
});

Deno.test("words for a reason are those of the packet it stands in", () => {
  assertEquals(describeReason(0x00), "Success");
  assertEquals(describeReason(0x00, "puback"), "Success");
  assertEquals(describeReason(0x00, "disconnect"), "Normal disconnection");
  assertEquals(describeReason(0x00, "suback"), "Granted QoS 0");
  assertEquals(describeReason(0x8e), "Session taken over");
  assertEquals(describeReason(0x8e, "puback"), "Session taken over");
  assertEquals(describeReason(0x05), "Unknown reason 0x05");
});
