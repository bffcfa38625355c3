import { assert } from "@std/assert";
import { ByteBudget } from "../../broker/core/byte_budget.ts";
import { frameOf, type Part, PublishFrame } from "../../broker/packet/mod.ts";
import { BufferPool } from "../../broker/transport/buffer_pool.ts";
import { Outbox, type OutboxOwner } from "../../broker/transport/outbox.ts";
import type { Link } from "../../broker/transport/transport.ts";

/** A link that takes what a test lets it take. */
export class SlowLink implements Link {
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

export class TestOwner implements OutboxOwner {
  readonly calls: string[] = [];
  outboxDirty = () => void this.calls.push("dirty");
  outboxDrained = () => void this.calls.push("drained");
  outboxFailed = () => void this.calls.push("failed");
  outboxSent = () => {};
  outboxOver = () => void this.calls.push("over");
}

export function start(bytesMax = 1_000_000) {
  const link = new SlowLink();
  const owner = new TestOwner();
  const budget = new ByteBudget(10_000_000);
  const outbox = new Outbox({ link, owner, budget, bytesMax, pool: new BufferPool() });
  return { link, owner, budget, outbox };
}

/** As much of a PUBLISH as an outbox looks at. */
export function framed(bytes: Uint8Array, packetIdOffset = 0): PublishFrame {
  return frameOf(bytes, placesOf(packetIdOffset));
}

export function framedPart(part: Part): PublishFrame {
  return new PublishFrame(part, placesOf(0));
}

function placesOf(packetIdOffset: number) {
  return { packetIdOffset, expiryOffset: 0, payloadOffset: 0, version: 4 } as const;
}

export async function turnOver(): Promise<void> {
  for (let count = 0; count < 5; count++) await Promise.resolve();
}
