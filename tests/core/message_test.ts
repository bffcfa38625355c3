import { assertEquals, assertStrictEquals } from "@std/assert";
import { encodePublishFrame, PublishFrame } from "../../broker/packet/mod.ts";
import { Message, type MessageDraft, sizeOf } from "../../broker/core/message.ts";

function draftOf(payload: Uint8Array, qos: 0 | 1 | 2 = 0): MessageDraft {
  return { topic: "a/b", payload, qos, retain: false };
}

Deno.test("a frame is encoded once for each kind of QoS", () => {
  const message = new Message(draftOf(new Uint8Array([1, 2])), 1, 0);
  assertStrictEquals(message.frame(0, 4), message.frame(0, 3));
  assertStrictEquals(message.frame(1, 4), message.frame(2, 4));
  assertEquals(message.frame(0, 4).packetIdOffset, 0);
  assertEquals([...message.frame(0, 4).bytes], [0x30, 7, 0, 3, 0x61, 0x2f, 0x62, 1, 2]);
  const { bytes, packetIdOffset } = message.frame(1, 4);
  assertEquals(bytes.length, 11);
  assertEquals([...bytes.subarray(packetIdOffset + 2)], [1, 2]);
});

Deno.test("a frame is encoded once for 3.x and once for 5.0, which alone has the properties", () => {
  const draft = { ...draftOf(new Uint8Array([1, 2])), properties: { expirySeconds: 3, contentType: "t" } };
  const message = new Message(draft, 1, 0);
  for (const qos of [0, 1] as const) {
    assertStrictEquals(message.frame(qos, 5), message.frame(qos, 5));
    assertStrictEquals(message.frame(qos, 3), message.frame(qos, 4));
    assertEquals(message.frame(qos, 4).bytes.length, 9 + qos * 2);
  }
  const { bytes, expiryOffset } = message.frame(0, 5);
  assertEquals([...bytes.subarray(7)], [9, 2, 0, 0, 0, 3, 3, 0, 1, 0x74, 1, 2]);
  assertEquals(expiryOffset, 9);
});

Deno.test("a frame that came in is sent on to peers of its kind of version, others get their own", () => {
  for (const version of [3, 4, 5] as const) {
    const frame = encodePublishFrame({ topic: "a/b", payload: new Uint8Array([1]) }, true, version);
    const message = new Message({ ...draftOf(new Uint8Array([1]), 1), frame }, 1, 0);
    assertEquals(message.frame(2, 5) === frame, version === 5);
    assertEquals(message.frame(2, 4) === frame, version !== 5);
    assertEquals(message.frame(2, 5).version, 5);
  }
});

Deno.test("compact copies a payload out of a buffer that is much larger, once", () => {
  const chunk = new Uint8Array(1000).fill(7);
  const message = new Message(draftOf(chunk.subarray(100, 110)), 1, 0);
  const frame = message.frame(0, 4).bytes.slice();
  message.compact();
  assertEquals(message.payload.buffer.byteLength, 10);
  chunk.fill(0);
  assertEquals([...message.payload], Array(10).fill(7));
  assertEquals(message.frame(0, 4).bytes, frame);
  const payload = message.payload;
  message.compact();
  assertStrictEquals(message.payload, payload);
});

Deno.test("a payload that nobody asked for outlives the packet that it came in", () => {
  const chunk = new Uint8Array(1000);
  const encoded = encodePublishFrame({ topic: "a/b", payload: Uint8Array.of(7, 8) }, false, 4);
  chunk.set(encoded.bytes, 100);
  const frame = new PublishFrame({ source: chunk, start: 100, end: 100 + encoded.length }, encoded);
  const message = new Message({ ...draftOf(new Uint8Array(0)), frame }, 1, 0);
  assertEquals(message.payloadBytes, 2);
  message.compact();
  chunk.fill(0);
  assertEquals([[...message.payload], message.payload.buffer.byteLength], [[7, 8], 2]);
});

Deno.test("compact leaves a payload alone that fills its buffer", () => {
  const payload = new Uint8Array(100);
  const message = new Message(draftOf(payload), 1, 0);
  message.compact();
  assertStrictEquals(message.payload, payload);
});

Deno.test("compact lets an empty payload go of its buffer", () => {
  const message = new Message(draftOf(new Uint8Array(1000).subarray(5, 5)), 1, 0);
  message.compact();
  assertEquals(message.payload.buffer.byteLength, 0);
});

Deno.test("a message counts its topic, its payload and itself, the same before and after", () => {
  const draft = draftOf(new Uint8Array(50));
  const message = new Message(draft, 1, 0);
  assertEquals(message.size, sizeOf(draft));
  assertEquals(message.size - new Message(draftOf(new Uint8Array(0)), 1, 0).size, 50);
  message.compact();
  assertEquals(message.size, sizeOf(draft));
});

Deno.test("a message expires so many seconds after it was taken, or never", () => {
  const payload = new Uint8Array(0);
  assertEquals(new Message(draftOf(payload), 1, 5_000).expiresAt, Infinity);
  const draft = { ...draftOf(payload), properties: { expirySeconds: 3 } };
  assertEquals(new Message(draft, 1, 5_000).expiresAt, 8_000);
});
