import { assertEquals } from "@std/assert";
import { PassedBytes } from "../../bridge/passed_bytes.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Passes each of the texts on, as one chunk or more of them; each byte must come out as it went in. */
function passed(...texts: readonly string[]): PassedBytes {
  const bytes = new PassedBytes({ keptBytes: 20, chunkBytes: 10 });
  for (const text of texts) {
    for (let rest = encoder.encode(text); rest.length > 0;) {
      const room = bytes.room();
      assertEquals(room.length >= 10, true);
      const chunk = rest.subarray(0, 10);
      room.set(chunk);
      assertEquals(bytes.take(chunk.length), chunk);
      rest = rest.subarray(chunk.length);
    }
  }
  return bytes;
}

function behindHead(bytes: PassedBytes): string | undefined {
  const found = bytes.behindHeadWith("key");
  return found && decoder.decode(found);
}

Deno.test("what came behind the head that has the word is there, also where that is nothing", () => {
  for (const end of ["\r\n\r\n", "\n\n"]) {
    assertEquals(behindHead(passed(`key: 1${end}abc`)), "abc");
    assertEquals(behindHead(passed(`key: 1${end}`)), "");
    assertEquals(behindHead(passed("key", `: 1${end.slice(0, 1)}`, `${end.slice(1)}a`, "bc")), "abc");
  }
});

Deno.test("of several heads with the word the last one counts, and it has to be whole", () => {
  assertEquals(behindHead(passed("key\n\n", "key\n\nb")), "b");
  assertEquals(behindHead(passed("key\n\n", "key\n")), undefined);
  assertEquals(behindHead(passed("no\n\nabc")), undefined);
});

Deno.test("the newest bytes are there in any case, and a head is not any more once it is older", () => {
  const early = "x".repeat(15);
  assertEquals(behindHead(passed("y".repeat(999), `key\n\n${early}`)), early);
  assertEquals(behindHead(passed("y".repeat(1000), `key\n\n${early}`)), early);
  assertEquals(behindHead(passed("y".repeat(1000), `key\n\n${early}`, "x".repeat(30))), undefined);
});

Deno.test("a buffer begins small, and grows with what comes without losing any of it", () => {
  const bytes = new PassedBytes({ keptBytes: 3_000, chunkBytes: 2_000 });
  const text = `key\n\n${"0123456789".repeat(299)}`;
  const rooms: number[] = [];
  for (let rest = encoder.encode(text); rest.length > 0;) {
    const room = bytes.room();
    rooms.push(room.length);
    const chunk = rest.subarray(0, Math.min(room.length, 700));
    room.set(chunk);
    assertEquals(bytes.take(chunk.length), chunk);
    rest = rest.subarray(chunk.length);
  }
  assertEquals(rooms.slice(0, 3), [1_024, 324, 3_976]);
  assertEquals(behindHead(bytes), text.slice(5));
});
