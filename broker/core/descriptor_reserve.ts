import type { Counters } from "../metrics/counters.ts";
import type { Limits } from "./limits.ts";
import type { PacedLog } from "./paced_log.ts";

/**
 * So much of the reserve must be there beside it before anybody new is let in again. With less, the next would have it given
 * up, and what is closed then, such as the socket that listens for HTTP, would make it look whole: ten times a second.
 */
const RECOVERED_SHARE = 1 / 2;

/** What holds one descriptor until it is closed. */
export interface Spare {
  close(): void;
}

/** Opens something that takes up a descriptor; throws what the system says. */
export type OpenSpare = () => Spare;

export interface DescriptorReserveParts {
  readonly limits: Pick<Limits, "descriptorsReserve">;
  readonly counters: Pick<Counters, "descriptorShortages">;
  readonly log: PacedLog;
  readonly open: OpenSpare;
  /** Links may hold no more descriptors than this; Infinity if nothing is known. */
  readonly linksMax?: number;
}

/**
 * Descriptors that are kept open for nothing, so that there are some when the last is gone: for the store, files that are
 * read again, questions to a hook. Deno itself does not survive everything that it may have to open then.
 *
 *     all held ──a descriptor was refused: ranOut──> all closed, isShort ──recover: as many and a half──> all held
 *
 * Permissions that a broker has do not let it read how many there are, so it finds out by trying.
 */
export class DescriptorReserve {
  /** Links may hold no more descriptors than this. */
  readonly linksMax: number;
  readonly #parts: DescriptorReserveParts;
  readonly #held: Spare[] = [];
  readonly #listeners: (() => void)[] = [];
  #isShort = false;

  constructor(parts: DescriptorReserveParts) {
    this.#parts = parts;
    this.linksMax = parts.linksMax ?? Infinity;
  }

  /** Whether nobody new is to be let in, since the reserve is in use. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /** Calls back whenever descriptors run out: whoever can do without some should give them back. */
  onShort(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The system refused somebody a descriptor, for want of them: the reserve is there to be used from now on. */
  ranOut(): void {
    if (this.#isShort) return;
    const { counters, log, limits } = this.#parts;
    this.#isShort = true;
    counters.descriptorShortages++;
    this.close();
    log.warn("descriptors-short", { descriptorsReserve: limits.descriptorsReserve });
    for (const listener of this.#listeners) listener();
  }

  /** Looks whether descriptors ran out, or are there again; answers whether somebody new may be let in. */
  recover(): boolean {
    const { descriptorsReserve } = this.#parts.limits;
    const more = this.#isShort ? Math.ceil(descriptorsReserve * RECOVERED_SHARE) : 1;
    if (this.#hold() && countFreeDescriptors(this.#parts.open, more) === more) {
      if (this.#isShort) this.#parts.log.info("descriptors-recovered");
      this.#isShort = false;
    } else if (this.#isShort) this.close();
    else this.ranOut();
    return !this.#isShort;
  }

  /** Gives all back. */
  close(): void {
    for (const spare of this.#held.splice(0)) spare.close();
  }

  /** Holds all, or none. */
  #hold(): boolean {
    const { open, limits } = this.#parts;
    const { spares, isAll } = openSpares(open, limits.descriptorsReserve - this.#held.length);
    this.#held.push(...spares);
    if (!isAll) this.close();
    return isAll;
  }
}

/** How many descriptors are free, up to so many. */
export function countFreeDescriptors(open: OpenSpare, max: number): number {
  const { spares } = openSpares(open, max);
  for (const spare of spares) spare.close();
  return spares.length;
}

function openSpares(open: OpenSpare, count: number): { readonly spares: readonly Spare[]; isAll: boolean } {
  const spares: Spare[] = [];
  try {
    while (spares.length < count) spares.push(open());
  } catch (error) {
    if (!isOutOfDescriptors(error)) {
      for (const spare of spares) spare.close();
      throw error;
    }
  }
  return { spares, isAll: spares.length >= count };
}

/** Whether the process, or the machine, has no descriptor left. */
export function isOutOfDescriptors(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === "EMFILE" || code === "ENFILE";
}
