import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  decode,
  encode,
  encodePublishFrame,
  frameOf,
  FrameReader,
  type PublishFields,
  type PublishPacket,
} from "../../broker/packet/mod.ts";
import { assertNotEncoded, decodeChunks, hex, testInvalid, testValid } from "./fixtures.ts";

const plain: PublishFields = {
  type: "publish",
  dup: false,
  qos: 0,
  retain: false,
  topic: "a/b",
  packetId: 0,
  payload: hex("'hi'"),
};

testValid([
  {
    name: "PUBLISH QoS 0, which has no identifier [MQTT-2.3.1-5]",
    hex: "30 07 00 03 'a/b' 'hi'",
    packet: plain,
  },
  { name: "PUBLISH QoS 0, retained", hex: "31 07 00 03 'a/b' 'hi'", packet: { ...plain, retain: true } },
  { name: "PUBLISH QoS 1", hex: "32 09 00 03 'a/b' 00 01 'hi'", packet: { ...plain, qos: 1, packetId: 1 } },
  {
    name: "PUBLISH QoS 1, sent again",
    hex: "3a 09 00 03 'a/b' 01 00 'hi'",
    packet: { ...plain, dup: true, qos: 1, packetId: 256 },
  },
  {
    name: "PUBLISH QoS 2",
    hex: "34 09 00 03 'a/b' ff ff 'hi'",
    packet: { ...plain, qos: 2, packetId: 65535 },
  },
  {
    name: "PUBLISH QoS 2, sent again, retained",
    hex: "3d 09 00 03 'a/b' 12 34 'hi'",
    packet: { ...plain, dup: true, qos: 2, retain: true, packetId: 0x1234 },
  },
  { name: "PUBLISH without payload", hex: "30 05 00 03 'a/b'", packet: { ...plain, payload: hex("") } },
  {
    name: "PUBLISH QoS 1 without payload",
    hex: "32 07 00 03 'a/b' 00 07",
    packet: { ...plain, qos: 1, packetId: 7, payload: hex("") },
  },
  {
    name: "PUBLISH with a topic in three scripts [MQTT-3.3.2-1]",
    hex: "30 10 00 0b 'ñ/日/😀' 'abc'",
    packet: { ...plain, topic: "ñ/日/😀", payload: hex("'abc'") },
  },
  {
    name: "PUBLISH with U+FEFF in its topic [MQTT-1.5.3-3]",
    hex: "30 08 00 04 ef bb bf 41 'hi'",
    packet: { ...plain, topic: "\uFEFFA" },
  },
  {
    name: "PUBLISH with wildcards, which topic/name.ts judges",
    hex: "30 07 00 03 'a/#' 'hi'",
    packet: { ...plain, topic: "a/#" },
  },
  {
    name: "PUBLISH of MQTT 3.1",
    hex: "32 09 00 03 'a/b' 00 01 'hi'",
    version: 3,
    packet: { ...plain, qos: 1, packetId: 1 },
  },
]);

testInvalid([
  { name: "PUBLISH with QoS 3 [MQTT-3.3.1-4]", hex: "36 09 00 03 'a/b' 00 01 'hi'", reasonCode: 0x81 },
  {
    name: "PUBLISH with QoS 3, sent again [MQTT-3.3.1-4]",
    hex: "3e 09 00 03 'a/b' 00 01 'hi'",
    reasonCode: 0x81,
  },
  { name: "PUBLISH with DUP and QoS 0 [MQTT-3.3.1-2]", hex: "38 07 00 03 'a/b' 'hi'", reasonCode: 0x81 },
  {
    name: "PUBLISH QoS 1 with identifier 0 [MQTT-2.3.1-1]",
    hex: "32 09 00 03 'a/b' 00 00 'hi'",
    reasonCode: 0x82,
  },
  {
    name: "PUBLISH QoS 2 with identifier 0 [MQTT-2.3.1-1]",
    hex: "34 09 00 03 'a/b' 00 00 'hi'",
    reasonCode: 0x82,
  },
  { name: "PUBLISH QoS 1 without identifier [MQTT-2.3.1-1]", hex: "32 05 00 03 'a/b'", reasonCode: 0x81 },
  { name: "PUBLISH QoS 1 with half an identifier", hex: "32 06 00 03 'a/b' 01", reasonCode: 0x81 },
  {
    name: "PUBLISH with a topic longer than itself [MQTT-3.3.2-1]",
    hex: "30 05 00 04 'a/b'",
    reasonCode: 0x81,
  },
  { name: "PUBLISH with half a topic length", hex: "30 01 00", reasonCode: 0x81 },
  { name: "PUBLISH with an empty body", hex: "30 00", reasonCode: 0x81 },
  { name: "a surrogate in the topic [MQTT-1.5.3-1]", hex: "30 05 00 03 ed a0 80", reasonCode: 0x81 },
  { name: "an overlong form in the topic [MQTT-1.5.3-1]", hex: "30 04 00 02 c0 80", reasonCode: 0x81 },
  { name: "a truncated sequence in the topic [MQTT-1.5.3-1]", hex: "30 05 00 02 c3 28 41", reasonCode: 0x81 },
  { name: "U+0000 in the topic [MQTT-1.5.3-2]", hex: "30 05 00 03 61 00 62", reasonCode: 0x81 },
]);

Deno.test("a PUBLISH that breaks the rules is not encoded", () => {
  assertNotEncoded({ ...plain, dup: true }, 4, 0x81); // [MQTT-3.3.1-2]
  assertNotEncoded({ ...plain, qos: 1, packetId: 0 }, 4, 0x82); // [MQTT-2.3.1-1]
  assertNotEncoded({ ...plain, qos: 1, packetId: 65536 }, 4, 0x82);
  assertNotEncoded({ ...plain, topic: "a\0" }, 4, 0x81); // [MQTT-1.5.3-2]
  assertNotEncoded({ ...plain, topic: "\uD800" }, 4, 0x81); // [MQTT-1.5.3-1]
  assertNotEncoded({ ...plain, topic: "a".repeat(65536) }, 4, 0x81); // [MQTT-4.7.3-3]
  assertNotEncoded({ ...plain, topic: "ñ".repeat(32768) }, 4, 0x81); // [MQTT-4.7.3-3]
});

Deno.test("a topic of 65535 bytes goes both ways [MQTT-4.7.3-3]", () => {
  for (const topic of ["a".repeat(65535), "ñ".repeat(32767) + "a"]) {
    const [packet] = decodeChunks([encode({ ...plain, topic }, 4)], 4);
    assertEquals(packet?.type === "publish" && packet.topic === topic, true);
  }
});

Deno.test("remaining lengths go both ways at each size of their field", () => {
  for (const length of [127, 128, 16_383, 16_384, 262_144]) {
    const payload = new Uint8Array(length - 5).fill(0x41);
    const bytes = encode({ ...plain, payload }, 4);
    const [packet] = decodeChunks([bytes], 4);
    assertEquals(packet?.type === "publish" && packet.payload.length, length - 5);
    assertEquals(packet?.type === "publish" && packet.frame?.bytes.length, bytes.length);
  }
});

Deno.test("a frame is the packet but for its first byte and identifier", () => {
  for (const length of [0, 2, 200, 20_000]) {
    const fields = { ...plain, payload: new Uint8Array(length).fill(7) };
    const plainBytes = encode(fields, 4);
    const payloadOffset = plainBytes.length - length;
    const places = { packetIdOffset: 0, expiryOffset: 0, payloadOffset, version: 4 } as const;
    assertEquals(encodePublishFrame(fields, false, 4), frameOf(plainBytes, places));
    const { bytes, packetIdOffset } = encodePublishFrame(fields, true, 4);
    bytes[0] = 0x3d;
    bytes.set(hex("ab cd"), packetIdOffset);
    assertEquals(bytes, encode({ ...fields, dup: true, qos: 2, retain: true, packetId: 0xabcd }, 4));
  }
});

Deno.test("a padded remaining length is accepted and not passed on", () => {
  const frames = new FrameReader(100);
  frames.push(Uint8Array.from([0x30, 0x85, 0x80, 0x00, 0, 1, 0x61, 1, 2]));
  frames.next();
  const packet = decode(frames, 4);
  if (packet.type !== "publish") throw new Error(packet.type);
  assertEquals(packet.payload, Uint8Array.from([1, 2]));
  assertEquals(packet.frame?.bytes, Uint8Array.from([0x30, 5, 0, 1, 0x61, 1, 2]));
});

Deno.test("payload and frame of a packet that came whole are views of the chunk", () => {
  const chunk = hex("c0 00 32 09 00 03 'a/b' 00 01 'hi' c0 00");
  const frames = new FrameReader(100);
  frames.push(chunk);
  frames.next();
  frames.next();
  const packet = decode(frames, 4);
  if (packet.type !== "publish") throw new Error(packet.type);
  assertStrictEquals(packet.payload.buffer, chunk.buffer);
  assertStrictEquals(packet.frame?.bytes.buffer, chunk.buffer);
  assertEquals(packet.frame?.bytes, chunk.slice(2, 13));
});

Deno.test("frames that come in one after the other are parts of one chunk that do", () => {
  const packets = [1, 2, 3].map((value) => encode({ ...plain, payload: Uint8Array.of(value) }, 4));
  const frames = new FrameReader(1000);
  frames.push(Uint8Array.from(packets.flatMap((packet) => [...packet])), true);
  const found = packets.map(() => {
    assertEquals(frames.next(), true);
    return (decode(frames, 4) as PublishPacket).frame!;
  });
  for (const [index, frame] of found.entries()) {
    assertStrictEquals(frame.source, found[0]!.source);
    assertEquals(frame.start, index === 0 ? 0 : found[index - 1]!.end);
    assertEquals(frame.bytes, packets[index]);
  }
});
