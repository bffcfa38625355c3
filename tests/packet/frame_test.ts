import {
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { FrameReader } from "../../broker/packet/frame.ts";
import { PacketError } from "../../broker/packet/packet_error.ts";
import { hex } from "./fixtures.ts";

function packetOf({ source, start, end }: FrameReader): Uint8Array {
  return source.subarray(start, end);
}

function assertFails(frames: FrameReader, reasonCode: number): void {
  assertEquals(assertThrows(() => frames.next(), PacketError).reasonCode, reasonCode);
}

Deno.test("a remaining length of more than 4 bytes is refused, whole or byte by byte", () => {
  const frames = new FrameReader(1000);
  frames.push(hex("30 ff ff ff ff 01"));
  assertFails(frames, 0x81);

  const slow = new FrameReader(1000);
  for (const byte of hex("30 80 80 80")) {
    slow.push(Uint8Array.of(byte));
    assertEquals(slow.next(), false);
  }
  slow.push(hex("80"));
  assertFails(slow, 0x81);
});

Deno.test("a remaining length with needless bytes is accepted", () => {
  const frames = new FrameReader(1000);
  frames.push(hex("c0 80 80 00 40 82 00 00 01"));
  assertEquals(frames.next(), true);
  assertEquals(frames.header, 0xc0);
  assertEquals(frames.body.remaining, 0);
  assertEquals(frames.next(), true);
  assertEquals(frames.body.bytes(2), hex("00 01"));
});

Deno.test("packets up to the limit pass; one byte more fails as soon as its length is known", () => {
  for (const packetBytes of [199, 200]) {
    const frames = new FrameReader(200);
    frames.push(Uint8Array.of(0x30, (packetBytes - 3) | 0x80, 0x01, ...new Uint8Array(packetBytes - 3)));
    assertEquals(frames.next(), true);
    assertEquals(frames.packetBytes, packetBytes);
  }
  const frames = new FrameReader(200);
  frames.push(Uint8Array.of(0x30, 198 | 0x80, 0x01));
  assertFails(frames, 0x95);
});

Deno.test("a length over the limit is refused when its header comes byte by byte", () => {
  const frames = new FrameReader(200);
  for (const byte of hex("30 ff ff ff")) {
    frames.push(Uint8Array.of(byte));
    assertEquals(frames.next(), false);
  }
  frames.push(hex("7f"));
  assertFails(frames, 0x95);
});

Deno.test("the limit can change between two packets of one chunk", () => {
  const frames = new FrameReader(10);
  frames.push(Uint8Array.of(0xc0, 0, 0x30, 20, ...new Uint8Array(20)));
  assertEquals(frames.next(), true);
  frames.packetBytesMax = 22;
  assertEquals(frames.next(), true);
  assertEquals(frames.packetBytes, 22);
});

Deno.test("a claimed length reserves no memory", () => {
  const frames = new FrameReader(268_435_460);
  frames.push(hex("30 ff ff ff 7f 00 01 'a'"));
  assertEquals(frames.next(), false);
  assertEquals(frames.bufferedBytes, 8);
  const before = Deno.memoryUsage();
  const readers: FrameReader[] = [];
  for (let i = 0; i < 1000; i++) {
    const reader = new FrameReader(268_435_460);
    reader.push(hex("30 ff ff ff 7f 00 01 'a'"));
    reader.next();
    readers.push(reader);
  }
  assertLess(Deno.memoryUsage().external - before.external, 10_000_000);
  assertEquals(readers.every((reader) => reader.bufferedBytes === 8), true);
});

Deno.test("a whole packet is a view of its chunk", () => {
  const chunk = hex("40 02 00 01 40 02 00 02 40");
  const frames = new FrameReader(100);
  frames.push(chunk);
  for (const packetId of [1, 2]) {
    assertEquals(frames.next(), true);
    assertStrictEquals(frames.source.buffer, chunk.buffer);
    assertEquals(packetOf(frames), hex(`40 02 00 0${packetId}`));
    assertEquals(frames.bodyOffset, 2);
    assertEquals(frames.body.u16(), packetId);
  }
  assertEquals(frames.bufferedBytes, 1);
  assertEquals(frames.next(), false);
  assertEquals(frames.bufferedBytes, 1);
});

Deno.test("a large packet in chunks of any size arrives whole", () => {
  const packet = Uint8Array.of(0x30, 0xa0, 0x8d, 0x06, ...new Uint8Array(100_000).map((_, i) => i % 251));
  for (const chunkBytes of [1, 3, 1000, 65_536, 100_003]) {
    const frames = new FrameReader(100_004);
    for (let at = 0; at < packet.length; at += chunkBytes) {
      assertEquals(frames.next(), false);
      frames.push(packet.slice(at, at + chunkBytes));
    }
    assertEquals(frames.next(), true);
    assertEquals(packetOf(frames), packet);
    assertEquals(frames.body.remaining, 100_000);
    assertEquals(frames.next(), false);
    assertEquals(frames.bufferedBytes, 0);
  }
});

Deno.test("a packet that was gathered stays as it is while the next ones are gathered", () => {
  const frames = new FrameReader(100);
  const packets: Uint8Array[] = [];
  for (const byte of hex("40 02 00 01 40 02 00 02 50 02 00 03")) {
    frames.push(Uint8Array.of(byte));
    if (frames.next()) packets.push(packetOf(frames));
  }
  assertEquals(packets.map((packet) => packet.slice()), [
    hex("40 02 00 01"),
    hex("40 02 00 02"),
    hex("50 02 00 03"),
  ]);
});

Deno.test("chunks pushed before the last one was read through are not lost", () => {
  const frames = new FrameReader(100);
  frames.push(hex("40 02 00 01 40 02"));
  frames.push(hex("00 02"));
  assertEquals(frames.bufferedBytes, 8);
  assertEquals(frames.next(), true);
  frames.push(hex("c0 00"));
  assertEquals(frames.next(), true);
  assertEquals(frames.body.u16(), 2);
  assertEquals(frames.next(), true);
  assertEquals(frames.header, 0xc0);
  frames.push(hex(""));
  assertEquals(frames.next(), false);
});

/** A PUBLISH of so many bytes behind its fixed header of 4, which say where they stand. */
function largePacket(bodyBytes: number): Uint8Array {
  const packet = Uint8Array.from({ length: bodyBytes + 4 }, (_, place) => place % 251);
  packet.set([0x30, bodyBytes & 0x7f | 0x80, bodyBytes >> 7 & 0x7f | 0x80, bodyBytes >> 14]);
  return packet;
}

/** Reads as a connection does: into `room` where there is one, otherwise into a buffer that the next read writes over. */
function readThrough(
  stream: Uint8Array,
  sizeOfRead: () => number,
): { packets: Uint8Array[]; directBytes: number } {
  const frames = new FrameReader(2_000_000);
  const buffer = new Uint8Array(4_096);
  const packets: Uint8Array[] = [];
  let directBytes = 0;
  for (let at = 0; at < stream.length;) {
    const direct = frames.room();
    const target = direct ?? buffer;
    const part = stream.subarray(at, at + Math.min(sizeOfRead(), target.length));
    target.set(part);
    at += part.length;
    if (direct) frames.filled(part.length);
    else frames.push(target.subarray(0, part.length), true);
    if (direct) directBytes += part.length;
    while (frames.next()) packets.push(packetOf(frames).slice());
  }
  assertEquals(frames.bufferedBytes, 0);
  return { packets, directBytes };
}

Deno.test("the rest of a large packet is read to where it stays, among packets of any size, in reads of any size", () => {
  const sizes = [20_000, 2_097, 90_000, 90_001, 300, 1_000_000, 16_380, 16_390, 70_000, 2_050, 1_000_000];
  const packets = sizes.map(largePacket);
  const stream = new Uint8Array(packets.reduce((sum, { length }) => sum + length, 0));
  packets.reduce((place, packet) => (stream.set(packet, place), place + packet.length), 0);
  for (const readBytes of [1_000, 4_096, 65_536, 2_000_000]) {
    const read = readThrough(stream, () => readBytes);
    assertEquals(read.packets.length, packets.length);
    for (const [index, packet] of read.packets.entries()) assertEquals(packet, packets[index]);
    assertGreater(read.directBytes, stream.length * 0.9);
  }
  let turn = 0;
  assertEquals(readThrough(stream, () => 1 + (turn += 7_919) % 50_000).packets, packets);
});

Deno.test("room is reserved for four times what came, for a whole packet once a larger one has come", () => {
  const frames = new FrameReader(2_000_000);
  const packet = largePacket(1_000_000);
  assertStrictEquals(frames.room(), undefined);
  frames.push(packet.slice(0, 5_000));
  assertEquals(frames.next(), false);
  for (let at = 5_000; at < packet.length;) {
    const room = frames.room()!;
    assertLessOrEqual(room.length, at * 3);
    room.set(packet.subarray(at, at + room.length));
    frames.filled(room.length);
    at += room.length;
    assertEquals(frames.next(), at === packet.length);
  }
  assertEquals([frames.packetBytes, frames.isAfterLarge], [packet.length, true]);
  assertEquals(frames.next(), false);
  frames.push(packet.slice(0, 5_000));
  assertEquals(frames.next(), false);
  assertEquals(frames.room()!.length, packet.length - 5_000);
});

Deno.test("a packet of which less than 16 KiB is missing, or whose length is not known yet, has no room of its own", () => {
  for (const [packetBytes, hasRoom] of [[20_000, false], [20_479, false], [20_480, true]] as const) {
    const frames = new FrameReader(2_000_000);
    frames.push(largePacket(packetBytes - 4).slice(0, 4_096));
    assertEquals(frames.next(), false);
    assertEquals(frames.room() !== undefined, hasRoom, `${packetBytes}`);
  }
  const unknown = new FrameReader(2_000_000);
  unknown.push(hex("30 ff ff"));
  assertEquals([unknown.next(), unknown.room()], [false, undefined]);
});
