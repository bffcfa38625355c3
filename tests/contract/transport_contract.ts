import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Link, Listener } from "../../broker/transport/transport.ts";
import { within } from "../support/eventually.ts";

/** How to make one kind of transport. */
export interface TransportUnderTest {
  readonly name: string;
  listen(): Promise<Listener> | Listener;
  /** The client's end of a new link to the listener; whatever comes before its first byte goes on by itself. */
  connect(listener: Listener): Promise<Link> | Link;
}

/** What every transport must do, whatever its bytes travel through. */
export function testTransport(transport: TransportUnderTest): void {
  async function withLinks(run: (near: Link, far: Link, listener: Listener) => Promise<void>): Promise<void> {
    const listener = await transport.listen();
    const accepting = listener.accept();
    const near = await transport.connect(listener);
    const far = await within(accepting, () => "no link was accepted");
    assert(far);
    try {
      await within(far.open?.() ?? Promise.resolve(), () => "the link did not open");
      await run(near, far, listener);
    } finally {
      near.close();
      far.close();
      listener.close();
    }
  }

  const test = (name: string, run: (near: Link, far: Link, listener: Listener) => Promise<void>) =>
    Deno.test(`${transport.name}: ${name}`, () => withLinks(run));

  test("[MQTT-7.1.1-1] bytes arrive whole and in order, both ways at once", async (near, far) => {
    await Promise.all([exchange(near, far, 1), exchange(far, near, 2)]);
  });

  test("a link says where its peer is", (near, far) => {
    assert(near.peer.length > 0 && far.peer.length > 0);
    return Promise.resolve();
  });

  test("a read gives no more than its buffer holds, and the rest to the next", async (near, far) => {
    await writeAll(near, Uint8Array.of(1, 2, 3, 4, 5));
    assertEquals([...await readExactly(far, 5, 2)], [1, 2, 3, 4, 5]);
  });

  test("a closed peer is the end of reading, after the bytes it sent", async (near, far) => {
    await writeAll(near, Uint8Array.of(7, 8));
    near.close();
    assertEquals([...await readExactly(far, 2, 16)], [7, 8]);
    assertEquals(await within(far.read(new Uint8Array(16)), () => "no end"), null);
  });

  test("closing ends a pending read", async (_near, far) => {
    const reading = far.read(new Uint8Array(16)).then(() => undefined, () => undefined);
    far.close();
    await within(reading, () => "the read goes on");
  });

  for (const side of ["client", "server"]) {
    test(
      `a writer on the ${side}'s side whose peer does not read waits, and closing ends that`,
      async (near, far) => {
        await assertWaits(side === "client" ? near : far);
      },
    );
  }

  test("writing to a peer that is gone rejects, soon", async (near, far) => {
    far.close();
    await assertRejects(async () => {
      for (let count = 0; count < 1_000; count++) {
        await near.write(new Uint8Array(1024));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }, Error);
  });

  test("close may be called again, from both sides, and never throws", (near, far) => {
    for (const link of [near, far, near, far]) link.close();
    return Promise.resolve();
  });

  test("a closed listener accepts no more, and links that it gave live on", async (near, far, listener) => {
    const waiting = listener.accept();
    listener.close();
    listener.close();
    assertEquals(await within(waiting, () => "accept goes on"), null);
    assertEquals(await within(listener.accept(), () => "accept goes on"), null);
    await writeAll(near, Uint8Array.of(9));
    assertEquals([...await readExactly(far, 1, 16)], [9]);
  });
}

/** Writes until nothing moves any more. */
async function assertWaits(link: Link): Promise<void> {
  const bytes = new Uint8Array(64 * 1024);
  let written = 0;
  let isWaiting = false;
  const writing = (async () => {
    for (;;) {
      isWaiting = true;
      written += await link.write(bytes);
      isWaiting = false;
    }
  })();
  let before = -1;
  while (!isWaiting || written !== before) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert(written < 64 * 1024 * 1024, `${written} bytes went nowhere`);
  const rejecting = assertRejects(() => writing, Error);
  link.close();
  await within(rejecting, () => "the write goes on");
}

const EXCHANGE_BYTES = 500_000;

async function exchange(from: Link, to: Link, seed: number): Promise<void> {
  const sent = new Uint8Array(EXCHANGE_BYTES);
  for (let index = 0; index < sent.length; index++) sent[index] = (index * seed + (index >>> 8)) & 0xff;
  const [, received] = await Promise.all([writeAll(from, sent), readExactly(to, sent.length, 10_000)]);
  assertEquals(received.length, sent.length);
  for (let index = 0; index < sent.length; index++) {
    if (sent[index] !== received[index]) throw new Error(`Byte ${index} is another one`);
  }
}

async function writeAll(link: Link, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    const count = await link.write(bytes.subarray(sent));
    assert(count >= 1 && count <= bytes.length - sent);
    sent += count;
  }
}

async function readExactly(link: Link, length: number, bufferBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let position = 0; position < length;) {
    const buffer = new Uint8Array(bufferBytes);
    const count = await within(link.read(buffer), () => `${position} of ${length} bytes came`);
    assert(count !== null && count >= 1 && count <= bufferBytes, `${count}`);
    bytes.set(buffer.subarray(0, count), position);
    position += count;
  }
  return bytes;
}
