import { assertEquals, assertThrows } from "@std/assert";
import { encode } from "../../broker/packet/mod.ts";
import { AckBuffer } from "./load/ack_buffer.ts";
import { FrameScanner } from "./load/frame_scanner.ts";
import { Histogram } from "./load/histogram.ts";
import { Expectation, Tally } from "./load/tally.ts";

function publish(payloadBytes: number): Uint8Array {
  const flags = { qos: 0, dup: false, retain: false, packetId: 0 } as const;
  return encode({ type: "publish", ...flags, topic: "a/b", payload: new Uint8Array(payloadBytes) }, 4);
}

/** The frames that the scanner finds when the bytes come in pieces of this size. */
function scan(bytes: Uint8Array, pieceBytes: number, bufferBytes: number): Uint8Array[] {
  const scanner = new FrameScanner(bufferBytes);
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const room = scanner.room();
    const piece = bytes.subarray(at, at + Math.min(pieceBytes, room.length));
    room.set(piece);
    scanner.filled(piece.length);
    at += piece.length;
    while (scanner.next()) {
      found.push(Uint8Array.of(scanner.header, ...scanner.bytes.subarray(scanner.start, scanner.end)));
    }
  }
  return found;
}

Deno.test("the frame scanner finds the same frames wherever the stream is cut", () => {
  const frames = [publish(0), encode({ type: "pingresp" }, 4), publish(200), publish(20_000), publish(5)];
  const bytes = new Uint8Array(frames.flatMap((frame) => [...frame]));
  const bodyAt = [2, 2, 3, 4, 2];
  const expected = frames.map((frame, index) => Uint8Array.of(frame[0]!, ...frame.subarray(bodyAt[index])));
  for (const pieceBytes of [1, 2, 3, 7, 255, 256, 4096, bytes.length]) {
    assertEquals(scan(bytes, pieceBytes, 0), expected, `in pieces of ${pieceBytes}`);
    assertEquals(scan(bytes, pieceBytes, 65_536), expected, `in pieces of ${pieceBytes}, large buffer`);
  }
});

Deno.test("a histogram knows small values exactly and large ones to 1.6 %", () => {
  const histogram = new Histogram();
  for (let value = 0; value <= 100; value++) histogram.add(value);
  assertEquals([0.5, 0.99, 1].map((share) => histogram.quantile(share)), [50, 99, 100]);
  for (const value of [127, 128, 255, 256, 1_000, 65_535, 1_000_000, 0xffff_ffff]) {
    histogram.clear();
    histogram.add(value);
    const found = histogram.quantile(0.5);
    assertEquals(Math.abs(found - value) <= value / 64, true, `${value} became ${found}`);
  }
});

Deno.test("a histogram of nothing has the quantile 0", () => {
  const histogram = new Histogram();
  assertEquals(histogram.quantile(0.99), 0);
  histogram.add(7);
  histogram.clear();
  assertEquals([histogram.count, histogram.quantile(0.99)], [0, 0]);
});

Deno.test("the tally tells what was lost from what came twice", () => {
  const tally = new Tally();
  const expectation = new Expectation(tally, 2);
  for (const sequence of [0, 1, 4, 4, 5]) expectation.take(0, sequence);
  for (const sequence of [0, 1]) expectation.take(1, sequence);
  assertEquals([tally.received, tally.lost, tally.repeated, tally.settled], [6, 2, 1, 8]);
});

Deno.test("a message that nobody of the load sent is a failure", () => {
  assertThrows(() => new Expectation(new Tally(), 1).take(1, 0), Error, "publisher 1: there are 1");
});

Deno.test("acknowledgements that are being written are not written over by those that follow", () => {
  const acks = new AckBuffer();
  for (let packetId = 1; packetId <= 2000; packetId++) acks.add(0x40, packetId);
  const taken = acks.take();
  acks.add(0x70, 0x1234);
  assertEquals(taken.length, 8000);
  assertEquals([...taken.subarray(0, 4), ...taken.subarray(-4)], [0x40, 2, 0, 1, 0x40, 2, 0x07, 0xd0]);
  assertEquals([...acks.take()], [0x70, 2, 0x12, 0x34]);
});
