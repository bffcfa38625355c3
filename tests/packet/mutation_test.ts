import { assertEquals } from "@std/assert";
import {
  decode,
  encode,
  FrameReader,
  type Packet,
  PacketError,
  StringCache,
  type Version,
} from "../../broker/packet/mod.ts";
import { contentOf, hex, withoutFrame } from "./fixtures.ts";

const MUTATIONS = 30_000;
const PACKET_BYTES_MAX = 4096;

const seeds = [
  "10 20 00 04 'MQTT' 04 f6 00 0a 00 01 'c' 00 03 'w/t' 00 02 00 ff 00 02 'us' 00 04 'pass'",
  "10 10 00 06 'MQIsdp' 03 02 00 3c 00 02 'ab'",
  "20 02 01 00",
  "30 07 00 03 'a/b' 'hi'",
  "32 0e 00 08 'ñ/日/😀'",
  "3d 09 00 03 'a/b' 12 34 'hi'",
  "40 02 00 01 50 02 00 01 62 02 00 01 70 02 00 01",
  "82 11 ff ff 00 01 '#' 02 00 03 '+/b' 00 00 02 'ñ' 01",
  "90 06 ff ff 02 80 00 01",
  "a2 0a ff ff 00 01 '#' 00 03 '+/b'",
  "b0 02 ff ff c0 00 d0 00 e0 00",
  "10 0f 00 04 'MQTT' 05 02 00 3c 00 00 02 'ab'",
  "10 37 00 04 'MQTT' 05 c6 00 3c 10 11 00 00 00 3c 21 00 14 22 00 0a 27 00 00 ff ff 00 01 'c' 0a 18 00 00 00 05 02 00 00 00 0a 00 01 'w' 00 01 'x' 00 02 'us' 00 02 'pw'",
  "20 15 00 00 12 12 00 02 'id' 21 00 14 24 01 2a 00 26 00 01 'a' 00 00",
  "30 08 00 03 'a/b' 00 'hi'",
  "32 21 00 03 'a/b' 00 07 17 01 01 02 00 00 00 0a 09 00 01 ff 26 00 01 'n' 00 01 'v' 23 00 02 0b 07 'hi'",
  "40 04 00 01 10 00 50 03 00 01 97 62 0a 00 01 92 06 1f 00 03 'why' 70 02 00 01",
  "82 11 00 0a 0a 0b 80 01 26 00 01 'a' 00 01 'b' 00 01 '#' 2e",
  "90 05 00 0a 00 01 87 b0 05 00 0a 00 11 00 a2 06 00 0a 00 00 01 '#'",
  "e0 00 e0 01 04 e0 07 00 05 11 00 00 00 05 f0 0a 18 08 15 00 01 'm' 16 00 01 ff",
].map(hex);

/** Marsaglia's xorshift, 32 bits: the same mutations in every run. */
function xorshift(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

type Random = (below: number) => number;

const mutations: readonly ((bytes: number[], random: Random) => void)[] = [
  (bytes, random) => bytes[random(bytes.length)] = random(256),
  (bytes, random) => bytes[random(bytes.length)]! ^= 1 << random(8),
  (bytes, random) => bytes[random(bytes.length)] = [0x00, 0x7f, 0x80, 0xff][random(4)]!,
  (bytes, random) => bytes.splice(random(bytes.length), 1 + random(4)),
  (bytes, random) => bytes.splice(random(bytes.length), 0, random(256)),
  (bytes, random) => bytes.splice(random(bytes.length)),
  (bytes, random) => bytes.push(...seeds[random(seeds.length)]!),
];

function mutate(random: Random): Uint8Array {
  const bytes = [...seeds[random(seeds.length)]!];
  for (let count = 1 + random(4); count > 0 && bytes.length > 0; count--) {
    mutations[random(mutations.length)]!(bytes, random);
  }
  // Half of them get a length that fits, to reach the bodies.
  if (random(2) === 0 && bytes.length >= 2 && bytes.length < 130) bytes[1] = bytes.length - 2;
  return Uint8Array.from(bytes);
}

/** What came of the bytes: the packets before the end or the first error, and the error's reason. */
function outcome(
  bytes: Uint8Array,
  version: Version,
  options: { chunkBytes: number; strings?: StringCache },
): string {
  const frames = new FrameReader(PACKET_BYTES_MAX, options);
  const packets: unknown[] = [];
  try {
    for (let at = 0; at < bytes.length; at += options.chunkBytes) {
      frames.push(bytes.slice(at, at + options.chunkBytes));
      while (frames.next()) packets.push(contentOf(decode(frames, version)));
    }
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    return JSON.stringify([packets, error.reasonCode]);
  }
  return JSON.stringify([packets, frames.bufferedBytes]);
}

Deno.test("mutated packets are decoded or refused, in the same way however they are cut", () => {
  const random = xorshift(0x50524547);
  const strings = new StringCache();
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = mutate(random);
    const version = 3 + random(3) as Version;
    const whole = outcome(bytes, version, { chunkBytes: bytes.length + 1 });
    const pieces = outcome(bytes, version, { chunkBytes: 1 + random(5), strings });
    if (whole !== pieces) throw new Error(`${[...bytes]} gave ${whole} and, in pieces, ${pieces}`);
  }
});

Deno.test("what was decoded is encoded, and says the same", () => {
  const random = xorshift(0x4d515454);
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = mutate(random);
    const version = 3 + random(3) as Version;
    for (const packet of packetsOf(bytes, version)) {
      const own = packet.type === "connect" ? packet.version : version;
      const [again] = packetsOf(encode(packet, own), own);
      assertEquals(again && withoutFrame(again), withoutFrame(packet), String(bytes));
    }
  }
});

/** The packets before the end or the first error. */
function packetsOf(bytes: Uint8Array, version: Version): Packet[] {
  const frames = new FrameReader(2 * PACKET_BYTES_MAX);
  const packets: Packet[] = [];
  try {
    frames.push(bytes);
    while (frames.next()) packets.push(decode(frames, version));
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
  }
  return packets;
}
