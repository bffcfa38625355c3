/**
 * Levels of one node's children in the order of their UTF-16 code units.
 *
 *     #levels   "a" "b" "x" | "c" "b"      sorted | added since
 *
 * - New levels are appended and sorted when next read. Sorting a long run with a short tail takes a tenth of sorting
 *   anew, which matters for a node with 100,000 children that change between two pages.
 * - A level that went stays, and one that returned stands twice: reading skips the second, and the reader looks each
 *   up in the node anyway. The node drops the list when it is long beyond its children.
 */
export class SortedLevels {
  readonly #levels: string[];
  #isSorted = false;

  constructor(levels: string[]) {
    this.#levels = levels;
  }

  get length(): number {
    return this.#levels.length;
  }

  add(level: string): void {
    this.#levels.push(level);
    this.#isSorted = false;
  }

  /** The levels that are equal to or behind this one. */
  *from(level: string): Generator<string> {
    if (!this.#isSorted) this.#levels.sort();
    this.#isSorted = true;
    let previous: string | undefined;
    for (let index = this.#indexOf(level); index < this.#levels.length; index++) {
      const found = this.#levels[index];
      if (found !== undefined && found !== previous) yield found;
      previous = found;
    }
  }

  /** Of the first level that is not before this one. */
  #indexOf(level: string): number {
    let low = 0;
    let high = this.#levels.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#levels[middle] ?? "") < level) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
