import { assertEquals, assertStrictEquals } from "@std/assert";
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
