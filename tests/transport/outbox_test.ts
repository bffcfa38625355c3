import { assert, assertEquals } from "@std/assert";
import type { Outbox } from "../../broker/transport/outbox.ts";
import { framed, framedPart, start, turnOver } from "./outbox_rig.ts";

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
