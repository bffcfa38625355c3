import { assert, assertEquals } from "@std/assert";
import type { PublishFrame } from "../../broker/packet/mod.ts";
import { framed, framedPart, start } from "./outbox_rig.ts";

/** A PUBLISH of QoS 0 with so many bytes. */
function publishBytes(length: number): Uint8Array {
  return new Uint8Array(length).fill(7).fill(0x30, 0, 1);
}

/** What came in as one chunk: so many PUBLISHes of QoS 0 with so many bytes each. */
function arrivalOf(
  count: number,
  length: number,
): { readonly chunk: Uint8Array; readonly frames: PublishFrame[] } {
  const chunk = new Uint8Array(count * length);
  const frames = Array.from({ length: count }, (_, index) => {
    const start = index * length;
    chunk.set(publishBytes(length).fill(index, 1), start);
    return framedPart({ source: chunk, start, end: start + length });
  });
  return { chunk, frames };
}

Deno.test("a frame that goes out alone and as it came is sent from where it is, whatever follows it", async () => {
  const { link, outbox } = start();
  const frame = publishBytes(1_024);
  outbox.pushPublish(framed(frame), 0x30, 0);
  outbox.flush();
  assert(link.writing?.buffer === frame.buffer, "It was copied");
  outbox.pushWord(0x40020001);
  outbox.flush();
  await link.take(2_000);
  await link.take(2_000);
  assertEquals(link.taken, [...frame, 0x40, 2, 0, 1]);
});

Deno.test("a frame is copied, and stays what it is, when it is short, changed, or not alone", async () => {
  for (
    const [length, firstByte, others] of [[1_023, 0x30, 0], [1_024, 0x31, 0], [1_024, 0x30, 1], [
      65_000,
      0x30,
      200,
    ]]
  ) {
    const { link, outbox } = start();
    const frame = publishBytes(length!);
    outbox.pushPublish(framed(frame), firstByte!, 0);
    for (let count = 0; count < others!; count++) outbox.pushWord(0x40020001);
    outbox.flush();
    while (link.isBusy) {
      assert(length! > 16_384 || link.writing!.buffer !== frame.buffer, "It was lent");
      await link.take(100_000);
    }
    const words = Array.from({ length: others! }, () => [0x40, 2, 0, 1]).flat();
    assertEquals(link.taken, [firstByte!, ...frame.subarray(1), ...words]);
    assertEquals(frame, publishBytes(length!));
  }
});

Deno.test("of the frames for one link that takes nothing one is lent at most", () => {
  const { link, outbox } = start();
  const frames = [publishBytes(2_000), publishBytes(2_000), publishBytes(2_000)];
  const lentCount = () => frames.filter((frame) => link.writing?.buffer === frame.buffer).length;
  for (const frame of frames) {
    outbox.pushPublish(framed(frame), 0x30, 0);
    outbox.flush();
  }
  assertEquals([lentCount(), link.writing?.length], [1, 2_000]);
});

Deno.test("frames that came in one after the other are sent from where they are, as one", async () => {
  const { link, outbox } = start();
  const { chunk, frames } = arrivalOf(20, 80);
  for (const frame of frames.slice(1)) outbox.pushPublish(frame, 0x30, 0);
  assertEquals(outbox.bytes, 19 * 80);
  outbox.flush();
  assert(link.writing?.buffer === chunk.buffer, "They were copied");
  await link.take(2_000);
  assertEquals([link.taken, link.writeCount], [[...chunk.subarray(80)], 1]);
});

Deno.test("frames are copied in their order when they are few, or others were left out or come between", async () => {
  const { chunk, frames } = arrivalOf(40, 80);
  const bytesOf = (indices: readonly number[]) =>
    indices.flatMap((index) => index < 0 ? [0x40, 2, 0, 1] : [...frames[index]!.bytes]);
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
  for (
    const sent of [
      range(0, 12),
      [...range(0, 20), ...range(21, 40)],
      [...range(0, 20), -1, ...range(20, 40)],
      [1, 0],
    ]
  ) {
    const { link, outbox } = start();
    for (const index of sent) {
      if (index < 0) outbox.pushWord(0x40020001);
      else outbox.pushPublish(frames[index]!, 0x30, 0);
    }
    outbox.flush();
    assert(link.writing!.buffer !== chunk.buffer, "They were lent");
    await link.take(10_000);
    assertEquals([link.taken, outbox.bytes], [bytesOf(sent), 0]);
  }
});

Deno.test("a write that takes the tail in the midst of a run leaves the rest of it in order", async () => {
  const { link, outbox } = start();
  const { chunk, frames } = arrivalOf(40, 80);
  for (const [from, to] of [[0, 10], [10, 20]] as const) {
    for (const frame of frames.slice(from, to)) outbox.pushPublish(frame, 0x30, 0);
    outbox.flush();
  }
  for (const frame of frames.slice(20, 30)) outbox.pushPublish(frame, 0x30, 0);
  await link.take(10_000);
  for (const frame of frames.slice(30)) outbox.pushPublish(frame, 0x30, 0);
  await link.take(10_000);
  assertEquals([link.taken.length, link.isBusy], [20 * 80, false]);
  outbox.flush();
  while (link.isBusy) await link.take(10_000);
  assertEquals([link.taken, outbox.bytes], [[...chunk], 0]);
});

for (const bytes of [16_383, 16_384, 65_535, 65_536, 65_537]) {
  Deno.test(`a run of ${bytes} bytes goes out behind others as it came`, async () => {
    const { link, budget, outbox } = start();
    const { chunk, frames } = arrivalOf(1, bytes);
    const [first, last] = [{ source: chunk, start: 0, end: 9 }, { source: chunk, start: 9, end: bytes }];
    chunk[9] = 0x30;
    outbox.pushWord(0x40020001);
    for (const part of [first, last]) outbox.pushPublish(framedPart(part), 0x30, 0);
    outbox.pushWord(0x40020002);
    outbox.flush();
    while (link.isBusy) await link.take(100_000);
    assertEquals(link.taken, [0x40, 2, 0, 1, ...frames[0]!.bytes, 0x40, 2, 0, 2]);
    assertEquals([outbox.bytes, budget.bytes], [0, 0]);
  });
}

Deno.test("a run that waits when the link is given up is forgotten", () => {
  const { link, budget, outbox } = start();
  for (const frame of arrivalOf(20, 80).frames) outbox.pushPublish(frame, 0x30, 0);
  outbox.abandon();
  outbox.flush();
  assertEquals([link.writeCount, link.isClosed, outbox.bytes, budget.bytes], [0, true, 0, 0]);
});

Deno.test("a short run that waits for a commit is copied when its turn is over", async () => {
  const { link, outbox } = start();
  const { chunk, frames } = arrivalOf(10, 80);
  const arrived = [...chunk];
  outbox.restOn(1);
  for (const frame of frames) outbox.pushPublish(frame, 0x30, 0);
  outbox.flushKept();
  chunk.fill(0);
  outbox.flush();
  await link.take(10_000);
  assertEquals(link.taken, arrived);
});

Deno.test("frames that wait for a commit are not written with those that do not", async () => {
  const { link, outbox } = start();
  const { chunk, frames } = arrivalOf(40, 80);
  outbox.restOn(1);
  for (const frame of frames.slice(0, 20)) outbox.pushPublish(frame, 0x30, 0);
  outbox.restOn(2);
  for (const frame of frames.slice(20)) outbox.pushPublish(frame, 0x30, 0);
  outbox.flushKept();
  await link.take(10_000);
  assertEquals([link.taken.length, link.isBusy], [1_600, false]);
  outbox.flush();
  await link.take(10_000);
  assertEquals(link.taken, [...chunk]);
});
