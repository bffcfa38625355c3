import { assertEquals } from "@std/assert";
import { hex } from "../packet/fixtures.ts";
import { eventually } from "../support/eventually.ts";
import { startBroker } from "../support/start_broker.ts";
import type { Link } from "../../broker/transport/transport.ts";

const CONNECT = hex("10 0d 00 04 'MQTT' 04 02 00 00 00 01 'c'");
const PINGREQ = Uint8Array.of(0xc0, 0x00);

/** A link whose every read fills the buffer up to a number of bytes, and which knows how large the buffers were. */
class FillingLink implements Link {
  readonly peer = "test:1";
  readonly sizes: number[] = [];
  readonly #counts: readonly number[];
  #rest = CONNECT;

  /** @param counts bytes of each read, at most; then nothing comes any more */
  constructor(counts: readonly number[]) {
    this.#counts = counts;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    const count = Math.min(this.#counts[this.sizes.length] ?? 0, buffer.length);
    this.sizes.push(buffer.length);
    if (count === 0) return Promise.resolve(null);
    for (let index = 0; index < count; index++) {
      if (this.#rest.length === 0) this.#rest = PINGREQ;
      buffer[index] = this.#rest[0]!;
      this.#rest = this.#rest.subarray(1);
    }
    return Promise.resolve(count);
  }

  write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(bytes.length);
  }

  close(): void {}
}

/** The sizes of the buffers that a connection reads into, one more than there are reads. */
async function sizesOf(counts: readonly number[]): Promise<number[]> {
  await using test = startBroker({ limits: { readBufferBytesMin: 100, readBufferBytesMax: 1000 } });
  const link = new FillingLink(counts);
  test.server.accept(link);
  await eventually(() => assertEquals(link.sizes.length, counts.length + 1));
  return link.sizes;
}

for (const [count, next] of [[99, 100], [100, 400], [101, 400]] as const) {
  Deno.test(`readBufferBytesMin 100: after a read of up to ${count} bytes the first buffer is one of ${next}`, async () => {
    assertEquals(await sizesOf([count]), [100, next]);
  });
}

Deno.test("readBufferBytesMax 1000: a buffer that reads fill grows up to that and no further", async () => {
  assertEquals(await sizesOf([100, 399, 400, 999, 1000, 1001]), [100, 400, 400, 1000, 1000, 1000, 1000]);
});

Deno.test("readBufferBytesMin 100: a buffer that reads hardly use shrinks down to that and no further", async () => {
  const sizes = await sizesOf([100, 400, ...new Array(48).fill(2)]);
  assertEquals([sizes[2], sizes[17], sizes[18], sizes[34], sizes.at(-1)], [1000, 1000, 250, 100, 100]);
});
