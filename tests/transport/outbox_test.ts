import { assert, assertEquals } from "@std/assert";
import { ByteBudget } from "../../broker/core/byte_budget.ts";
import { frameOf, type Part, PublishFrame } from "../../broker/packet/mod.ts";
import { BufferPool } from "../../broker/transport/buffer_pool.ts";
import { Outbox, type OutboxOwner } from "../../broker/transport/outbox.ts";
import type { Link } from "../../broker/transport/transport.ts";

/** A link that takes what a test lets it take. */
class SlowLink implements Link {
  readonly peer = "test";
  readonly taken: number[] = [];
  isClosed = false;
  writeCount = 0;
  #pending: { bytes: Uint8Array; done: PromiseWithResolvers<number> } | undefined;

  read(): Promise<number | null> {
    return new Promise(() => {});
  }

  write(bytes: Uint8Array): Promise<number> {
    assert(!this.#pending, "Two writes at once");
    assert(!this.isClosed, "A write after the end");
    this.writeCount++;
    this.#pending = { bytes, done: Promise.withResolvers() };
    return this.#pending.done.promise;
  }

  close(): void {
    this.isClosed = true;
  }

  /** What it was given and has not taken. */
  get writing(): Uint8Array | undefined {
    return this.#pending?.bytes;
  }

  get isBusy(): boolean {
    return this.#pending !== undefined;
  }

  /** Takes some of what is being written. The bytes are read now: nobody may have changed them meanwhile. */
  async take(bytesMax: number): Promise<void> {
    const pending = this.#pending;
    if (!pending) return;
    const count = Math.min(bytesMax, pending.bytes.length);
    this.taken.push(...pending.bytes.subarray(0, count));
    this.#pending = undefined;
    pending.done.resolve(count);
    await turnOver();
  }

  async fail(): Promise<void> {
    this.#pending?.done.reject(new Deno.errors.BrokenPipe("gone"));
    this.#pending = undefined;
    await turnOver();
  }
}

class TestOwner implements OutboxOwner {
  readonly calls: string[] = [];
  outboxDirty = () => void this.calls.push("dirty");
  outboxDrained = () => void this.calls.push("drained");
  outboxFailed = () => void this.calls.push("failed");
  outboxSent = () => {};
  outboxOver = () => void this.calls.push("over");
}

function start(bytesMax = 1_000_000) {
  const link = new SlowLink();
  const owner = new TestOwner();
  const budget = new ByteBudget(10_000_000);
  const outbox = new Outbox({ link, owner, budget, bytesMax, pool: new BufferPool() });
  return { link, owner, budget, outbox };
}

async function turnOver(): Promise<void> {
  for (let count = 0; count < 5; count++) await Promise.resolve();
}

Deno.test("what is pushed in one turn leaves in one write, at its flush and not before", async () => {
  const { link, owner, outbox } = start();
  for (let count = 0; count < 100; count++) outbox.push(Uint8Array.of(count));
  outbox.pushWord(0x40020001);
  assertEquals([owner.calls, link.writeCount, outbox.bytes], [["dirty"], 0, 104]);
  outbox.flush();
  await link.take(1_000);
  assertEquals(link.writeCount, 1);
  assertEquals(link.taken, [...Array(100).keys(), 0x40, 2, 0, 1]);
  assertEquals([outbox.bytes, outbox.written, owner.calls], [0, 104, ["dirty", "drained"]]);
});

Deno.test("bytes that were not flushed are not written, even behind a write in flight", async () => {
  const { link, outbox } = start();
  outbox.push(Uint8Array.of(1));
  outbox.flush();
  outbox.push(Uint8Array.of(2));
  await link.take(10);
  assertEquals([link.isBusy, link.taken], [false, [1]]);
  outbox.flush();
  await link.take(10);
  assertEquals(link.taken, [1, 2]);
});

/** As much of a PUBLISH as an outbox looks at. */
function framed(bytes: Uint8Array, packetIdOffset = 0): PublishFrame {
  return frameOf(bytes, placesOf(packetIdOffset));
}

function framedPart(part: Part): PublishFrame {
  return new PublishFrame(part, placesOf(0));
}

function placesOf(packetIdOffset: number) {
  return { packetIdOffset, expiryOffset: 0, payloadOffset: 0, version: 4 } as const;
}

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

Deno.test("what rests on an earlier batch leaves before what rests on the last", async () => {
  const { link, outbox } = start();
  outbox.restOn(1);
  outbox.push(Uint8Array.of(1, 1));
  outbox.flushKept();
  assertEquals(link.isBusy, false);
  outbox.restOn(2);
  outbox.push(Uint8Array.of(2, 2));
  outbox.flushKept();
  await link.take(10);
  assertEquals([link.taken, link.isBusy], [[1, 1], false]);
  outbox.restOn(3);
  outbox.push(new Uint8Array(20_000).fill(3));
  outbox.flushKept();
  await link.take(10);
  assertEquals([link.taken, link.isBusy], [[1, 1, 2, 2], false]);
  outbox.flush();
  await link.take(100_000);
  assertEquals([link.taken.length, outbox.bytes], [20_004, 0]);
});

Deno.test("end closes the link after the last byte, abandon before it; both give their bytes back", async () => {
  for (const abandons of [false, true]) {
    const { link, owner, budget, outbox } = start();
    outbox.push(new Uint8Array(1_000));
    outbox.flush();
    outbox.end();
    assertEquals(link.isClosed, false);
    await link.take(500);
    if (abandons) outbox.abandon();
    else await link.take(500);
    outbox.abandon();
    assertEquals(link.isClosed, true);
    assertEquals([budget.bytes, outbox.bytes], [0, 0]);
    assertEquals(owner.calls.filter((call) => call === "over").length, 1);
    outbox.push(new Uint8Array(10));
    outbox.pushWord(1);
    outbox.flush();
    assertEquals([budget.bytes, link.isBusy && !abandons], [0, false]);
  }
});

Deno.test("end of an outbox with nothing to send closes at once", () => {
  const { link, outbox } = start();
  outbox.flush();
  outbox.end();
  assertEquals(link.isClosed, true);
});

Deno.test("a link that fails is told once", async () => {
  const { link, owner, outbox } = start();
  outbox.push(Uint8Array.of(1));
  outbox.flush();
  await link.fail();
  assertEquals(owner.calls, ["dirty", "failed"]);
});

Deno.test("bytesMax: room up to the bound, and always for one thing alone", async () => {
  const { link, outbox } = start(100);
  assertEquals([outbox.hasRoom(100), outbox.hasRoom(1_000)], [true, true]);
  outbox.push(new Uint8Array(60));
  assertEquals([39, 40, 41].map((bytes) => outbox.hasRoom(bytes)), [true, true, false]);
  outbox.flush();
  await link.take(60);
  assertEquals(outbox.hasRoom(101), true);
});

/** A seeded generator, so that a failure can be repeated. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

/** Pushes something whose bytes say their own place in the stream; answers the place behind it. */
function pushSomething(outbox: Outbox, place: number, random: (below: number) => number): number {
  const kind = random(10);
  if (kind < 3) {
    const word = [0, 1, 2, 3].reduce((sum, index) => sum * 256 + ((place + index) % 251), 0);
    outbox.pushWord(word >>> 0);
    return place + 4;
  }
  const length = kind < 8 ? 1 + random(300) : kind === 8 ? 1 + random(9_000) : 16_000 + random(60_000);
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (place + index) % 251;
  if (random(2) === 0 || length < 10) {
    outbox.push(bytes);
    return place + length;
  }
  // As a PUBLISH: the first byte and the identifier are written on the way, the rest is shared.
  const offset = random(3) === 0 ? 0 : 1 + random(Math.min(length - 3, random(20) === 0 ? 30_000 : 50));
  const packetId = offset === 0 ? 0 : ((place + offset) % 251) * 256 + (place + offset + 1) % 251;
  if (offset > 0 || random(2) === 0) bytes[0] = 0; // Otherwise it may be lent as it is.
  if (offset > 0) bytes[offset] = bytes[offset + 1] = 0;
  if (offset === 0 && bytes[0] !== 0) pushParts(outbox, bytes, 1 + random(4));
  else outbox.pushPublish(framed(bytes, offset), place % 251, packetId);
  return place + length;
}

/** As frames that came in one after the other. */
function pushParts(outbox: Outbox, source: Uint8Array, count: number): void {
  for (let index = 0; index < count; index++) {
    const start = Math.floor(source.length * index / count);
    const end = Math.floor(source.length * (index + 1) / count);
    if (end > start) outbox.pushPublish(framedPart({ source, start, end }), source[start]!, 0);
  }
}

for (let seed = 1; seed <= 30; seed++) {
  Deno.test(`order and integrity under random pushes, flushes and partial writes, seed ${seed}`, async () => {
    const random = randomOf(seed);
    const { link, budget, outbox } = start();
    let pushed = 0;
    let flushed = 0;
    let kept = 0;
    let batch = 0;
    for (let step = 0; step < 400; step++) {
      const action = random(12);
      if (action < 6) {
        pushed = pushSomething(outbox, pushed, random);
      } else if (action < 8) {
        outbox.flush();
        flushed = kept = pushed;
        await turnOver();
      } else if (action === 8) {
        outbox.restOn(++batch);
        kept = pushed;
      } else if (action === 9) {
        outbox.flushKept();
        flushed = Math.max(flushed, kept);
        await turnOver();
      } else {
        await link.take(1 + random(random(3) === 0 ? 100_000 : 500));
      }
      assert(link.taken.length <= flushed, `${link.taken.length} bytes left, ${flushed} were flushed`);
      assertEquals(outbox.bytes, pushed - link.taken.length);
      assertEquals(budget.bytes, outbox.bytes);
      if (!link.isBusy) {
        assertEquals(link.taken.length, flushed, "Flushed bytes wait and nothing is being written");
      }
    }
    outbox.flush();
    await turnOver();
    while (link.isBusy) await link.take(50_000);
    assertEquals(link.taken.length, pushed);
    const wrong = link.taken.findIndex((byte, place) => byte !== place % 251);
    assertEquals(wrong, -1, `Byte ${wrong} of ${pushed}`);
  });
}
