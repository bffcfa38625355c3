import { assert, assertEquals } from "@std/assert";
import {
  encode,
  type OutgoingPacket,
  type Packet,
  PacketError,
  StringCache,
} from "../../broker/packet/mod.ts";
import { mutateBytes, pieces } from "../support/fuzz.ts";
import { Random } from "../topic/random_names.ts";
import { decodeChunks, withoutFrame } from "./fixtures.ts";
import { PACKET_TYPES, randomPacket } from "./random_packets.ts";

const ROUNDS = 500;

for (const type of PACKET_TYPES) {
  Deno.test(`any ${type.toUpperCase()} of MQTT 5.0 is decoded as it was meant and encoded as it was`, () => {
    const random = new Random(0x35_2e_30);
    for (let round = 0; round < ROUNDS; round++) {
      const packet = randomPacket(random, type);
      const bytes = encode(packet, 5);
      const [decoded, ...others] = decodeChunks([bytes], 5);
      assert(decoded);
      assertEquals(others, []);
      assertSays(decoded, packet);
      assertEquals(encode(decoded, 5), bytes);
    }
  });
}

Deno.test("a stream of any packets of MQTT 5.0 is the same however it is cut, also with strings remembered", () => {
  const random = new Random(0x70_72_65_67);
  const strings = new StringCache();
  for (let round = 0; round < ROUNDS / 10; round++) {
    const packets = Array.from({ length: 20 }, () => randomPacket(random));
    const stream = joined(packets.map((packet) => encode(packet, 5)));
    const whole = decodeChunks([stream], 5).map(withoutFrame);
    assertEquals(whole.length, packets.length);
    assertEquals(decodeChunks(pieces(stream, random), 5, strings).map(withoutFrame), whole);
  }
});

Deno.test("no beginning of a packet of MQTT 5.0 is taken for the whole", () => {
  const random = new Random(0x53_48_4f_52);
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = encode(randomPacket(random), 5);
    for (let end = 0; end < bytes.length; end++) assertEquals(decodeChunks([bytes.subarray(0, end)], 5), []);
  }
});

Deno.test("a mutated packet of MQTT 5.0 is refused, or is a packet that can be written", () => {
  const random = new Random(0x4d_55_54_41);
  let refused = 0;
  for (let round = 0; round < 20 * ROUNDS; round++) {
    const others = [randomPacket(random), randomPacket(random)].map((packet) => encode(packet, 5));
    const bytes = mutateBytes(others[0]!, random, others);
    if (bytes.length >= 2 && bytes.length < 130) bytes[1] = bytes.length - 2;
    let packets: Packet[] = [];
    try {
      packets = decodeChunks([bytes], 5);
    } catch (error) {
      assert(error instanceof PacketError, String(error));
      refused++;
    }
    for (const packet of packets) {
      const version = packet.type === "connect" ? packet.version : 5;
      const again = decodeChunks([encode(packet, version)], version);
      assertEquals(again.map(withoutFrame), [withoutFrame(packet)]);
    }
  }
  assert(refused > ROUNDS && refused < 19 * ROUNDS, `${refused} were refused`);
});

/** All that the packet said, and of its will and filters; what it left unsaid may have a default. */
function assertSays(decoded: unknown, said: unknown): void {
  for (const [name, value] of Object.entries(said as OutgoingPacket)) {
    const found = (decoded as Record<string, unknown>)[name];
    const isNested = (name === "will" || name === "requests") && value !== undefined;
    if (!isNested) assertEquals(found, value, name);
    else {for (const [key, item] of Object.entries(value)) {
        assertEquals((found as Record<string, unknown>)[key], item);
      }}
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
