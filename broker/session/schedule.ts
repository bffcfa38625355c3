/** What is due at some second, found without looking at the rest. */
export class Schedule<Item extends object> {
  readonly #bySecond = new Map<number, Set<Item>>();
  readonly #secondOf = new Map<Item, number>();
  /** Everything before this second has been taken. */
  #nextSecond: number;

  /** @param now in milliseconds since 1970 */
  constructor(now: number) {
    this.#nextSecond = Math.floor(now / 1000);
  }

  get size(): number {
    return this.#secondOf.size;
  }

  /** @param time in milliseconds since 1970; the item comes up within a second after it */
  set(item: Item, time: number): void {
    this.delete(item);
    const second = Math.max(Math.ceil(time / 1000), this.#nextSecond);
    let items = this.#bySecond.get(second);
    if (!items) this.#bySecond.set(second, items = new Set());
    items.add(item);
    this.#secondOf.set(item, second);
  }

  /** False if the item is not there. */
  delete(item: Item): boolean {
    const second = this.#secondOf.get(item);
    if (second === undefined) return false;
    this.#secondOf.delete(item);
    const items = this.#bySecond.get(second)!;
    items.delete(item);
    if (items.size === 0) this.#bySecond.delete(second);
    return true;
  }

  has(item: Item): boolean {
    return this.#secondOf.has(item);
  }

  /** All of them, in no order. */
  items(): Iterable<Item> {
    return this.#secondOf.keys();
  }

  /** Whether the item's time has come, if it is there at all. */
  isDue(item: Item, now: number): boolean {
    return (this.#secondOf.get(item) ?? Infinity) * 1000 <= now;
  }

  /**
   * Takes out what is due, the earliest first.
   *
   * @param max what is more stays for the next call
   */
  takeDue(now: number, max: number): Item[] {
    const end = Math.floor(now / 1000);
    const due: Item[] = [];
    let next = end + 1;
    for (const second of this.#secondsUntil(end)) {
      const items = [...this.#bySecond.get(second) ?? []];
      due.push(...items.slice(0, max - due.length));
      if (due.length < max) continue;
      next = second; // Some of it may be left.
      break;
    }
    for (const item of due) this.delete(item);
    this.#nextSecond = Math.max(this.#nextSecond, next);
    return due;
  }

  /** Seconds that may have something, in order. After a long sleep there may be more seconds than items. */
  #secondsUntil(end: number): number[] {
    const length = Math.max(0, end - this.#nextSecond + 1);
    return length <= this.#bySecond.size
      ? Array.from({ length }, (_, index) => this.#nextSecond + index)
      : [...this.#bySecond.keys()].filter((second) => second <= end).sort((one, other) => one - other);
  }
}
