import type { Outbox } from "../transport/outbox.ts";

/** Longest stall while the outboxes fill more than half of what they share: a few frozen peers must not take it all. */
const PRESSED_STALL_SECONDS = 2;

/** Sees whether a peer still takes what waits for it. */
export class StallWatch {
  readonly #outbox: Outbox;
  /** What the outbox had written when its progress was last looked at, and since when it stands there. */
  #writtenSeen = 0;
  #writtenSeenAt: number;

  constructor(outbox: Outbox, now: number) {
    this.#outbox = outbox;
    this.#writtenSeenAt = now;
  }

  /** Whether the peer has taken nothing for so long; less is enough while all outboxes are more than half full. */
  hasStalled(now: number, stallSeconds: number): boolean {
    const { written, isWriting, isBudgetPressed } = this.#outbox;
    if (!isWriting || written !== this.#writtenSeen) {
      this.#writtenSeen = written;
      this.#writtenSeenAt = now;
      return false;
    }
    const seconds = isBudgetPressed ? Math.min(stallSeconds, PRESSED_STALL_SECONDS) : stallSeconds;
    return now - this.#writtenSeenAt >= seconds * 1000;
  }
}
